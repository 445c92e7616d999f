"""The server around the application: sockets with a deadline, and an end that lets everybody finish.

    a signal     /readyz says 503, downloads stop, new work is refused; what was begun goes on
    + 20 s       runs that are still not done are stopped, and whoever waits for one hears that the server stops
    + 5 s        whatever is left is cut off

A second signal cuts everything off at once.
"""

import socket
from time import monotonic
from types import FrameType

import uvicorn
from fastapi import FastAPI

from ..settings import Settings
from .sockets import hurried

# Together well under the 30 seconds that who stops a service waits until it is killed.
FINISH_SECONDS = 20.0
CUT_OFF_SECONDS = 5
UNSENT_BYTES = 2**17


def notice_readers(listener: socket.socket) -> None:
    """On connections made through it, what a client reads is noticed soon, where the system can do that.

    Otherwise several MB lie in its buffers before they are full, and a third has to be read before they are not: a slow
    reader would look like none.
    """
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


class Server(uvicorn.Server):
    """Told to stop, it stops as said above; `run` returns then, and raises no signal of its own."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            http=hurried(settings.socket_seconds),
            ws="none",
            log_level=settings.log_level,
            access_log=False,  # uvicorn's own log of requests has their queries in it
            timeout_graceful_shutdown=CUT_OFF_SECONDS,
        )
        super().__init__(config)
        self.runner = app.state.runner
        self.stop_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in sockets or ():
            notice_readers(listener)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        if self.stop_at is None:
            self.stop()
        else:
            self.should_exit = self.force_exit = True

    def stop(self) -> None:
        """Begin to stop; safe in a signal handler and from another thread."""
        self.runner.stopping = True
        self.stop_at = monotonic() + FINISH_SECONDS

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if self.stop_at is not None:
            self.runner.shelf.cancel_downloads()
            if not self.server_state.tasks:
                self.should_exit = True
            elif monotonic() > self.stop_at:
                self.runner.stop_runs()
                self.should_exit = True
        return await super().on_tick(counter)
