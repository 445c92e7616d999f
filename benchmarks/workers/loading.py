"""Loads a model folder: `python -m benchmarks.workers.loading FOLDER`."""

import contextlib
import sys
from pathlib import Path

import torch

from headscope.models.loading import LoadedModel, load
from headscope.records import ModelCard

from ..models import random_llama
from .protocol import serve


def work(folder: str) -> LoadedModel:
    return load(Path(folder), ModelCard("random", "", "", "local"))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    with contextlib.redirect_stdout(sys.stderr):
        work(str(random_llama(1)))  # what a first load needs once, such as modules
    serve(lambda: work(sys.argv[1]))
