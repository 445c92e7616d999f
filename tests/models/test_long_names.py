"""Names and texts in a foreign file, as long as they may be: answers and the log stay short."""

import json
import logging

import pytest
import torch
from model_files import change_weights
from worlds import serving, write_tiny

from headscope.models.claim import claim_of
from headscope.settings import Settings

LONG = 60_000  # characters: the longest field of a config.json that is read


@pytest.fixture
def folder(tmp_path):
    return write_tiny(tmp_path / "mine", "bert")


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.fault(46)
def test_a_card_with_the_longest_names_is_short(folder):
    labels = {str(number): "label " * 30 for number in range(200)}
    change_config(folder, architectures=["A" * LONG], id2label=labels, transformers_version="9" * LONG)
    extra = {f"{number:03}{chr(0xF0000) * 497}": torch.zeros(1) for number in range(300)}
    change_weights(folder, lambda stored: stored.update(extra))
    with serving(Settings(model="local:mine", models_dir=folder.parent)) as client:
        card = client.post("/api/v1/models/load", json={"model": "local:mine"})
        listed = client.get("/api/v1/models")
    assert card.json()["state"] == "ready"
    assert len(card.json()["ignored"]) == 21
    assert len(card.content) < 100_000
    assert len(listed.content) < 120_000


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "x" * LONG},
        {"hidden_act": "x" * LONG},
        {"hidden_size": "x" * LONG},
        {"hidden_size": 10**4000},
        {"model_type": "llama", "hidden_act": "x" * LONG},
        {"model_type": "llama", "rope_scaling": {"rope_type": "x" * LONG}},
        {"model_type": "llama", "layer_types": ["x" * LONG]},
    ],
    ids=["type", "activation", "text", "number", "other activation", "rotation", "kind of layer"],
)
def test_why_a_model_failed_is_short_in_the_list(folder, changes):
    change_config(folder, **changes)
    with serving(Settings(model="local:mine", models_dir=folder.parent)) as client:
        refused = client.post("/api/v1/models/load", json={"model": "local:mine"})
        card = next(card for card in client.get("/api/v1/models").json()["models"] if card["id"] == "local:mine")
    assert refused.status_code == 422
    assert card["state"] == "failed"
    assert len(card["why"]) <= 1000


@pytest.mark.fault(46)
def test_transformers_logs_nothing_of_a_config(caplog):
    logging.getLogger("transformers").addHandler(caplog.handler)
    try:
        scaling = {"rope_type": "linear", "factor": 2.0, "x" * LONG: 1}
        claim_of({"model_type": "llama", "pad_token_id": 10**50, "rope_scaling": scaling}, {})
    finally:
        logging.getLogger("transformers").removeHandler(caplog.handler)
    assert not caplog.records
