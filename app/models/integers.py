"""What a model keeps as integers and stores with its weights: positions, or the experts of each token."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from ..errors import CorruptModel
from .header import StoredTensor

EXPERTS = ("n_routed_experts", "num_local_experts", "num_experts")  # fields of configurations


def integers_of(model: PreTrainedModel) -> dict[str, torch.Size]:
    """Name -> shape of what the model keeps as integers."""
    return {name: each.shape for name, each in model.state_dict().items() if not each.dtype.is_floating_point}


def like_integers(model: PreTrainedModel, tensors: Mapping[str, StoredTensor]) -> frozenset[str]:
    """Names in the file with the last part and the shape of such integers: the parts before it may be renamed."""
    known = {(name.rpartition(".")[2], tuple(shape)) for name, shape in integers_of(model).items()}
    return frozenset(name for name, each in tensors.items() if (name.rpartition(".")[2], each.shape) in known)


def check_integers(weights: Mapping[str, Tensor], config: PretrainedConfig, names: Iterable[str]) -> None:
    """Raises CorruptModel for numbers that would be used as an index outside a table, on a GPU without an error."""
    experts = next((n for name in EXPERTS if (n := getattr(config, name, None))), 0)
    for name in names:
        found = weights[name]
        if name.rpartition(".")[2] == "position_ids":
            if not torch.equal(found, torch.arange(found.shape[-1]).expand(found.shape).to(found.dtype)):
                raise CorruptModel(f"{name[:200]} does not count the positions from 0: save the model again")
        elif found.numel() and not 0 <= int(found.min()) <= int(found.max()) < experts:
            raise CorruptModel(
                f"{name[:200]} has the numbers {int(found.min())} to {int(found.max())}: this model has the experts "
                f"0..{experts - 1}"
            )
