"""Headscope shows what the attention heads of a pretrained transformer do with a text. See `load`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .library import Head, Model, Run, load

__all__ = ["Head", "Model", "Run", "load"]


def __getattr__(name: str) -> Any:
    """The names of the library, which imports torch, only when they are used."""
    if name in __all__:
        from . import library

        return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
