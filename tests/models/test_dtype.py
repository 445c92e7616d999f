"""Models whose weights are held in bfloat16: half the memory, with maps that are computed in float32."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from anyio.from_thread import start_blocking_portal
from architectures import ARCHITECTURES, write, write_model
from model_files import bytes_of_weights, change_weights, memory_of_weights
from safetensors.torch import load_file
from typer.testing import CliRunner
from worlds import serving, write_tiny

import headscope
from benchmarks.tiny_types import tiny
from headscope.analysis.norms import grams
from headscope.attention.core import Core
from headscope.capture.admission import admit, has_experts
from headscope.capture.capture import capture_id, run
from headscope.capture.cost import bytes_kept
from headscope.capture.run_id import run_id
from headscope.cli.command import cli
from headscope.engine.model_cache import ModelCache
from headscope.errors import ModelTooLarge, UnsupportedModel
from headscope.models import weights
from headscope.models.loading import load
from headscope.models.registry import Catalogue, folder_of
from headscope.records import ModelCard, Prompt
from headscope.settings import Settings

CARD = ModelCard("local:x", "x", "", "local")
TEXT = "the cat sat on the mat"
BUNDLED = ("minilm", "gpt2-mini", "smollm2")


def in_bfloat16(folder):
    return load(folder, CARD, dtype="bfloat16")


def bytes_held(model):
    """Of all weights, each counted once."""
    parameters = model.adopted.model.parameters()
    return sum({p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in parameters}.values())


@pytest.fixture(scope="module")
def bundled():
    """model id -> the bundled model in bfloat16."""
    models = {}

    def get(model_id):
        if model_id not in models:
            entry = Catalogue().lookup(model_id)
            models[model_id] = load(folder_of(entry), entry.card, dtype="bfloat16", sha256=entry.sha256)
        return models[model_id]

    return get


@pytest.fixture(scope="module", params=ARCHITECTURES)
def folder(request, tmp_path_factory):
    return write(tmp_path_factory.mktemp(request.param), request.param)


@pytest.mark.parametrize("model_id", BUNDLED)
def test_the_weights_of_a_bundled_model_take_half_the_memory(model_id, bundled):
    model = bundled(model_id)
    assert bytes_held(model) == 2 * model.card.parameters
    assert model.card.dtype == "bfloat16"
    assert model.card.verified


@pytest.mark.parametrize("model_id", BUNDLED)
def test_a_bundled_model_is_admitted_by_the_rounding_of_bfloat16(model_id, bundled):
    errors = admit(bundled(model_id)).card.certificate.max_abs_error
    assert max(errors) > 1e-5  # it is compared in bfloat16


def test_every_architecture_is_admitted_by_the_rounding_of_bfloat16(folder):
    assert 1e-5 < max(admit(in_bfloat16(folder)).card.certificate.max_abs_error) < 0.02


@pytest.mark.parametrize("name", ["llama", "jamba", "bart"])
def test_a_mistake_that_the_rounding_of_bfloat16_would_hide_is_refused(name, tmp_path, monkeypatch):
    model, compute = in_bfloat16(write(tmp_path, name)), Core.forward

    def wrong(self, q, k, v, terms):
        return compute(self, q, k, v, replace(terms, scale=terms.scale * 1.001))

    monkeypatch.setattr(Core, "forward", wrong)
    with pytest.raises(UnsupportedModel, match=r"differs by \d\.\de-0[2345] .* at most 1\.0e-05"):
        admit(model)


@pytest.mark.parametrize("name", ["minimax_m2", "exaone_moe"])
def test_a_token_that_rounding_sends_to_another_expert_is_no_reason_to_refuse_a_model(tmp_path, name):
    """In float32 it is within 1e-5; in bfloat16, a later layer differs more than three times the rounding of eager."""
    model = admit(in_bfloat16(write_model(tmp_path, tiny(name))))
    assert has_experts(model.adopted.model.config)
    assert max(model.card.certificate.max_abs_error) > 0.1


@pytest.mark.parametrize("name", ["esm", "gemma4"])
def test_a_model_whose_configuration_has_parts_without_values_is_admitted(tmp_path, name):
    model = admit(in_bfloat16(write_model(tmp_path, tiny(name))))
    assert not has_experts(model.adopted.model.config)


def test_a_mistake_in_bfloat16_alone_is_refused_by_its_own_scale(tmp_path, monkeypatch):
    model, compute = in_bfloat16(write(tmp_path, "llama")), Core.forward

    def wrong(self, q, k, v, terms):
        scale = terms.scale * (1.5 if q.dtype == torch.bfloat16 else 1)
        return compute(self, q, k, v, replace(terms, scale=scale))

    monkeypatch.setattr(Core, "forward", wrong)
    with pytest.raises(UnsupportedModel, match=r"differs by \d\.\de-0[12] .* at most \d\.\de-03"):
        admit(model)


@pytest.mark.parametrize("model_id", ["minilm", "gpt2-mini"])
def test_rows_sum_to_one_and_maps_are_float32(model_id, bundled):
    capture = run(bundled(model_id), TEXT)
    whole = range(len(capture.tokens))
    for layer in capture.layers:
        pattern = layer.block(range(layer.heads), whole, whole)
        assert layer.q.dtype == layer.k.dtype == torch.bfloat16
        assert pattern.dtype == layer.block(range(1), whole, whole, "scores").dtype == torch.float32
        assert (pattern.sum(-1) - 1).abs().max() <= 1e-5


@pytest.mark.parametrize("keep", ["float32", "float16"])
def test_the_memory_of_a_capture_is_known_before_and_counts_two_bytes_a_number(keep, bundled):
    model = bundled("gpt2-mini")
    capture = run(model, TEXT, keep=keep)
    assert capture.bytes == bytes_kept(model.card, len(capture.tokens), keep)
    assert capture.bytes == bytes_kept(replace(model.card, dtype="float32"), len(capture.tokens), "float16")


def test_a_capture_has_another_id_than_in_float32(bundled):
    narrow = bundled("gpt2-mini").card
    wide = replace(narrow, dtype="float32")
    assert capture_id(narrow, Prompt(TEXT)) != capture_id(wide, Prompt(TEXT))
    assert run_id(narrow, [1, 2]) != run_id(wide, [1, 2])


@pytest.mark.parametrize("stored", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_weights_are_the_rounded_numbers_of_the_file(tmp_path, stored):
    folder = write(tmp_path, "llama")
    change_weights(folder, lambda found: found.update({name: x.to(stored) for name, x in found.items()}))
    parameters = dict(in_bfloat16(folder).adopted.model.base_model.named_parameters())
    for name, x in load_file(folder / "model.safetensors").items():
        if "self_attn" not in name:  # those are parameters of our layer
            assert torch.equal(parameters[name], x.to(torch.bfloat16)), name


def test_weights_that_are_stored_in_bfloat16_are_read_into_the_memory_of_the_model(tmp_path, monkeypatch):
    folder = write_tiny(tmp_path, "gpt2")
    change_weights(folder, lambda found: found.update({name: x.bfloat16() for name, x in found.items()}))
    places = memory_of_weights(monkeypatch)
    monkeypatch.setattr(weights, "read_converted", None)
    model = in_bfloat16(folder)
    assert {x.untyped_storage().data_ptr() for x in model.adopted.model.parameters()} <= places


def test_a_router_that_transformers_never_rounds_stays_in_float32(tmp_path):
    tiny = ARCHITECTURES["deepseek"]
    model = replace(tiny, sizes={**tiny.sizes, "first_k_dense_replace": 0}).build()
    for name, x in model.named_buffers():
        if name.endswith("correction_bias"):
            torch.nn.init.normal_(x)
    folder = write_model(tmp_path, model)
    found = {name: x for name, x in load_file(folder / "model.safetensors").items() if name.endswith("correction_bias")}
    parameters = dict(in_bfloat16(folder).adopted.model.state_dict())
    assert found
    for name, x in found.items():
        assert torch.equal(parameters[name], x), name


def test_norms_are_computed_in_float32(bundled, loaded):
    narrow, wide = (grams(model, run(model, TEXT)).layers for model in (bundled("gpt2-mini"), loaded("gpt2-mini")))
    for one, other in zip(narrow, wide, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() <= 0.05 * other.abs().max()


def test_the_limit_of_memory_for_models_counts_what_is_held(models_dir):
    folder = models_dir / "gpt2"
    needed = bytes_of_weights(folder) // 2 + 15 * (folder / "tokenizer.json").stat().st_size

    async def bytes_with(limit):
        given = {"model": "local:gpt2", "models_dir": models_dir, "dtype": "bfloat16", "max_model_bytes": limit}
        models = ModelCache(Settings(**given))
        await models.model(None)
        return models.loads["local:gpt2"].bytes

    with start_blocking_portal() as portal:
        assert portal.call(bytes_with, needed) == needed
        with pytest.raises(ModelTooLarge, match=rf"takes {needed:,} bytes in memory"):
            portal.call(bytes_with, needed - 1)


def test_the_library_and_the_command_load_models_in_bfloat16(tmp_path):
    assert headscope.load("gpt2-mini", dtype="bfloat16").card.dtype == "bfloat16"
    found = CliRunner().invoke(cli, ["dump", TEXT, "--model", "gpt2-mini", "--dtype", "bfloat16"])
    assert json.loads(found.stdout)["model"]["dtype"] == "bfloat16"


def test_values_and_the_last_state_of_a_run_are_numpy_arrays(models_dir):
    run = headscope.load("gpt2-mini", dtype="bfloat16").capture(TEXT, extras=("values", "stream", "hidden"))
    for found in (run.values(0), run.stream_norms(0), run.hidden):
        assert found.dtype == np.float32


def test_a_server_in_bfloat16_says_so_and_counts_half_the_weights(models_dir):
    settings = Settings(model="local:gpt2", models_dir=models_dir, dtype="bfloat16")
    with serving(settings) as client:
        listed = {card["id"]: card["dtype"] for card in client.get("/api/v1/models").json()["models"]}
        card = client.post("/api/v1/models/load", json={"model": "local:gpt2"}).json()
        estimate = client.post("/api/v1/estimate", json={"text": "a b"}).json()
        capture = client.post("/api/v1/captures", json={"text": "a b"}).json()
        asked = {"text": "a b", "verify": True}
        certificate = client.post("/api/v1/attention", json=asked).json()["certificate"]
    assert set(listed.values()) == {"bfloat16"}
    assert card["dtype"] == capture["model"]["dtype"] == certificate["dtype"] == "bfloat16"
    assert estimate["bytes"] == capture["bytes"]
    assert card["certificate"]["max_abs_error"]
