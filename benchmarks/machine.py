"""The machine on which the benchmarks ran."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .measure import total_bytes
from .paths import ROOT
from .peers import pins


def facts() -> dict[str, str]:
    """What a reader needs to judge the numbers; nothing that identifies the machine."""
    return {
        "processor": f"{os.cpu_count()} cores, {processor()}, torch threads: {threads()}",
        "memory": f"{total_bytes() / 2**30:.0f} GiB",
        "accelerator": accelerator(),
        "system": f"{system()}, Python {platform.python_version()}",
        "browser": browser(),
        "versions": ", ".join(f"{name} {version(name)}" for name in ("headscope", "torch", "transformers", "plotly")),
        "compared tools": ", ".join(pin.replace("==", " ") for pin in pins().values()),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def threads() -> int:
    import torch

    return torch.get_num_threads()


def processor() -> str:
    """The name that Linux reports; on other systems, the architecture."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def browser() -> str:
    found = subprocess.run([ROOT / "scripts" / "find-chromium"], capture_output=True, text=True, check=False)
    if found.returncode:
        return "none"
    said = subprocess.run([found.stdout.strip(), "--version"], capture_output=True, text=True, check=True)
    return "Chromium " + (re.search(r"[\d.]+", said.stdout) or ["of unknown version"])[0]


def accelerator() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
