"""The import of torch and transformers."""

import gc
import os
from functools import cache


def let_waiting_threads_sleep() -> None:
    """Let torch's threads sleep while they wait for each other, unless OMP_WAIT_POLICY says otherwise.

    Call it before torch is imported. By default they keep a core busy while they wait. On a machine that is busy
    already, a run of 20 ms then takes up to 0.9 s, because the threads that are waited for get no core; and the event
    loop waits for a core as well.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@cache
def import_libraries() -> None:
    """Import what models need. It takes seconds, so it runs in a worker thread, with the first model.

    The garbage collector does not look at the imported objects afterwards: with them, a full collection would stop all
    threads for 0.2 s, again and again.
    """
    from ..analysis import heads, induction, layers, norms, similarity, words  # noqa: F401
    from ..capture import capture, certificate, windows  # noqa: F401
    from ..models import loading  # noqa: F401

    gc.freeze()
