"""A server in its own process."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .paths import CACHE, ROOT


def checkout() -> Path:
    """A folder in which the package `headscope` is this checkout, even if another one is installed."""
    package = CACHE / "checkout" / "headscope"
    package.parent.mkdir(parents=True, exist_ok=True)
    if not package.is_symlink():
        package.symlink_to(ROOT / "app")
    return package.parent


@contextmanager
def running_server(model: str | Path) -> Iterator[str]:
    """The address of a server with this model: an included one, or a folder."""
    options, name = (
        ([f"--models-dir={model.parent}"], f"local:{model.name}") if isinstance(model, Path) else ([], model)
    )
    with server_process(f"--model={name}", *options) as (url, _):
        yield url


@contextmanager
def server_process(*options: str, **settings: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and the process of a server with these options and environment variables."""
    command = [Path(sys.executable).with_name("headscope"), "serve", "--no-open", "--port=0", *options]
    environment = {**os.environ, "PYTHONPATH": str(checkout()), **settings}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3].rstrip(",")
        while not ready(url):
            time.sleep(0.1)
        yield url, process
    finally:
        process.terminate()
        process.wait()


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz") as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        answer = error.read().decode()
        assert "failed" not in answer, answer
        return False
