"""The table of families: what each reads of a checkpoint, and how its attention becomes our layer."""

from .adapter import Adapter
from .bert import BERT
from .gpt2 import GPT2

FAMILIES: dict[str, Adapter] = {adapter.family: adapter for adapter in (BERT, GPT2)}
