"""Check that this machine has the requested device."""

import torch

from ..errors import DeviceMissing


def check_device(name: str) -> None:
    """Raises DeviceMissing if this machine, or this build of torch, has no such device."""
    device = torch.device(name)
    available = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= available[device.type]:
        found = ", ".join(f"{count} {kind}" for kind, count in available.items() if count)
        raise DeviceMissing(
            f"--device {name}: torch {torch.__version__} finds {found} here; "
            "docs/deployment.md says how to install the CUDA build; or leave --device out"
        )
