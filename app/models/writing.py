"""Let an encoder-decoder model write the text of its decoder: greedily, with a key/value cache, up to a limit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import DynamicCache, EncoderDecoderCache, GenerationConfig
from transformers.generation.streamers import BaseStreamer

from ..records import NO_PROGRESS, Progress, Token, TokenizedPrompt
from .decoder_input import decoder_of, decoder_vocabulary, is_id, start_id
from .loading import LoadedModel
from .targets import WrittenTarget

# What the configuration of a model may say about what it writes: tokens that have a place of their own. Several tokens
# can end a text.
TOKENS = ("pad_token_id", "bos_token_id", "forced_bos_token_id")
ENDS = ("eos_token_id", "forced_eos_token_id")
OnTokens = Callable[[tuple[Token, ...]], object]


class Written(BaseStreamer):  # type: ignore[misc]
    """`on_id` gets each id that a model writes. What it raises ends the writing."""

    def __init__(self, on_id: Callable[[int], object]) -> None:
        self.on_id, self.begun = on_id, False

    def put(self, value: Any) -> None:
        if self.begun:  # the first value is what the decoder was given
            self.on_id(int(value.flatten()[-1]))
        self.begun = True

    def end(self) -> None:
        pass


def written(
    model: LoadedModel,
    prompt: TokenizedPrompt,
    progress: Progress = NO_PROGRESS,
    on_tokens: OnTokens = lambda _: None,
) -> TokenizedPrompt:
    """The prompt with the target that the model writes; the same prompt if a target is given.

    `on_tokens` gets all tokens of the target, the start token too, after each that is written.
    """
    if not prompt.to_write:
        return prompt
    found, ends = WrittenTarget(model), tokens_of(model).get("eos_token_id", [])

    def add(number: int) -> None:
        progress.check()
        if number not in ends:
            found.add(number)
            on_tokens(tuple(found.tokens))

    write(model, [token.id for token in prompt.tokens], prompt.to_write, add)
    return replace(prompt, target=found.target, to_write=0)


@torch.inference_mode()
def write(model: LoadedModel, tokens: Sequence[int], most: int, on_id: Callable[[int], object]) -> None:
    """`on_id` gets each id that the model writes after these tokens, at most `most`."""
    hugging_face: Any = model.adopted.model
    ids = torch.tensor([list(tokens)], device=model.device)
    hugging_face.generate(
        ids,
        attention_mask=torch.ones_like(ids),  # otherwise tokens that look like padding would be hidden
        generation_config=greedy(model, most),
        # Without it, transformers takes the number of layers of the encoder for that of the decoder (T5).
        past_key_values=EncoderDecoderCache(DynamicCache(), DynamicCache()),
        streamer=Written(on_id),
    )


def greedy(model: LoadedModel, most: int) -> GenerationConfig:
    """Nothing but the named tokens comes from the files of the model: other options can take any time and memory."""
    return GenerationConfig(
        **tokens_of(model), decoder_start_token_id=start_id(model.adopted), max_new_tokens=most, do_sample=False,
        num_beams=1, use_cache=True,
    )  # fmt: skip


def tokens_of(model: LoadedModel) -> dict[str, Any]:
    """The tokens that the configuration of the model names, or that of its decoder, and that exist."""
    configs = model.adopted.model.config, decoder_of(model.adopted).config
    vocabulary = decoder_vocabulary(model.adopted)
    found: dict[str, Any] = {}
    for name in (*TOKENS, *ENDS):
        named = next((value for config in configs if (value := getattr(config, name, None)) is not None), None)
        several = named if name in ENDS and isinstance(named, list) else [named]
        ids = [each for each in several if is_id(each, vocabulary)]
        if ids:
            found[name] = ids if name in ENDS else ids[0]
    return found
