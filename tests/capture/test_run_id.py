"""Ids of runs that are no plain text."""

from dataclasses import replace

import pytest

from headscope.capture.capture import capture_id
from headscope.capture.run_id import run_id
from headscope.records import ModelCard, Prompt

CARD = ModelCard("tiny", "", "gpt2", "local", revision="abc")
OFF = {"off": [[0, 1], [2, 3]], "replace": "zero"}


def test_it_is_the_same_on_every_server():
    assert run_id(CARD, [5, 6, 7], OFF) == "df79d96796b707fdbd9512b1f1ada6cf"


def test_the_order_of_names_and_the_kind_of_sequence_do_not_matter():
    assert run_id(CARD, (5, 6, 7), {"replace": "zero", "off": ((0, 1), (2, 3))}) == run_id(CARD, [5, 6, 7], OFF)
    assert run_id(CARD, [5, 6, 7], {}) == run_id(CARD, [5, 6, 7], None)
    assert run_id(replace(CARD, title="other", state="ready"), [5], OFF) == run_id(CARD, [5], OFF)


def test_everything_that_changes_a_run_changes_it():
    ids = [
        run_id(CARD, [5, 6, 7], OFF),
        run_id(CARD, [5, 6], OFF),
        run_id(CARD, [5, 67], OFF),
        run_id(CARD, [6, 5, 7], OFF),
        run_id(CARD, [5, 6, 7]),
        run_id(CARD, [5, 6, 7], {**OFF, "replace": "mean"}),
        run_id(CARD, [5, 6, 7], {**OFF, "off": [[2, 3], [0, 1]]}),
        run_id(CARD, [5, 6, 7], OFF, keep="float16"),
        run_id(CARD, [5, 6, 7], OFF, segments=[0, 0, 1]),
        run_id(CARD, [5, 6, 7], OFF, target=[0, 0, 1]),
        run_id(CARD, [5, 6], OFF, target=[7]),
        run_id(replace(CARD, revision="abd"), [5, 6, 7], OFF),
        run_id(replace(CARD, id="other"), [5, 6, 7], OFF),
        capture_id(CARD, Prompt("[5, 6, 7]")),
    ]
    assert len(set(ids)) == len(ids)
    assert {len(each) for each in ids} == {32}


def test_what_two_servers_could_write_in_different_ways_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_id(CARD, [5], {"scale": float("nan")})
    with pytest.raises(TypeError, match="not JSON serializable"):
        run_id(CARD, [5], {"heads": {1, 2}})
