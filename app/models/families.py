"""The table of model families. A new family is added here."""

from .adapter import Adapter
from .bert import BERT
from .gpt2 import GPT2

FAMILIES: dict[str, Adapter] = {adapter.family: adapter for adapter in (BERT, GPT2)}
