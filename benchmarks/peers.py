"""Other tools that are measured for comparison. Each is installed into its own virtual environment.

Such an environment also sees the packages of this project and installs only what is missing or has another version;
torch is not installed again. A tool that cannot be installed is skipped, and the report says why.
"""

import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path

from .paths import CACHE, HERE


class PeerMissing(Exception):
    """This tool cannot be measured here; the message says why."""


def pins() -> dict[str, str]:
    """Name -> what to install."""
    lines = (HERE / "requirements-peers.txt").read_text().splitlines()
    return {line.partition("==")[0]: line for line in lines if "==" in line}


def interpreter(name: str) -> Path:
    """A Python that can import this tool. Raises PeerMissing."""
    folder, pin = CACHE / "peers" / name, pins()[name]
    python, installed = folder / "bin" / "python", folder / "installed"
    if not (installed.is_file() and installed.read_text() == pin):
        print(f"installing {pin}", flush=True)
        venv.create(folder, clear=True)
        packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        Path(packages, "ours.pth").write_text(sysconfig.get_path("purelib"))
        install(python, pin)
        installed.write_text(pin)
    return python


def install(python: Path, pin: str) -> None:
    """Raises PeerMissing, also if the tool needs another version of torch."""
    limits = CACHE / "peers" / "constraints.txt"
    limits.write_text(f"torch=={version('torch').partition('+')[0]}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--constraint", str(limits), pin], capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise PeerMissing(f"{pin} could not be installed: {errors[-1].removeprefix('ERROR: ')}"[:200])
