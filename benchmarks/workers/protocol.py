"""The protocol of a worker: for each request on standard input, run the work and print its time and memory."""

import json
import sys
import time
from collections.abc import Callable

from ..measure import peak_bytes, reset_peak, return_freed_memory


def serve(work: Callable[..., object]) -> None:
    """Reads JSON objects of arguments, one a line. Prints a line with `seconds` and `bytes`, or `error`, for each.

    bytes: peak memory of the work, including its result, in addition to the memory before
    trim: an argument of the protocol: first return freed memory to the system, which makes the next run slower
    """
    out, sys.stdout = sys.stdout, sys.stderr  # standard output is for answers only; libraries print to standard error
    print(json.dumps({}), file=out, flush=True)  # ready
    for line in sys.stdin:
        print(json.dumps(answer_of(work, json.loads(line))), file=out, flush=True)


def answer_of(work: Callable[..., object], arguments: dict[str, object]) -> dict[str, object]:
    if arguments.pop("trim", False):
        return_freed_memory()
    try:
        before = reset_peak()
        began = time.perf_counter()
        held = work(**arguments)
        taken = time.perf_counter() - began
        needed = peak_bytes() - before
        del held
    except Exception as error:  # noqa: BLE001 - any error of a tool is its result
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"seconds": taken, "bytes": needed}
