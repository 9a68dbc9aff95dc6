"""Lines of a real run of a prefill/decode pair, and what the fixtures give."""

# ruff: noqa: E501 -- a log's lines are as long as they are

from __future__ import annotations

import subprocess
from collections.abc import Callable

from click.testing import Result

Run = Callable[..., Result]
Spawn = Callable[..., subprocess.CompletedProcess[bytes]]

PREFILL = """\
INFO 11-22 06:42:20 [p2p_nccl_engine.py:89] 🔍 [Rank 0] P2pNcclEngine.__init__ START | local_rank=0, pid=1063
INFO 11-22 06:42:20 [__init__.py:1384] Found nccl from library libnccl.so.2
INFO 11-22 06:42:27 [p2p_nccl_engine.py:353] 🔍 [Rank 0] Listener thread RUNNING, starting to poll | zmq_address=127.0.0.1:14579
INFO 11-22 06:42:27 [p2p_nccl_engine.py:184] 💯P2pNcclEngine init, rank:0, local_rank:0, http_address:127.0.0.1:20001, zmq_address:127.0.0.1:14579, proxy_address:, send_type:PUT_ASYNC, buffer_size_threshold:10000000000.00, nccl_num_channels:16
INFO 11-22 06:42:28 [p2p_nccl_engine.py:193] 🔍 [Rank 0] create_connect START | remote_address=127.0.0.1:14580, existing_comms=[]
INFO 11-22 06:42:28 [p2p_nccl_engine.py:210] 🔍 [Rank 0] Sending NEW command via ZMQ | remote_address=127.0.0.1:14580, unique_id_hex=aa8e6ccc26fa5a88
WARNING 11-22 06:42:28 [p2p_nccl_engine.py:222] 🚨 [Rank 0] ENTERING ncclCommInitRank - This will block until decode side also calls it!
INFO 11-22 06:42:30 [p2p_nccl_engine.py:228] 🔍 [Rank 0] ✅ PREFILL: ncclCommInitRank SUCCESS | remote_address=127.0.0.1:14580
INFO 11-22 06:42:30 [p2p_nccl_engine.py:231] 🤝ncclCommInitRank Success, 127.0.0.1:14579👉127.0.0.1:14580, MyRank:0
"""
DECODE = """\
INFO 11-22 06:42:21 [p2p_nccl_engine.py:89] 🔍 [Rank 1] P2pNcclEngine.__init__ START | local_rank=0, pid=2387
INFO 11-22 06:42:21 [__init__.py:1384] Found nccl from library libnccl.so.2
INFO 11-22 06:42:27 [p2p_nccl_engine.py:353] 🔍 [Rank 1] Listener thread RUNNING, starting to poll | zmq_address=127.0.0.1:14580
INFO 11-22 06:42:28 [p2p_nccl_engine.py:364] 🔍 [Rank 1] ✉️ DECODE: Received NEW command | remote_address=127.0.0.1:14579, unique_id_hex=aa8e6ccc26fa5a88
WARNING 11-22 06:42:28 [p2p_nccl_engine.py:376] 🚨 [Rank 1] ENTERING ncclCommInitRank - This will block until prefill side completes!
INFO 11-22 06:42:30 [p2p_nccl_engine.py:382] 🔍 [Rank 1] ✅ DECODE: ncclCommInitRank SUCCESS | remote_address=127.0.0.1:14579
INFO 11-22 06:42:30 [p2p_nccl_engine.py:386] 🤝ncclCommInitRank Success, 127.0.0.1:14580👈127.0.0.1:14579, MyRank:1
"""
WORKERS = """\
(Worker_TP0 pid=72) INFO 11-22 06:42:20 [__init__.py:1384] Found nccl from library libnccl.so.2
(Worker_TP1 pid=73) INFO 11-22 06:42:21 [__init__.py:1384] Found nccl from library libnccl.so.2
(Worker_TP1 pid=73) ERROR 11-22 06:42:22 [multiproc_executor.py:671] WorkerProc hit an exception.
"""
