"""What every worker does: run its one thing as often as it is asked to, and say what that took."""

import json
import sys
import time
from collections.abc import Callable

from ..measure import give_back_memory, peak_bytes, reset_peak


def answer(work: Callable[..., object]) -> None:
    """For each line of standard input, a JSON object of arguments, a line with `seconds` and `bytes`, or `error`.

    bytes: what the work and what it answers needed at most, above what was held before
    trim: an argument for us: first give back what the C library keeps, which costs the next run time
    """
    out, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    print(json.dumps({}), file=out, flush=True)  # ready
    for line in sys.stdin:
        print(json.dumps(answer_of(work, json.loads(line))), file=out, flush=True)


def answer_of(work: Callable[..., object], arguments: dict[str, object]) -> dict[str, object]:
    if arguments.pop("trim", False):
        give_back_memory()
    try:
        before = reset_peak()
        began = time.perf_counter()
        held = work(**arguments)
        taken = time.perf_counter() - began
        needed = peak_bytes() - before
        del held
    except Exception as error:  # noqa: BLE001 - whatever stops a peer is its figure
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"seconds": taken, "bytes": needed}
