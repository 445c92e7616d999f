"""What the text of a capture takes in memory."""

import tracemalloc

import pytest
from model_files import gpt2_tokenizer

from headscope.engine.limits import bytes_of_labels, bytes_of_text
from headscope.models.tokens import tokenize
from headscope.records import Prompt, TokenizedPrompt


@pytest.mark.fault(40)
@pytest.mark.parametrize("label", ["\N{ZERO WIDTH SPACE}" * 1000, "é" * 30], ids=["long", "short"])
def test_the_labels_of_the_tokens_are_counted(label):
    """Also of the longest token that is accepted, whose label is shortened."""
    tokenizer, text = gpt2_tokenizer(), label * 500
    tokenizer.add_tokens([label])
    tracemalloc.start()
    tokens, _ = tokenize(tokenizer, text, None, pairs=False)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tokens) == 500
    tokenized = TokenizedPrompt(Prompt(text), tokens)
    assert taken - 2**16 <= bytes_of_text(tokenized) < 2 * (taken + len(text) * 4)
    assert bytes_of_labels(tokens) > 500 * min(len(label), 200)
