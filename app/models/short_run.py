"""A run of a model on a few tokens, which finds its attention layers and shows that it works."""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PretrainedConfig

from ..errors import AppError, UnsupportedModel
from .adopted import Adopted

# Lengths of the text and of the target of the run that finds the layers. They differ, so that stacks can be told apart.
TRIED_TOKENS, TRIED_TARGET = 7, 5


def short_run(model: Adopted) -> Callable[[], Tensor]:
    """A function that runs the model on a few tokens. It raises UnsupportedModel if that fails."""
    config = model.model.config
    # Without a key/value cache, generation computes everything again: slower, but right.
    config.use_cache = False
    if model.model.can_generate():
        model.model.generation_config.use_cache = False
    positions = getattr(config, "max_position_embeddings", None) or TRIED_TOKENS
    positions = positions if positions > 0 else TRIED_TOKENS  # XLNet has -1: no limit

    @torch.inference_mode()
    def run() -> Tensor:
        try:
            target = tried_tokens(model, TRIED_TARGET) if model.reads_target else None
            return model.run(tried_tokens(model, min(TRIED_TOKENS, positions)), target)
        except AppError:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {str(error)[:300]}"
            narrow = f" in {dtype}" if (dtype := str(model.model.dtype).removeprefix("torch.")) != "float32" else ""
            raise UnsupportedModel(f"a {config.model_type} cannot be run on tokens alone{narrow}: {why}") from error

    return run


def tried_tokens(model: Adopted, count: int) -> Tensor:
    """[1 count] token ids that are not special, so that none of them counts as padding."""
    config = model.model.config
    special = special_tokens(config)
    usual = [token for token in range(min(model.vocabulary, count + len(special))) if token not in special] or [0]
    return torch.tensor([(usual * count)[:count]], device=model.model.device)


def special_tokens(config: PretrainedConfig) -> set[int]:
    """The ids that a configuration names at any depth, such as padding or the place of an image."""
    found: set[int] = set()
    waiting = [config.to_dict()]
    while waiting:
        for name, value in waiting.pop().items():
            if isinstance(value, dict):
                waiting.append(value)
            elif str(name).endswith(("token_id", "token_index", "token_ids")):
                found.update(value if isinstance(value, list) else [value])
    return found
