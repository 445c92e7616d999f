"""The process that builds models without memory for their weights, with limits on its CPU time and memory.

Building a model runs code of transformers with numbers of a stranger, which can take any time: a million layers, or
masks for a million positions. Here that ends this process, not the server. Started by `process.py`.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import AppError, UnsupportedModel
from ..header import MAX_TENSORS
from .child import main

MAX_MODULES = 2**16  # the server builds the model as well, which takes 1 to 2 seconds for so many
WAY_OUT = "lower the sizes of its lists, or its number of layers"


def sizes(data: bytes, model_type: str) -> dict[str, int]:
    """{"parameters": number, "buffers": bytes} of the model that the config in `data` describes.

    Raises UnsupportedModel, also for a model with too many modules or tensors.
    """
    import torch
    from transformers import CONFIG_MAPPING

    from ..heads import base_class

    fields: dict[str, Any] = json.loads(data)
    try:
        with limited_modules(), torch.device("meta"):
            model = base_class(model_type)(CONFIG_MAPPING[model_type].from_dict(fields))
    except (AppError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UnsupportedModel(f"config.json describes no model: {type(error).__name__} {reason}") from error
    if (count := len(model.state_dict())) > MAX_TENSORS:
        raise UnsupportedModel(
            f"config.json describes a model of {count:,} weights: up to {MAX_TENSORS:,} are supported; {WAY_OUT}"
        )
    buffers = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    return {"parameters": sum(weight.numel() for weight in model.parameters()), "buffers": buffers}


@contextmanager
def limited_modules() -> Iterator[None]:
    """Within the `with`, building a model ends with UnsupportedModel as soon as it has too many modules."""
    from torch.nn.modules.module import register_module_module_registration_hook

    count = 0

    def check(*_: object) -> None:
        nonlocal count
        count += 1
        if count > MAX_MODULES:
            raise UnsupportedModel(
                f"config.json describes a model of more than {MAX_MODULES:,} modules, the most that are supported; "
                f"{WAY_OUT}"
            )

    hook = register_module_module_registration_hook(check)
    try:
        yield
    finally:
        hook.remove()


def prepare() -> None:
    """Import what every check needs: its time and memory are not those of a check."""
    import torch
    import transformers

    from .. import heads  # noqa: F401

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()


if __name__ == "__main__":
    # torch asks for a temporary folder; this process may write no files, so none would be found.
    tempfile.tempdir = os.sep
    main({"sizes": sizes}, [int(each) for each in sys.argv[1:]], prepare)
