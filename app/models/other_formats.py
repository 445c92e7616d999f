"""Files with weights that are not read, told from the names in a folder or in a repository on the hub, and what to do.

Only safetensors are read: loading a pickle can run code.
"""

import os
import re
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from ..errors import UnsafeFormat, UnsupportedModel, listed
from .file_names import INDEX, WEIGHTS, weight_files
from .files import reading

MAX_NAMES = 1000  # that are looked at
ADAPTER = "adapter_config.json"
ADAPTERS = {ADAPTER, "adapter_model.safetensors", "adapter_model.bin"}
OTHERS = (".gguf", ".h5", ".onnx", ".msgpack", ".ot")
PICKLE = re.compile(r"[\w.-]+\.(bin|pt|pth|ckpt|pkl)", re.ASCII)
# What transformers' Trainer and Accelerate store beside the weights.
OF_TRAINING = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state|random_states)[\w.-]*", re.ASCII)
WHOLE, SHARDS = "pytorch_model.bin", re.compile(r"pytorch_model-\d{5}-of-\d{5}\.bin", re.ASCII)
IS_ADAPTER = (
    "it is an adapter, which is read only when it is merged into its base model: load both with "
    "`peft.AutoPeftModel.from_pretrained`, call `merge_and_unload()`, then `save_pretrained` for model and tokenizer"
)


def pickles_in(names: Collection[str]) -> list[str]:
    """The files with pickled weights: the parts of divided weights, or one file."""
    found = sorted(name for name in names if PICKLE.fullmatch(name) and not OF_TRAINING.fullmatch(name))
    if WHOLE in found:
        return [WHOLE]
    return [name for name in found if SHARDS.fullmatch(name)] or found[:1]


def without_weights(names: Collection[str]) -> str | None:
    """What a folder without weights that are read is instead, and what to do; None if its names do not tell."""
    if weight_files(names):
        return None
    if not ADAPTERS.isdisjoint(names):
        return IS_ADAPTER
    if pickles_in(names):
        return None
    if others := sorted(name for name in names if name.endswith(OTHERS)):
        return (
            f"its weights are in {listed(others, 2)}, but only {WEIGHTS} is read, or its parts with {INDEX}: download "
            "the model in this format, or load it with the library that wrote it and save it in this format"
        )
    return None


def names_of(folder: Path) -> list[str]:
    """The names of the first files of a folder. Raises OSError."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in islice(entries, MAX_NAMES)]


def refuse_other_formats(folder: Path) -> None:
    """Raises UnsafeFormat, UnsupportedModel if the only weights are in a format that is not read."""
    with reading(WEIGHTS):
        names = names_of(folder)
    if WEIGHTS in names or INDEX in names:
        return
    if reason := without_weights(names):
        raise UnsupportedModel(reason)
    if pickles := pickles_in(names):
        raise UnsafeFormat(
            f"the weights are pickled, which can run code. In the folder of the model, run: {conversion(pickles)}"
        )


def conversion(pickles: list[str]) -> str:
    """The command that writes safetensors: torch reads only numbers, and shared weights are stored one by one."""
    pattern = "pytorch_model-*-of-*.bin" if SHARDS.fullmatch(pickles[0]) else pickles[0]
    return (
        'python -c "import glob, torch, safetensors.torch as s; s.save_file({k: v.clone() '
        f"for f in glob.glob('{pattern}') for k, v in torch.load(f, weights_only=True).items()}}, '{WEIGHTS}')\""
    )
