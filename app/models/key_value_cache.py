"""A key/value cache of transformers: a text that grows is run token by token, without the earlier ones again."""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache

from ..errors import UnsupportedModel
from .adopted import Adopted


def new_cache(model: Adopted) -> Cache:
    """An empty cache. Raises UnsupportedModel if earlier tokens attend to later ones, whose keys it cannot have."""
    config = model.model.config
    if not all(layer.causal for layer in model.attention):
        raise UnsupportedModel(
            f"a {config.model_type} has no key/value cache: its tokens attend to later ones, so a longer text has to "
            "be run as a whole"
        )
    return DynamicCache(config=config.get_text_config(decoder=True))


@torch.inference_mode()
def run_on(model: Adopted, ids: Tensor, cache: Cache) -> Tensor:
    """Token ids [b i] that follow those of the cache -> their last hidden state [b i m]. Afterwards it has theirs too.

    Cores get the queries of these tokens, and the keys and values of all tokens that are still in reach.
    """
    reader: Any = model.model.base_model
    hidden: Tensor = reader(input_ids=ids, past_key_values=cache, use_cache=True)[0]
    return hidden
