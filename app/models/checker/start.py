"""Start a process that checks files of models. It ends with the server, however the server ends."""

import logging
import os
import subprocess
import sys
from functools import cache

log = logging.getLogger(__name__)

# Keys and tokens stay here: the process sees only what Python needs to start.
VARIABLES = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT",
    "LANG", "LC_ALL",
)  # fmt: skip


def start(module: str, memory_bytes: int, cpu_seconds: int) -> "subprocess.Popen[bytes]":
    """A new process. Its limits exist on Unix; on other systems only the wall time is limited."""
    if sys.platform == "win32":
        log.warning("on this system, the memory that a check of a model's files takes is not limited")
    environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    lifelines = () if sys.platform == "win32" else (lifeline()[0],)
    limits = (memory_bytes, cpu_seconds, *lifelines)
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", f"{__package__}.{module}", *map(str, limits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a panic would print the text that it was given
        env={**environment, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        pass_fds=lifelines,
        start_new_session=True,  # Ctrl-C is for the server alone
    )


@cache
def lifeline() -> tuple[int, int]:
    """A pipe that closes when the server ends. Its reading end is that of the processes, see `child.end_with`."""
    return os.pipe()
