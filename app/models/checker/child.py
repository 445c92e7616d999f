"""The process that checks files of models, with limits on its CPU time and memory. Started by `process.py`.

It reads a question and the bytes of a file from the standard input, and writes the answer to the standard output, until
the input ends. It imports neither torch nor transformers, so that it starts in a tenth of a second.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import ModelRefused
from ..header import parse_header
from ..weight_index import parse_index
from .config_fields import short_fields
from .frames import read_frame, write_frame
from .trial import try_tokenizer
from .vocabulary import build_tokenizer

if sys.platform != "win32":
    import fcntl
    import resource


def header(data: bytes, data_bytes: int) -> list[Any]:
    return [list(vars(tensor).values()) for tensor in parse_header(data, data_bytes)]


MAX_UNKNOWN = 2**33  # bytes
Checks = dict[str, Callable[..., Any]]
CHECKS: Checks = {
    "config": short_fields,
    "header": header,
    "index": parse_index,
    "tokenizer": try_tokenizer,
    "vocabulary": build_tokenizer,
}


def main(checks: Checks, numbers: list[int], prepare: Callable[[], object] | None = None) -> None:
    """Answer questions until the input ends.

    numbers: the bytes of memory, the seconds of CPU time, and, on Unix, a pipe that closes when the server ends
    prepare: called first, without limits; the memory that it takes does not count
    """
    memory_bytes, cpu_seconds, *lifeline = numbers
    be_ended_first()
    for pipe in lifeline:
        end_with(pipe)
    if prepare is None:
        limit_memory(memory_bytes)
    else:
        prepare()
        limit_memory(address_space() + memory_bytes)
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        while (question := read_frame(questions)) is not None:
            data = read_frame(questions)
            limit_time(cpu_seconds)
            found = answer(checks, json.loads(question), data or b"") | {"resident_bytes": resident_bytes()}
            write_frame(answers, json.dumps(found).encode())
    except MemoryError:
        os.abort()  # as Rust does it


def answer(checks: Checks, question: dict[str, Any], data: bytes) -> dict[str, Any]:
    """{"result": ...}, or {"error": the class, "detail": ...}."""
    try:
        return {"result": checks[question["check"]](data, **question["options"])}
    except ModelRefused as error:
        return {"error": type(error).__name__, "detail": error.detail}


def end_with(lifeline: int) -> None:
    """The system ends this process as soon as the other end of the pipe closes, even within a call that holds the GIL.

    On Windows, this process ends after its check, when the standard input has ended.
    """
    if sys.platform != "win32":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


def be_ended_first() -> None:
    """Where memory is short, Linux ends this process rather than the server, which holds more."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")


def resident_bytes() -> int:
    """The memory that this process takes; 0 where the system does not say it."""  # ru_maxrss includes the parent's
    return bytes_of_memory(1) or 0


def address_space() -> int:
    """The memory that is mapped, of which a part is used; much where the system does not say it."""
    return bytes_of_memory(0) or MAX_UNKNOWN


def bytes_of_memory(column: int) -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[column])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def limit_memory(count: int) -> None:
    if sys.platform != "win32":
        lower(resource.RLIMIT_AS, count)
        lower(resource.RLIMIT_DATA, count)
        lower(resource.RLIMIT_CORE, 0)
        lower(resource.RLIMIT_FSIZE, 0)


def limit_time(seconds: int) -> None:
    """From now on, so many seconds of CPU time; then the system ends the process."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds)


if sys.platform != "win32":

    def lower(what: int, limit: int) -> None:
        """Set a limit, or the hard limit if that is lower."""
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main(CHECKS, [int(each) for each in sys.argv[1:]])
