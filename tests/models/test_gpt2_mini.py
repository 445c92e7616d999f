"""The bundled GPT-2 has the properties that its model card states."""

import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from headscope.attention.hooks import watching
from headscope.models.registry import Catalogue, folder_of

FOLDER = Path(folder_of(Catalogue().lookup("gpt2-mini")))
CARD = (FOLDER / "README.md").read_text()
LENGTH = 50


def repeated(sequences, length, seed):
    """Ids of a start token and `length` random tokens repeated once; other ones than in the evaluation script."""
    random = torch.randint(1, 4096, (sequences, length), generator=torch.Generator().manual_seed(seed))
    return torch.cat([torch.zeros(sequences, 1, dtype=torch.long), random, random], 1)


@pytest.fixture(scope="module")
def patterns(loaded):
    """length -> [layer, sequence, head, query, key] for sequences of that many tokens repeated once."""
    model = loaded("gpt2-mini").adopted.model

    def on(length, sequences=10):
        seen = []
        with torch.inference_mode(), watching(model, "pattern", lambda _, pattern: seen.append(pattern)):
            model(repeated(sequences, length, seed=7))
        return torch.stack(seen)

    return {LENGTH: on(LENGTH), 200: on(200, sequences=2)}


def best_on_diagonal(patterns, offset, rows=slice(None)):
    return patterns.diagonal(offset, -2, -1)[..., rows].mean((1, -1)).max().item()


@pytest.mark.parametrize("length", [LENGTH, 200])
def test_there_is_an_induction_head_also_for_long_texts(patterns, length):
    assert best_on_diagonal(patterns[length], 1 - length, slice(2, None)) >= 0.5


@pytest.mark.parametrize("length", [LENGTH, 200])
def test_there_is_a_previous_token_head_also_for_long_texts(patterns, length):
    assert best_on_diagonal(patterns[length], -1) >= 0.4


def test_no_query_attends_to_later_tokens(patterns):
    assert patterns[LENGTH].triu(1).max() == 0


def test_it_is_small_and_half_precision():
    path = FOLDER / "model.safetensors"
    assert path.stat().st_size < 12_000_000
    with safe_open(path, "pt") as weights:
        assert {weights.get_tensor(name).dtype for name in weights.keys()} == {torch.float16}  # noqa: SIM118 - no dict


def test_it_has_the_size_on_its_model_card(loaded):
    card = loaded("gpt2-mini").card
    assert 3e6 <= card.parameters <= 5e6
    assert card.layers >= 4
    assert card.heads >= 6
    assert card.max_tokens == 512
    assert f"{card.parameters:,}" in CARD


def test_the_loss_on_the_model_card_is_at_least_one_and_a_half_nats_below_the_unigram_entropy():
    loss, entropy = (
        float(re.search(rf"{what} \| (\d\.\d+)", CARD).group(1)) for what in ("held-out loss", "unigram entropy")
    )
    assert entropy - loss >= 1.5


def test_it_predicts_repeated_random_tokens(loaded):
    """The induction heads have an effect: the loss is less than half of that of a uniform guess among 4,096 tokens."""
    model = loaded("gpt2-mini").adopted.model
    ids = repeated(4, LENGTH, seed=8)
    with torch.inference_mode():
        logits = model(ids).logits[:, LENGTH + 1 : -1]
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, LENGTH + 2 :].flatten())
    assert loss < torch.log(torch.tensor(4096.0)) / 2
