"""Have our core compute the attention of a Hugging Face model."""

from dataclasses import replace

from transformers import PreTrainedModel

from ..errors import UnsupportedModel
from .adopted import Adopted, Replacement
from .interface.attention import NAME
from .interface.layout import calls_of, check_lengths, layers_of
from .interface.lazy import Shared
from .interface.pair_tensors import bytes_of_pair_tensors
from .interface.watched import followed, modules_with_attention
from .short_run import TRIED_TARGET, short_run


def adopted(model: PreTrainedModel, replacements: tuple[Replacement, ...] = ()) -> Adopted:
    """The model with the layers that a short run finds. Raises UnsupportedModel if it has no softmax attention."""
    found = Adopted(model, replacements)
    run = short_run(found)
    attention = layers_of(calls_of(model, run), TRIED_TARGET if found.reads_target else None)
    if not attention:
        raise UnsupportedModel(f"a {model.config.model_type} has no softmax attention that can be shown")
    work_bytes = bytes_of_pair_tensors(model, run, {layer.tried for layer in attention})
    return replace(found, attention=attention, work_bytes=work_bytes)


def adopt_without_table(model: PreTrainedModel) -> Adopted:
    """Compute the attention of any model by our core, through transformers' interface or by following its operations.

    Raises UnsupportedModel.
    """
    model.eval()
    try:
        found = adopt_by_interface(model)
    except (UnsupportedModel, ValueError):  # transformers' error for models that do not use the interface
        found = adopt_by_following(model)
    if not found.reads_target:
        check_lengths(found.attention, model.config.model_type)
    return found


def adopt_by_interface(model: PreTrainedModel) -> Adopted:
    """The attention of modules that call transformers' attention interface."""
    model.eval()
    model.set_attn_implementation(NAME)
    return adopted(model)


def adopt_by_following(model: PreTrainedModel) -> Adopted:
    """The attention of modules that multiply queries, keys and values themselves."""
    model.eval()
    model.set_attn_implementation("eager")
    watched = modules_with_attention(model, short_run(Adopted(model)))
    changes, shared = [], Shared()
    for module in watched:
        change = Replacement(module, "forward", module.forward, followed(module, shared))
        module.forward = change.ours
        changes.append(change)
    return replace(adopted(model, tuple(changes)), watched=tuple(watched))
