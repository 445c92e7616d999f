"""The process that builds models without memory for their weights, with limits on its CPU time and memory.

Building a model runs code of transformers with numbers of a stranger, which can take any time: a million layers, or
masks for a million positions. Here that ends this process, not the server. Started by `process.py`.
"""

import json
import os
import sys
import tempfile
from typing import Any

from ...errors import AppError, UnsupportedModel
from .child import main


def sizes(data: bytes, model_type: str) -> dict[str, int]:
    """{"parameters": number, "buffers": bytes} of the model that the config in `data` describes."""
    import torch
    from transformers import CONFIG_MAPPING

    from ..heads import base_class

    fields: dict[str, Any] = json.loads(data)
    try:
        with torch.device("meta"):
            model = base_class(model_type)(CONFIG_MAPPING[model_type].from_dict(fields))
    except (AppError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UnsupportedModel(f"config.json describes no model: {type(error).__name__} {reason}") from error
    buffers = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    return {"parameters": sum(weight.numel() for weight in model.parameters()), "buffers": buffers}


if __name__ == "__main__":
    tempfile.tempdir = (
        os.sep
    )  # torch asks for a temporary folder; this process may write no files, so none would be found
    main({"sizes": sizes}, *map(int, sys.argv[1:]))
