"""The import of torch and transformers."""

import gc
from functools import cache


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
