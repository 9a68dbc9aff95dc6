"""Processes of our own, and how objects go to them and come back.

One that is started here is a new one, not a fork: by then there are threads, and one of them may
hold a lock. Columns go over a pipe as they lie in memory (pickle's fifth protocol, PEP 574).
"""

from __future__ import annotations

import fcntl
import os
import pickle
import struct
import subprocess
import sys
from contextlib import suppress
from typing import Any

import numpy as np

NUMBER = struct.Struct("<q")
_SHORT = 0.2
"""Seconds that a process which was killed is waited for."""
_LARGE_PIPE = 1 << 20
"""Bytes that a pipe holds where the system allows that: the most that Linux gives to anyone."""


def start(
    module: str,
    stdin: int = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    *,
    group: bool = False,
) -> subprocess.Popen[bytes]:
    """A process that calls `serve()` of a module; with `group` it leads one, of all it starts."""
    return subprocess.Popen(
        # -P: what lies in the folder that one happens to be in is no part of the program.
        [sys.executable, "-P", "-c", f"from {module} import serve; serve()"],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        start_new_session=group,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            # It needs no linear algebra, whose threads would take memory.
            "OPENBLAS_NUM_THREADS": "1",
        },
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, if it still runs, and waits for that."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SHORT)
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(OSError):
                pipe.close()


def widen(pipe: int) -> None:
    """Makes a pipe hold more, so that who writes much need not wait so often."""
    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _LARGE_PIPE)


def send(pipe: int, sent: object) -> None:
    """Writes an object; raises OSError where nobody reads it any more."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(sent, protocol=5, buffer_callback=buffers.append)
    parts: list[bytes | memoryview] = [data, *(buffer.raw() for buffer in buffers)]
    sizes = [len(part) for part in parts]
    head = b"".join(map(NUMBER.pack, (len(sizes), *sizes)))
    for part in (head, *parts):
        left = memoryview(part)
        while left:
            left = left[os.write(pipe, left) :]


def receive(pipe: int) -> Any:
    """Waits for the next object; raises EOFError where none comes any more."""
    [count] = NUMBER.unpack(read(pipe, NUMBER.size))
    sizes = [NUMBER.unpack(read(pipe, NUMBER.size))[0] for _ in range(count)]
    data, *buffers = [read(pipe, size) for size in sizes]
    return pickle.loads(data, buffers=buffers)


def read(pipe: int, size: int) -> memoryview:
    """So many bytes, into memory that is theirs alone and can be written to."""
    whole = np.empty(size, np.uint8).data
    left = whole
    while left:
        count = os.readv(pipe, [left])
        if not count:
            raise EOFError
        left = left[count:]
    return whole
