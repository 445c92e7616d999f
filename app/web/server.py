"""The uvicorn server with timeouts for slow clients and a graceful shutdown.

    a signal     /readyz answers 503, downloads stop, new work is refused; running work continues
    + 20 s       runs that have not finished are stopped; their clients get the error `stopping`
    + 5 s        open connections are closed

A request that has not arrived a second after the signal is not waited for.

A second signal closes everything at once.
"""

import asyncio
import socket
from time import monotonic
from types import FrameType
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ..settings import Settings
from .connections import Connections
from .early_responses import MAX_UNPARSED_BYTES
from .sockets import TimeoutProtocol, protocol_with_limits

# Together well below the 30 seconds after which process managers kill a service.
FINISH_SECONDS = 20.0
CLOSE_SECONDS = 5
# uvicorn cancels the tasks of connections that are open after CLOSE_SECONDS, with a traceback of each. Aborted a moment
# before, they end like those of clients that leave.
ABORT_SECONDS = 1
# How long the rest of a request may take to arrive after the signal.
BODY_SECONDS = 1
UNSENT_BYTES = 2**17
# Connections that the system accepts before the server does. All of them may arrive in one step of the event loop.
BACKLOG = 512


def limit_send_buffer(listener: socket.socket) -> None:
    """Keep the send buffers of its connections small, where the system can, so that slow readers are noticed soon.

    Otherwise several MB fit into the buffers, and a client that reads nothing looks like a fast one.
    """
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


class Server(uvicorn.Server):
    """On a signal it shuts down as above; `run` then returns instead of raising the signal again."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self.limits: Connections = app.state.connections
        config = uvicorn.Config(
            app,
            http=protocol_with_limits(settings.socket_seconds, self.limits),
            backlog=BACKLOG,
            h11_max_incomplete_event_size=MAX_UNPARSED_BYTES,
            ws="none",
            # uvicorn's warnings are about requests that clients sent wrongly: anybody could fill the log with them.
            log_level="error" if settings.log_level == "warning" else settings.log_level,
            server_header=False,
            access_log=False,  # uvicorn's access log contains query strings
            timeout_graceful_shutdown=CLOSE_SECONDS,
        )
        super().__init__(config)
        self.limits.proxies = ProxyHeadersMiddleware(cast("Any", app), config.forwarded_allow_ips).trusted_hosts
        self.runner = app.state.runner
        self.stop_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.limits.fit_file_limit()
        for listener in sockets or ():
            limit_send_buffer(listener)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a signal handler
        if self.stop_at is None:
            self.stop()
        else:
            self.should_exit = self.force_exit = True

    def stop(self) -> None:
        """Start the shutdown. Safe in a signal handler and from another thread."""
        self.runner.stopping = True
        self.stop_at = monotonic() + FINISH_SECONDS

    def open_connections(self) -> list[TimeoutProtocol]:
        return [one for one in self.server_state.connections if isinstance(one, TimeoutProtocol)]

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls it ten times a second."""
        if counter % 10 == 0:
            for connection in self.open_connections():
                connection.response_timer.check_closing()
        if self.stop_at is not None:
            self.runner.stop_loads()
            self.runner.pools.hurry_tokenizing()
            if monotonic() > self.stop_at - FINISH_SECONDS + BODY_SECONDS:
                self.close_half_sent()
            if not self.server_state.tasks:
                self.should_exit = True
            elif monotonic() > self.stop_at:
                self.runner.stop_jobs()
                self.should_exit = True
        return await super().on_tick(counter)

    def close_half_sent(self) -> None:
        """Requests that have not arrived are not waited for."""
        for connection in self.open_connections():
            if connection.is_half_sent():
                connection.transport.close()

    def abort_connections(self) -> None:
        for connection in self.open_connections():
            connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.force_exit:
            self.abort_connections()
        after = CLOSE_SECONDS - ABORT_SECONDS
        timer = asyncio.get_running_loop().call_later(after, self.abort_connections)
        await super().shutdown(sockets)
        timer.cancel()
