"""A real server in a process of its own."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .places import ROOT


@contextmanager
def served(model: str | Path) -> Iterator[str]:
    """The address of a server that has loaded this model: a bundled one, or a folder."""
    where, name = ([f"--models-dir={model.parent}"], f"local:{model.name}") if isinstance(model, Path) else ([], model)
    command = [Path(sys.executable).with_name("headscope"), "serve", "--no-open", "--port=0", f"--model={name}"]
    # Found before the installed one, so that a checkout is measured by its own benchmarks.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, *where], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3].rstrip(",")
        while not ready(url):
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz") as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        said = error.read().decode()
        assert "failed" not in said, said
        return False
