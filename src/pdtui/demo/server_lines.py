"""What vLLM 0.11.0's API server and engine loop write.

The real P/D runs have no API server; these lines are copied from public reports of vLLM 0.11.0.
"""

from typing import Final

from pdtui.demo.template import Template

# Start-up of the API server: public reports of 0.11.0 (`non-default args` of a P/D pair).
VERSION: Final = Template(
    "INFO", "entrypoints/openai/api_server.py:1839", "vLLM API server version {version}"
)
ARGUMENTS: Final = Template(
    "INFO",
    "entrypoints/utils.py:233",
    "non-default args: {{'model_tag': 'Qwen/Qwen3-8B', 'host': '0.0.0.0', 'port': {http_port}, "
    "'model': 'Qwen/Qwen3-8B', 'seed': 1024, 'max_model_len': 10000, 'enforce_eager': True, "
    "{parallel}'gpu_memory_utilization': 0.7, 'max_num_batched_tokens': 10000, "
    "'max_num_seqs': 256, 'enable_log_requests': True, 'kv_transfer_config': "
    "KVTransferConfig(kv_connector='P2pNcclConnector', engine_id='{engine_id}', "
    "kv_buffer_device='cuda', kv_buffer_size={buffer}, kv_role='{kv_role}', kv_rank=None, "
    "kv_parallel_size=1, kv_ip='127.0.0.1', kv_port={kv_port}, kv_connector_extra_config="
    "{{'proxy_ip': '{proxy_ip}', 'proxy_port': '{proxy_port}', 'http_port': '{http_port}', "
    "'send_type': '{send_type}', 'nccl_num_channels': '16'}}, kv_connector_module_path=None)}}",
)
LISTENING: Final = Template(
    "INFO",
    "entrypoints/openai/api_server.py:1912",
    "Starting vLLM API server 0 on http://0.0.0.0:{http_port}",
)
STARTED: Final = Template("INFO", "", "Started server process [{pid}]")
STARTING_UP: Final = Template("INFO", "", "Waiting for application startup.")
STARTED_UP: Final = Template("INFO", "", "Application startup complete.")

# Ctrl-C: public reports of 0.11.0.
SHUTTING_DOWN: Final = Template(
    "INFO", "entrypoints/launcher.py:110", "Shutting down FastAPI HTTP server."
)
CLOSING: Final = Template("INFO", "", "Shutting down")
CLOSING_APPLICATION: Final = Template("INFO", "", "Waiting for application shutdown.")
CLOSED_APPLICATION: Final = Template("INFO", "", "Application shutdown complete.")

# A request at the API server: public reports of 0.11.0 (/v1/completions logs no prompt).
RECEIVED: Final = Template(
    "INFO",
    "entrypoints/logger.py:40",
    "Received request {request}: prompt: None, params: SamplingParams(n=1, "
    "presence_penalty=0.0, frequency_penalty=0.0, repetition_penalty=1.0, temperature=0.6, "
    "top_p=0.95, top_k=20, min_p=0.0, seed=None, stop=[], stop_token_ids=[], bad_words=[], "
    "include_stop_str_in_output=False, ignore_eos=False, max_tokens={max_tokens}, "
    "min_tokens=0, logprobs=None, prompt_logprobs=None, skip_special_tokens=True, "
    "spaces_between_special_tokens=True, truncate_prompt_tokens=None, "
    "structured_outputs=None, extra_args=None), prompt_token_ids: None, "
    "prompt_embeds shape: None, lora_request: None.",
)
ADDED: Final = Template("INFO", "v1/engine/async_llm.py:316", "Added request {request}.")
ACCESS: Final = Template("INFO", "", '{client} - "{call} HTTP/1.1" 200 OK')
_STATS: Final = (
    "Engine 000: Avg prompt throughput: {prompt:.1f} tokens/s, "
    "Avg generation throughput: {made:.1f} tokens/s, Running: {running} reqs, "
    "Waiting: 0 reqs, GPU KV cache usage: {usage:.1f}%, Prefix cache hit rate: 0.0%"
)
STATS: Final = Template("INFO", "v1/metrics/loggers.py:127", _STATS)
STATS_IDLE: Final = Template("DEBUG", "v1/metrics/loggers.py:127", _STATS)

# The engine's loop: public reports of 0.11.0 at DEBUG.
LOOP_ACTIVE: Final = Template("DEBUG", "v1/engine/core.py:743", "EngineCore loop active.")
LOOP_WAITING: Final = Template("DEBUG", "v1/engine/core.py:737", "EngineCore waiting for work.")

# An engine that waits for its workers (0.11.0; only where it has worker processes), and one that
# ends: the place of each line of the record.
WAITS_FOR_WORKERS: Final = Template(
    "INFO",
    "distributed/device_communicators/shm_broadcast.py:466",
    "No available shared memory broadcast block found in 60 seconds. This typically happens when "
    "some processes are hanging or doing some time-consuming work (e.g. compilation).",
)
ENGINE_ENDS: Final = Template("ERROR", "v1/engine/core.py:710", "{text}")
ENGINE_NOT_STARTED: Final = Template("ERROR", "v1/engine/core.py:708", "{text}")
WORKER_ENDS: Final = Template("ERROR", "v1/executor/multiproc_executor.py:671", "{text}")
SERVER_ENDS: Final = Template("ERROR", "v1/engine/async_llm.py:480", "{text}")
FAILED: Final = Template("INFO", "", '{client} - "{call} HTTP/1.1" 500 Internal Server Error')
