"""Failures of the tokenizers package, which is written in Rust."""

from ..errors import AppError


def failure_of(error: BaseException) -> str | None:
    """The reason if the error is a failure of the package; None for our own errors and for interrupts.

    A panic in Rust is a BaseException that is no Exception, and its class cannot be imported.
    """
    if isinstance(error, AppError | MemoryError):
        return None
    if isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime":
        return " ".join(str(error).split())[:200] or type(error).__name__
    return None
