"""Build a model without memory for its weights, as a config.json describes it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules.module import register_module_module_registration_hook
from transformers import PreTrainedModel

from ..errors import WeightsDoNotFit
from .checker.watchdog import check_wanted
from .claim import Claim, describing
from .file_names import CONFIG, WEIGHTS

SPARE_PARAMETERS = 2**20  # that transformers computes where a file does not have them


def check_described(described: int, stored: int) -> None:
    """Raises WeightsDoNotFit, before a model is built, if the file has less than half of the weights of its config."""
    if described > 2 * stored + SPARE_PARAMETERS:
        raise WeightsDoNotFit(f"{CONFIG} describes {described:,} parameters, {WEIGHTS} has {stored:,}")


def on_meta(claim: Claim, model_class: type[PreTrainedModel], options: Mapping[str, Any]) -> PreTrainedModel:
    """Raises UnsupportedModel, and what `check_wanted` raises."""
    with describing(), while_wanted(), torch.device("meta"):
        return model_class(claim.config, **options)


@contextmanager
def while_wanted() -> Iterator[None]:
    """Within the `with`, this thread stops building a model that nobody waits for any more; see `check_wanted`."""
    hook = register_module_module_registration_hook(lambda *_: check_wanted())
    try:
        yield
    finally:
        hook.remove()
