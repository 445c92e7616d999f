"""For types whose weights transformers merges and renames: whether those of a file give a whole model.

transformers converts tensors without memory, so that a file that does not fit is refused before any weight is read.
"""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import convert_and_load_state_dict_in_model
from transformers.modeling_utils import LoadStateDictConfig

from ..errors import WeightsDoNotFit
from .header import StoredTensor
from .unused_weights import counted

MAX_ERROR = 400  # characters of an error of transformers
META = torch.device("meta")


def check_conversion(model: PreTrainedModel, tensors: Mapping[str, StoredTensor]) -> None:
    """Raises WeightsDoNotFit. `model` is without memory, and of no use afterwards."""
    try:
        report = converted(model, tensors)
    except Exception as error:  # the operations on tensors of any shape raise many classes
        raise no_fit(error) from error
    if report.conversion_errors:
        raise no_fit(min(report.conversion_errors.values()))
    check_report(report.to_dict())


def converted(model: PreTrainedModel, tensors: Mapping[str, StoredTensor]) -> Any:
    """The report of transformers about loading tensors of these names and shapes."""
    stored = {name: torch.empty(tensor.shape, device=META) for name, tensor in tensors.items()}
    mapping = get_model_conversion_mapping(model)
    options = LoadStateDictConfig(device_map={"": META}, dtype=torch.float32, weight_mapping=mapping)
    report, _ = convert_and_load_state_dict_in_model(model, stored, options)
    model.tie_weights(missing_keys=report.missing_keys, recompute_mapping=False)
    model._adjust_missing_and_unexpected_keys(report)
    return report


def no_fit(error: object) -> WeightsDoNotFit:
    return WeightsDoNotFit(f"the weights do not fit config.json: {' '.join(str(error).split())[:MAX_ERROR]}")


def check_report(report: Mapping[str, Any]) -> None:
    """Raises WeightsDoNotFit if weights are missing, unknown, or have another shape than config.json describes."""
    # transformers would initialise missing weights with random numbers.
    for problem, found in (("missing", report["missing_keys"]), ("unknown", report["unexpected_keys"])):
        if found:
            raise WeightsDoNotFit(f"{counted(list(found), problem)}: the checkpoint has to match config.json")
    if report["mismatched_keys"]:
        name, *shapes = min(report["mismatched_keys"])
        stored, wanted = (list(shape) for shape in shapes)
        raise WeightsDoNotFit(f"{name[:200]} is {stored} in the file, config.json wants {wanted}")
