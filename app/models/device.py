"""Whether this machine has the device that was asked for."""

import torch

from ..errors import DeviceMissing


def check_device(name: str) -> None:
    """Raises DeviceMissing where this machine, or this build of torch, has no such device."""
    device = torch.device(name)
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= there[device.type]:
        found = ", ".join(f"{count} {kind}" for kind, count in there.items() if count)
        raise DeviceMissing(
            f"--device {name}: torch {torch.__version__} finds {found} here; "
            "docs/deployment.md says how to install the CUDA build; or leave --device out"
        )
