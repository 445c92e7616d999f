"""The table of model families whose attention is our own layer. A new family is added to one of the tables it joins."""

from .adapter import Adapter
from .decoders import DECODER_ADAPTERS
from .encoders import ENCODER_ADAPTERS
from .gpt2 import GPT2

FAMILIES: dict[str, Adapter] = {adapter.family: adapter for adapter in (*ENCODER_ADAPTERS, GPT2, *DECODER_ADAPTERS)}
