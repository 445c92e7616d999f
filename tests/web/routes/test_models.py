import asyncio
import threading

import pytest
from anyio.from_thread import start_blocking_portal
from worlds import serving, write_tiny

from headscope.engine.runner import Runner
from headscope.records import ModelCard
from headscope.settings import Settings


def cards(client):
    return {card["id"]: card for card in client.get("/api/v1/models").json()["models"]}


def test_every_model_is_listed_with_its_state(client):
    client.post("/api/v1/models/load", json={"model": "local:gpt2"})
    listed = client.get("/api/v1/models").json()
    assert listed["default"] == "local:gpt2"
    known = cards(client)
    local = ["local:bert", "local:bert-masked", "local:gpt2"]
    assert list(known)[:6] == ["minilm", "gpt2-mini", "smollm2", *local]
    assert {card["source"] for card in list(known.values())[6:]} == {"hub"}
    assert (known["local:gpt2"]["state"], known["local:gpt2"]["layers"]) == ("ready", 3)
    assert (known["local:bert"]["state"], known["local:bert"]["layers"]) == ("available", None)


def test_loading_answers_the_card(client):
    card = client.post("/api/v1/models/load", json={"model": "local:bert"}).json()
    assert (card["state"], card["family"], card["heads"]) == ("ready", "bert", 4)
    assert card == cards(client)["local:bert"]


def test_a_model_that_failed_gives_the_reason_and_is_read_again_at_the_next_request(tmp_path):
    write_tiny(tmp_path / "broken", "gpt2")
    config = (tmp_path / "broken" / "config.json").read_text()
    (tmp_path / "broken" / "config.json").write_text(config.replace('"gpt2"', '"gpt9"'))
    with serving(Settings(model="local:broken", models_dir=tmp_path)) as client:
        refused = client.post("/api/v1/models/load", json={"model": "local:broken"})
        assert (refused.status_code, refused.json()["code"]) == (422, "unsupported_model")
        assert (cards(client)["local:broken"]["state"]) == "failed"
        assert "gpt9" in cards(client)["local:broken"]["why"]
        assert client.get("/readyz").status_code == 503
        (tmp_path / "broken" / "config.json").write_text(config)
        assert client.post("/api/v1/models/load", json={"model": "local:broken"}).status_code == 200


@pytest.mark.fault(11, 12)
@pytest.mark.parametrize("model", ["no body", "local:nobody", "local:../x", "local:", "/etc/passwd", "a\x00b"])
def test_an_unknown_model_is_404_and_leaves_no_trace(client, model):
    before = cards(client)
    response = client.post("/api/v1/models/load", json={"model": model})
    assert (response.status_code, response.json()["code"]) == (404, "model_not_found")
    assert list(cards(client)) == list(before)


@pytest.mark.fault(12, decides=True)
@pytest.mark.fault(11, 12)
def test_the_answer_does_not_say_whether_a_path_exists(tmp_path):
    for name in ("models/mine", "outside"):
        write_tiny(tmp_path / name, "gpt2")
    with serving(Settings(model="local:mine", models_dir=tmp_path / "models")) as client:
        client.get("/api/v1/models")  # the answer names the models that the last list has found
        bodies = {
            client.post("/api/v1/models/load", json={"model": f"local:{path}"}).text.replace(path, "PATH")
            for path in ("../outside", "../nothing", "/etc", "/nothing")  # long ids would be cut in the answer
        }
    assert len(bodies) == 1


@pytest.mark.fault(20)
def test_fifty_requests_at_once_share_one_load(models_dir, monkeypatch):
    loads = []
    monkeypatch.setattr(
        "headscope.models.loading.load_checked", lambda *_, **__: loads.append(threading.get_ident()) or "model"
    )
    monkeypatch.setattr("headscope.capture.admission.admit", lambda model: model)

    async def crowd():
        runner = Runner(Settings(models_dir=models_dir))
        return await asyncio.gather(*(runner.model("local:gpt2") for _ in range(50)))

    # In a thread of its own: the browser tests leave an event loop running in this one.
    with start_blocking_portal() as portal:
        assert portal.call(crowd) == ["model"] * 50
    assert len(loads) == 1
    assert loads[0] != threading.get_ident()  # never on the event loop


@pytest.mark.fault(47)
def test_the_size_of_a_model_is_answered_without_loading_it(client):
    answer = client.post("/api/v1/models/size", json={"model": "local:bert"}).json()
    assert (answer["model"], answer["download_bytes"]) == ("local:bert", 0)
    assert answer["bytes"] > 10_000
    assert cards(client)["local:bert"]["state"] == "available"
    assert client.post("/api/v1/models/size", json={"model": "local:nobody"}).status_code == 404


def test_health_and_readiness(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    client.post("/api/v1/models/load", json={"model": "local:gpt2"})
    assert client.get("/readyz").status_code == 200


def test_readiness_says_why_the_default_model_cannot_be_loaded(settings):
    with serving(settings.model_copy(update={"device": "cuda:9"})) as client:
        client.post("/api/v1/models/load", json={"model": settings.model})
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "failed")
    assert "--device cuda:9" in answer.json()["why"]


@pytest.mark.fault(41, 45)
def test_a_thousand_models_are_listed_without_copying_each_value(client, monkeypatch):
    """jsonable_encoder and asdict would take 0.2 s on the event loop."""
    runner = client.app.state.runner
    cards = [ModelCard(f"local:{number}", "", "", "local") for number in range(1000)]
    monkeypatch.setattr(runner.models, "cards", lambda: cards)
    monkeypatch.setattr("fastapi.routing.serialize_response", None)
    monkeypatch.setattr("headscope.records.asdict", None, raising=False)
    assert len(client.get("/api/v1/models").json()["models"]) == 1000
