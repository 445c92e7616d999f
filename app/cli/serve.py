"""`headscope serve`: the page and the JSON API."""

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ..errors import AppError
from ..settings import Settings
from .interrupts import quiet_exit
from .messages import FAILED, MISUSED, fail
from .model_paths import folder_at
from .options import DeviceOption, DtypeOption, ModelOption, ModelsDirOption, help_of, settings_from
from .signals import HANGUP


@quiet_exit()
def serve(
    path: Annotated[Path | None, typer.Argument(help="folder of a model to open", show_default=False)] = None,
    host: Annotated[str | None, typer.Option(help=help_of("host"), show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help=help_of("port"), show_default=False)] = None,
    open_page: Annotated[
        bool | None, typer.Option("--open/--no-open", help=help_of("open"), show_default=False)
    ] = None,
    model: ModelOption = None,
    models_dir: ModelsDirOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    shared: Annotated[
        bool | None, typer.Option("--shared/--no-shared", help=help_of("shared"), show_default=False)
    ] = None,
    insecure: Annotated[bool | None, typer.Option("--insecure", help=help_of("insecure"), show_default=False)] = None,
) -> None:
    """Serve the page and the JSON API."""
    if path is not None and model is not None:
        fail("give a folder or --model, not both", MISUSED)
    if path is not None:
        path = folder_at(path)
    settings = settings_from(
        host=host,
        port=port,
        open=open_page,
        model=model if path is None else str(path),
        models_dir=models_dir,
        device=device,
        dtype=dtype,
        shared=shared,
        insecure=insecure,
    )
    with listen(settings) as listener:
        try:
            run_server(settings, listener)
        except AppError as error:
            fail(error.detail)


def listen(settings: Settings) -> socket.socket:
    """The listening socket. It is bound first, so that a port in use is reported at once."""
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, reuse_port=False)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        fail(f"cannot listen on {where}: {reason(error)}. Take another --port; 0 takes a free one.", FAILED)
    return listener


def reason(error: OSError) -> str:
    """Without what asyncio and socket add: "Address already in use (while attempting to bind on address ...)"."""
    return str(error.strerror).partition(" (while ")[0]


def run_server(settings: Settings, listener: socket.socket) -> None:
    """Raises DeviceMissing."""
    if settings.device != "cpu":  # importing torch takes seconds
        from ..models.device import check_device

        check_device(settings.device)
    from ..engine.arenas import limit_arenas
    from ..engine.libraries import let_waiting_threads_sleep
    from ..main import create_app
    from ..web.server import Server

    limit_arenas()
    let_waiting_threads_sleep()
    app = create_app(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    with suppress(OSError):  # a server runs also where nobody can read its output
        typer.echo(f"Headscope {version('headscope')} on {url}, {mode(settings)}  (Ctrl+C stops it)")
        sys.stdout.flush()
    # The socket listens already, so the connection of the browser waits until the server accepts it.
    if settings.open and has_screen():
        import webbrowser

        webbrowser.open(url)
    logging.basicConfig(format="%(levelname)s: %(message)s")
    logging.getLogger("headscope").setLevel(settings.log_level.upper())
    server = Server(app, settings)
    for hangup in HANGUP:  # the end of the terminal
        if signal.getsignal(hangup) != signal.SIG_IGN:
            signal.signal(hangup, server.handle_exit)
    server.run(sockets=[listener])
    abandon_threads()


def abandon_threads() -> None:
    """Exit without waiting for threads that load or run a model."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        logging.shutdown()
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(0)


def mode(settings: Settings) -> str:
    """Who can reach this server, for the first line of output."""
    if not settings.shared:
        return "for this machine only"
    return "shared, with a key" if settings.api_key else "shared, WITHOUT a key"


def has_screen() -> bool:
    """Without a screen, Linux would open the page in a text browser inside this terminal."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
