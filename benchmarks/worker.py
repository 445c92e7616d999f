"""Worker processes: each measures one thing, so that the memory of one does not affect the others."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .paths import CACHE, ROOT


class WorkFailed(Exception):
    """The error that stopped a worker."""


class Worker:
    """One process of benchmarks/workers."""

    def __init__(self, python: str | Path, module: str, *arguments: str | Path) -> None:
        CACHE.mkdir(exist_ok=True)
        self.log = CACHE / f"{module}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, "-m", f"benchmarks.workers.{module}", *arguments],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.read()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            last = (self.log.read_text().strip().splitlines() or ["it ended"])[-1]
            raise WorkFailed(f"exit code {self.process.wait()}: {last[:200]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkFailed(answer["error"])
        return answer

    def ask(self, **arguments: object) -> dict[str, Any]:
        """`seconds` and `bytes` of one run. Raises WorkFailed."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(arguments) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # read() raises the reason
        return self.read()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def worker(module: str, *arguments: str | Path, python: str | Path = sys.executable) -> Iterator[Worker]:
    """Raises WorkFailed if it does not start."""
    process = Worker(python, module, *arguments)
    try:
        yield process
    finally:
        process.close()
