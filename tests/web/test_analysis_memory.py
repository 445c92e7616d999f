"""What analyses hold: their work space while they run, and their results until the last client has read them."""

import gc
import weakref

import pytest
from worlds import serving

from headscope.analysis import layers
from headscope.analysis.layers import bytes_of_rollout
from headscope.analysis.scores import bytes_per_query
from headscope.analysis.similarity import bytes_of_similarity

TEXT = "The cat sat on the mat, and the cat ran to the mat."
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def made(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).json()


def sizes(made):
    """Path of an analysis -> the bytes of its work space."""
    tokens, heads = made["queries"], made["layers"] * made["heads"]
    return {
        "rollout": bytes_of_rollout(tokens),
        "similarity": bytes_of_similarity(heads),
        "scores?per=query&names=entropy": bytes_per_query(heads * tokens),
    }


@pytest.mark.fault(24, 40)
@pytest.mark.parametrize("headers", [{}, EVENTS])
@pytest.mark.parametrize("path", ["rollout", "similarity", "scores?per=query&names=entropy"])
def test_an_analysis_that_can_never_fit_is_413_before_any_work(settings, made, path, headers, monkeypatch):
    needed = sizes(made)[path]
    limit = made["bytes"] + needed - 1
    with serving(settings.model_copy(update={"max_capture_bytes": limit})) as client:
        at = client.post("/api/v1/captures", json={"text": TEXT}).headers["location"]
        monkeypatch.setattr("headscope.capture.layer.LayerCapture.block", None)
        refused = client.get(f"{at}/{path}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert f"takes {needed:,} bytes, and its capture another {made['bytes']:,}" in refused.json()["detail"]


@pytest.mark.fault(40)
def test_the_work_space_of_an_analysis_is_held_while_it_runs_and_is_503_if_it_does_not_fit_now(
    client, made, monkeypatch
):
    held, rollout, ledger = [], layers.rollout, client.app.state.runner.ledger
    monkeypatch.setattr(layers, "rollout", lambda *given: held.append(ledger.bytes("analyses")) or rollout(*given))
    at = f"/api/v1/captures/{made['id']}/rollout"
    expected = client.get(at)
    assert held == [sizes(made)["rollout"]]
    assert ledger.bytes("analyses") == 0
    ledger.job_seconds = 0.05
    with ledger.reserve("answers", ledger.max_bytes - ledger.bytes(), "others"):
        assert client.get(at).json()["code"] == "busy"
    assert client.get(at).json() == expected.json()
    assert len(held) == 2


@pytest.mark.fault(40)
@pytest.mark.parametrize("headers", [{}, EVENTS])
def test_the_result_of_an_analysis_is_in_no_memory_after_its_answer(client, made, headers, monkeypatch):
    results, rollout = [], layers.rollout

    def watched(*given):
        found = rollout(*given).copy()  # its own memory, which views refer to
        results.append(weakref.ref(found))
        return found

    monkeypatch.setattr(layers, "rollout", watched)
    gc.collect()
    gc.disable()  # or a result in a cycle would be found, some time
    try:
        assert client.get(f"/api/v1/captures/{made['id']}/rollout", headers=headers).status_code == 200
        client.get("/healthz")
        assert [result() for result in results] == [None]
    finally:
        gc.enable()
