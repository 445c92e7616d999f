"""Change the files of a model as a hostile or careless writer would."""

import json

from safetensors.torch import load_file, save_file

CONFIG, TOKENIZER, WEIGHTS = FILES = ("config.json", "tokenizer.json", "model.safetensors")


def split_weights(folder):
    """The header of the weights as an object, and the bytes after it."""
    data = (folder / WEIGHTS).read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def write_weights(folder, header, data):
    """`header`: an object, or bytes."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header + data)


def change_weights(folder, change):
    """Save the weights again after `change` of the dictionary of tensors."""
    stored = load_file(folder / WEIGHTS)
    change(stored)
    save_file(stored, folder / WEIGHTS)
