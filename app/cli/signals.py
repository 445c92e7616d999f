"""Handlers of the signals that end a command. Imports nothing that is slow: the entry point needs them first."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

HANGUP = [signal.SIGHUP] if sys.platform != "win32" else []
# One that is ignored stays ignored: `nohup` ignores SIGHUP, shells ignore SIGINT in the background.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *HANGUP)


@contextmanager
def handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Within the `with`, the handler gets Ctrl+C, SIGTERM and the end of the terminal."""
    before = {each: signal.signal(each, handler) for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield
    finally:
        for each, previous in before.items():
            signal.signal(each, previous)
