"""Endpoints for models with an encoder and a decoder: `target`, `stack`, and what is written while a client waits."""

import io
import json
import time
from threading import Event

import numpy as np
import pytest
from encoder_decoders import TARGET, TEXT, write
from safetensors.numpy import load as read_safetensors
from worlds import live, serving

from headscope.models import targets, writing
from headscope.settings import Settings

CAPTURES = "/api/v1/captures"
EVENTS = {"Accept": "text/event-stream"}
STACKS = ["encoder", "decoder", "cross"]
SHAPES = {"encoder": (2, 4, 10, 10), "decoder": (3, 4, 6, 6), "cross": (3, 4, 6, 10)}


@pytest.fixture(scope="module")
def own_settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder-decoders")
    write(folder / "t5", "t5")
    return Settings(models_dir=folder, model="local:t5", max_written=6, downloads=False, open=False)


@pytest.fixture(scope="module")
def own(own_settings):
    with serving(own_settings) as client:
        yield client


@pytest.fixture(scope="module")
def location(own):
    return own.post(CAPTURES, json={"text": TEXT, "target": TARGET}).headers["location"]


def events_of(answer):
    parts = [part.split("\n") for part in answer.text.strip().split("\n\n") if part.startswith("event")]
    found = [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in parts]
    return [(name, data) for name, data in found if name != "queued"]


def test_the_card_lists_three_stacks(own, location):
    card = next(card for card in own.get("/api/v1/models").json()["models"] if card["id"] == "local:t5")
    found = [(stack["name"], stack["queries"], stack["keys"], stack["causal"]) for stack in card["stacks"]]
    assert found == [
        ("encoder", "source", "source", False),
        ("decoder", "target", "target", True),
        ("cross", "target", "source", False),
    ]
    assert (card["layers"], card["heads"], card["max_target"]) == (2, 4, 2048)
    assert {layer["bias"] for layer in card["stacks"][0]["layers"]} == {"distance"}


def test_a_capture_describes_the_stack_that_is_asked_for(own, location):
    first = own.get(location).json()
    assert [token["text"] for token in first["target_tokens"]] == ["<pad>", *TARGET.split()]
    assert (first["stack"], first["queries"], first["keys"], first["target_written"]) == ("encoder", 10, 10, False)
    cross = own.get(f"{location}?stack=cross").json()
    assert [cross[name] for name in ("stack", "layers", "heads", "queries", "keys")] == ["cross", 3, 4, 6, 10]
    again = own.post(f"{CAPTURES}?stack=cross", json={"text": TEXT, "target": TARGET})
    assert (again.status_code, again.json()["id"], again.json()["stack"]) == (200, first["id"], "cross")


@pytest.mark.parametrize("stack", STACKS)
def test_every_address_of_a_head_takes_a_stack(own, location, stack):
    layers, heads, queries, keys = SHAPES[stack]
    head = own.get(f"{location}/heads/1/2?stack={stack}&quantity=pattern").json()
    assert (head["rows"], head["columns"]) == ([0, queries], [0, keys])
    np.testing.assert_allclose(np.sum(head["values"], 1), 1, atol=1e-6)
    overview = np.load(io.BytesIO(own.get(f"{location}/overview?stack={stack}&cells=5&format=npy").content))
    assert overview.shape == (layers, heads, -(-queries // -(-queries // 5)), -(-keys // -(-keys // 5)))
    dump = np.load(io.BytesIO(own.get(f"{location}/dump?stack={stack}&format=npy").content))
    assert dump.shape == SHAPES[stack]
    np.testing.assert_allclose(dump[1, 2], head["values"], atol=1e-6)


def test_without_a_stack_the_encoder_is_meant(own, location):
    assert own.get(f"{location}/heads/1/2").json() == own.get(f"{location}/heads/1/2?stack=encoder").json()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("heads/0/0?stack=self", "unknown_stack"),
        ("heads/2/0?stack=encoder", "unknown_layer"),
        ("heads/2/4?stack=decoder", "unknown_head"),
        ("overview?stack=middle", "unknown_stack"),
        ("dump?stack=middle", "unknown_stack"),
        ("heads/0/0?stack=cross&rows=0:7", "invalid_window"),
        ("heads/0/0?stack=cross&quantity=bias", "no_bias"),
        ("roles?stack=cross", "not_for_stack"),
        ("scores?stack=cross&roles=true", "not_for_stack"),
        ("rollout?stack=cross", "not_for_stack"),
        ("norms/2?stack=encoder", "unknown_layer"),
    ],
)
def test_what_a_stack_does_not_have_is_refused(own, location, path, code):
    answer = own.get(f"{location}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("stack", STACKS)
def test_effects_are_those_of_the_stack(own, location, stack):
    _, _, queries, keys = SHAPES[stack]
    weights, effects = (
        np.array(own.get(f"{location}/heads/1/2?stack={stack}&quantity={quantity}").json()["values"])
        for quantity in ("pattern", "norm")
    )
    of_values = effects[-1] / weights[-1]  # the last query may attend to all keys
    assert effects.shape == (queries, keys)
    np.testing.assert_allclose(effects, weights * of_values, rtol=1e-4, atol=1e-6)
    assert np.ptp(of_values) > 0.1
    assert np.shape(own.get(f"{location}/norms/1?stack={stack}").json()["values"]) == (queries, keys)


def test_an_unknown_stack_is_refused_with_the_names_before_a_text_is_run(own):
    answer = own.post(f"{CAPTURES}?stack=middle", json={"text": "never run", "target": "a"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_stack")
    assert "encoder, decoder and cross" in answer.json()["detail"]


@pytest.mark.parametrize("path", [CAPTURES, "/api/v1/attention", "/api/v1/estimate"])
def test_a_model_without_a_decoder_reads_no_target(client, path):
    answer = client.post(path, json={"text": TEXT, "target": TARGET, "model": "local:gpt2"})
    assert (answer.status_code, answer.json()["code"]) == (422, "target_not_supported")


def test_a_model_with_one_stack_takes_its_name(client):
    address = client.post(CAPTURES, json={"text": TEXT, "model": "local:gpt2"}).headers["location"]
    assert client.get(f"{address}/heads/0/0?stack=self").json() == client.get(f"{address}/heads/0/0").json()
    assert "target_tokens" not in client.get(address).json()
    assert client.get(f"{address}/heads/0/0?stack=cross").json()["code"] == "unknown_stack"


@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_a_dump_holds_an_array_for_each_stack(own, location, name):
    data = own.get(f"{location}/dump?format={name}").content
    arrays = np.load(io.BytesIO(data)) if name == "npz" else read_safetensors(data)
    assert {stack: arrays[f"attention_{stack}"].shape for stack in STACKS} == SHAPES
    assert arrays["layers_cross"].tolist() == [0, 1, 2]
    assert (len(arrays["token_ids"]), len(arrays["target_token_ids"])) == (10, 6)


def test_one_request_holds_all_stacks_or_one_with_a_certificate_for_all(own):
    body = {"text": TEXT, "target": TARGET, "verify": True}
    answer = own.post("/api/v1/attention", json=body).json()
    assert {stack: np.shape(answer[f"attention_{stack}"]) for stack in STACKS} == SHAPES
    assert {stack: len(errors) for stack, errors in answer["certificate"]["stacks"].items()} == {
        stack: shape[0] for stack, shape in SHAPES.items()
    }
    one = own.post("/api/v1/attention", json={**body, "stack": "cross"}).json()
    assert one["attention_cross"] == answer["attention_cross"]
    assert "attention_encoder" not in one


def test_npy_holds_one_stack(own, location):
    for answer in (
        own.get(f"{location}/dump?format=npy"),
        own.post("/api/v1/attention?format=npy", json={"text": TEXT, "target": TARGET}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        assert "name one of encoder, decoder, cross" in answer.json()["detail"]


def test_scores_between_two_texts_are_null_with_the_reason_where_they_compare_positions(own, location):
    found = {each["name"]: each for each in own.get(f"{location}/scores?stack=cross").json()["scores"]}
    undefined = {name for name, each in found.items() if "why" in each}
    assert undefined == {"distance", "signed_distance", "previous", "next", "self", "duplicate", "induction"}
    for name, each in found.items():
        assert (np.array(each["values"], float).shape) == (3, 4)
        assert np.isnan(np.array(each["values"], float)).all() == (name in undefined or name == "")
    weights = np.array(own.get(f"{location}/heads/2/1?stack=cross").json()["values"])
    assert found["first"]["values"][2][1] == pytest.approx(weights[:, 0].mean(), abs=1e-6)
    # The last key is </s>, which ends the text; no token of the target does.
    assert found["confidence"]["values"][2][1] == pytest.approx(weights[:, :-1].max(1).mean(), abs=1e-6)
    assert "why" not in own.get(f"{location}/scores").json()["scores"][2]


def test_words_of_both_texts_are_the_axes(own, location):
    words = own.get(f"{location}/words").json()
    assert [word["text"] for word in words["target_words"]] == ["<pad>", *TARGET.split()]
    merged = own.get(f"{location}/heads/0/1?stack=cross&words=true").json()
    assert np.shape(merged["values"]) == (len(words["target_words"]), len(words["words"]))


def test_heads_of_any_stack_are_compared_and_rollout_stays_within_one_text(own, location):
    found = own.get(f"{location}/similarity?stack=cross").json()
    assert (len(found["of"]), found["queries"]) == (12, 6)
    assert np.shape(own.get(f"{location}/rollout?stack=decoder").json()["values"]) == (6, 6)


def test_the_bias_of_a_layer_is_a_quantity(own, location):
    bias = np.array(own.get(f"{location}/heads/1/3?quantity=bias").json()["values"])
    assert bias.shape == (10, 10)
    np.testing.assert_allclose(np.diag(bias), bias[0, 0])  # it depends on the distance alone
    assert len(np.unique(bias.round(4))) > 3


def test_a_stream_shows_the_layers_of_one_stack(own, location):
    body = {"text": TEXT, "target": TARGET}
    events = events_of(own.post(f"{CAPTURES}?stack=cross&cells=4", json=body, headers=EVENTS))
    assert [name for name, _ in events] == ["tokens", "layer", "layer", "layer", "done"]
    assert len(events[0][1]["target_tokens"]) == 6
    assert [(data["layer"], data["stack"], data["rows"], data["cells"]) for _, data in events[1:-1]] == [
        (layer, "cross", 3, 4) for layer in range(3)
    ]
    assert events[-1][1]["stack"] == "cross"


def test_what_the_model_writes_is_streamed_and_becomes_the_target(own):
    body = {"text": "the dog saw a bird"}
    events = events_of(own.post(CAPTURES, json=body, headers=EVENTS))
    names = [name for name, _ in events]
    assert names == ["tokens", *["token"] * 6, "target", "layer", "layer", "done"]
    capture = events[-1][1]
    assert events[0][1]["target_tokens"] is None
    assert [data for name, data in events if name == "token"] == capture["target_tokens"][1:]
    assert events[7][1]["target"] == capture["target"]
    assert (len(capture["target_tokens"]), capture["target_written"]) == (7, True)
    again = own.post(CAPTURES, json=body)
    assert (again.status_code, again.json()["id"]) == (200, capture["id"])


@pytest.mark.fault(24, 40)
def test_the_memory_of_a_written_target_is_reserved_for_its_limit_before_the_work_begins(own, monkeypatch):
    runner = own.app.state.runner
    before = runner.ledger.bytes("captures")
    held = []
    write = writing.write
    monkeypatch.setattr(
        writing, "write", lambda *given: held.append(runner.ledger.bytes("captures") - before) or write(*given)
    )
    body = {"text": "a mat and a red house"}
    estimate = own.post("/api/v1/estimate", json=body).json()
    capture = own.post(CAPTURES, json=body).json()
    assert estimate["target_tokens"] == 7
    assert held == [estimate["bytes"] + estimate["writing"]]
    assert capture["bytes"] <= estimate["bytes"]
    assert runner.ledger.bytes("captures") - before == capture["bytes"]


def test_a_client_that_leaves_stops_the_writing(own_settings, monkeypatch):
    import httpx2

    begun, ended = Event(), []
    step = targets.WrittenTarget.add

    def slow(*given):
        begun.set()
        time.sleep(0.05)
        step(*given)

    run = writing.write
    long = own_settings.model_copy(update={"max_written": 2000})
    with live(long) as url:
        # Loaded first: a model writes a short target when it is admitted, and a load does not end with its client.
        assert httpx2.post(f"{url}/api/v1/models/load", json={"model": "local:t5"}, timeout=60).status_code == 200
        monkeypatch.setattr(targets.WrittenTarget, "add", slow)
        monkeypatch.setattr(writing, "write", lambda *given: note(run, ended, *given))
        with httpx2.stream("POST", f"{url}{CAPTURES}", json={"text": TEXT}, headers=EVENTS) as answer:
            lines = answer.iter_lines()  # it closes the connection when nothing refers to it
            next(lines)
            assert begun.wait(30)
        end = time.monotonic() + 30
        while not ended and time.monotonic() < end:
            time.sleep(0.02)
    assert [type(error).__name__ for error in ended] == ["ClientsGone"]


def note(run, ended, *given):
    try:
        return run(*given)
    except BaseException as error:
        ended.append(error)
        raise
