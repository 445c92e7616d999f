"""The work of a capture job: memory that is known only while the model runs."""

import pytest
from architectures import write_model

from benchmarks.tiny_types import tiny
from headscope.capture.capture import run
from headscope.capture.cost import Cost
from headscope.engine.capture_work import Squares
from headscope.engine.ledger import Ledger
from headscope.errors import TooLarge
from headscope.models.loading import load
from headscope.records import NO_PROGRESS, ModelCard


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """Four layers whose masks of 48 x 48 take a bit a cell, 288 bytes each."""
    folder = tmp_path_factory.mktemp("sparse")
    write_model(folder, tiny("deepseek_v32"))
    found = run(load(folder, ModelCard("local:x", "x", "", "local")), "the cat sat on the mat " * 8).layers
    assert [sum(x.nbytes for x in layer.terms.squares) for layer in found] == [288] * 4
    return found


def squares_of(limit):
    """For a run that is known to take 1,000 bytes, and no squares."""
    ledger = Ledger(limit, 1)
    cost = Cost(tokens=48, bytes=1000, limit=limit, seconds=None, max_tokens=64)
    return Squares(cost, ledger.reserve("captures", cost.kept, "the capture"), NO_PROGRESS)


def test_a_mask_that_turns_out_to_be_a_square_counts_with_its_layer(layers):
    squares = squares_of(10_000)
    for number, layer in enumerate(layers, 1):
        squares.add(layer)
        assert squares.held.bytes == 1000 + 288 * number
    squares.add(layers[0])  # a tensor that layers share counts once
    assert squares.held.bytes == 1000 + 288 * 4


@pytest.mark.fault(24, 40)
def test_a_run_whose_masks_do_not_fit_ends_with_the_first_such_layer_and_says_how_many_tokens_fit(layers):
    squares = squares_of(1400)
    squares.add(layers[0])
    with pytest.raises(
        TooLarge, match=r"layer 1 is computed, takes 1,576 bytes.*: shorten the text to 43 tokens or fewer"
    ):
        squares.add(layers[1])
