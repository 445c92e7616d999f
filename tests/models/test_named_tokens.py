"""Ids of tokens in config.json that do not exist, or are no ids: a model runs as if its config did not name them."""

import json
import shutil

import pytest
from encoder_decoders import TARGET, TEXT, write

from headscope.capture.capture import run
from headscope.models.loading import load
from headscope.records import ModelCard, Prompt

CARD = ModelCard("local:x", "x", "", "local")
NAMES = (
    "decoder_start_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "forced_bos_token_id",
    "forced_eos_token_id",
)  # fmt: skip
LISTS = ("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids", "sequence_bias")
BEYOND = {
    "suppress_tokens": [99999], "begin_suppress_tokens": [99999], "bad_words_ids": [[99999]],
    "force_words_ids": [[99999]], "sequence_bias": [[[99999], 1.0]], "forced_decoder_ids": [[1, 99999]],
}  # fmt: skip
CHANGES = {
    "beyond": dict.fromkeys(NAMES, 64),
    "negative": dict.fromkeys(NAMES, -1),
    "lists": {**BEYOND, "eos_token_id": [99999, -1], "forced_eos_token_id": [99999]},
    "lists of no ids": {**{name: [[{}]] for name in LISTS}, "eos_token_id": []},
    "others": {"max_time": -1.0, "stop_strings": ["the"], "prompt_lookup_num_tokens": 10, "num_beams": 1000},
}


@pytest.fixture(scope="module", params=["t5", "bart"])
def folder(request, tmp_path_factory):
    return write(tmp_path_factory.mktemp("named") / request.param, request.param)


def changed(folder, path, **changes):
    shutil.copytree(folder, path)
    config = json.loads((path / "config.json").read_text())
    # An end that is named would end the text.
    config |= {"eos_token_id": None, "forced_eos_token_id": None}
    (path / "config.json").write_text(json.dumps({**config, **changes}))
    return load(path, CARD)


@pytest.fixture(scope="module")
def wanted(folder, tmp_path_factory):
    """What the model reads and writes without any such token."""
    return targets(changed(folder, tmp_path_factory.mktemp("plain") / "model"))


def targets(model):
    return [run(model, Prompt(TEXT, target=given), most_written=6).target for given in (None, TARGET)]


@pytest.mark.fault(17, 46)
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_tokens_that_do_not_exist_are_not_used(folder, wanted, tmp_path, changes):
    assert targets(changed(folder, tmp_path / "model", **changes)) == wanted
    assert len(wanted[0].tokens) == 7


@pytest.mark.fault(17, 46)
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("t5", {"bos_token_id": {}}),
        ("t5", {"bos_token_id": "x", "forced_bos_token_id": {}}),
        ("t5", {"bos_token_id": [0, 1]}),
        ("bart", {"forced_eos_token_id": 10**6}),
    ],
)
def test_values_that_are_no_ids_are_not_used(tmp_path, kind, changes):
    plain = write(tmp_path / "plain", kind)
    expected = targets(changed(plain, tmp_path / "expected"))
    assert targets(changed(plain, tmp_path / "changed", **changes)) == expected


def test_tokens_that_exist_are_used(folder, wanted, tmp_path):
    ids = [token.id for token in wanted[0].tokens]
    written, _ = targets(changed(folder, tmp_path / "model", eos_token_id=[99999, ids[-1]]))
    assert [token.id for token in written.tokens] == ids[: ids.index(ids[-1])]
