"""The data types that the weights of a model can be held in."""

from collections.abc import Mapping

import torch
from transformers import PreTrainedModel
from transformers.core_model_loading import build_glob_alternation

from ..records import ModelDtype

TORCH_DTYPES: dict[ModelDtype, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def always_float32(model: PreTrainedModel, names: Mapping[str, str]) -> frozenset[str]:
    """Of name in the file -> parameter: the names of weights that transformers never rounds, and of buffers."""
    kept = {name for name, _ in model.named_buffers()}
    if patterns := list(model._get_dtype_plan(torch.bfloat16)):
        pattern, *_ = build_glob_alternation(patterns)
        kept |= {parameter for parameter in names.values() if pattern.search(parameter)}
    return frozenset(name for name, parameter in names.items() if parameter in kept)
