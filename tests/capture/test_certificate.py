"""The certificate's memory: one layer's map at a time, known before and reserved."""

import weakref
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from worlds import serving, write_tiny

from headscope.capture import certificate
from headscope.capture.capture import run
from headscope.capture.certificate import bytes_of_certificate, certify, most_tokens
from headscope.capture.cost import bytes_kept
from headscope.engine.runner import Runner
from headscope.records import Prompt

TEXT = "The cat sat on the mat."


class MemoryWatch(TorchDispatchMode):
    """Counts the bytes of all tensors that operations return, for as long as any of them lives."""

    def __init__(self):
        super().__init__()
        self.tensors, self.sizes, self.peak = Counter(), {}, 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        given = {x.untyped_storage().data_ptr() for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        for x in tree_leaves(result):
            if isinstance(x, torch.Tensor):
                self.count(x, given)
        return result

    def count(self, x, given):
        at = x.untyped_storage().data_ptr()
        if at in given and at not in self.sizes:
            return  # a view of a weight, or of the capture
        self.tensors[at] += 1
        self.sizes[at] = x.untyped_storage().nbytes()
        self.peak = max(self.peak, sum(self.sizes.values()))
        weakref.finalize(x, self.forget, at)

    def forget(self, at):
        self.tensors[at] -= 1
        if not self.tensors[at]:
            del self.sizes[at]


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """number of layers -> a model with that many layers, whose maps are larger than its activations."""
    from headscope.models.loading import load
    from headscope.models.registry import Catalogue, folder_of

    def get(layers):
        top = tmp_path_factory.mktemp("deep")
        write_tiny(top / "deep", "gpt2", n_layer=layers, n_positions=200)
        entry = Catalogue(top).lookup("local:deep")
        return load(folder_of(entry), entry.card)

    return get


@pytest.mark.fault(40)
def test_the_patterns_of_all_layers_are_never_in_memory_together(deep, monkeypatch):
    monkeypatch.setattr(certificate, "WEIGHTS_PER_BLOCK", 20_000)
    peaks = []
    for layers in (1, 4):
        model = deep(layers)
        capture = run(model, Prompt("cat " * 200, truncate=True))
        with MemoryWatch() as watch:
            certify(model, capture)
        assert watch.sizes == {}
        assert watch.peak <= bytes_of_certificate(model.card, len(capture.tokens))
        peaks.append(watch.peak)
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[0] > 4 * 200**2 * 4  # the map of one layer


@pytest.mark.parametrize("weights", [100, 10**6])
@pytest.mark.parametrize("model_id", ["local:gpt2", "local:bert"])
def test_the_certificate_is_the_same_in_blocks_of_any_size(loaded, monkeypatch, model_id, weights):
    model = loaded(model_id)
    expected = certify(model, run(model, TEXT))
    monkeypatch.setattr(certificate, "WEIGHTS_PER_BLOCK", weights)
    found = certify(model, run(model, TEXT))
    assert found.max_abs_error == pytest.approx(expected.max_abs_error, abs=1e-6)
    assert found.max_row_sum_error == pytest.approx(expected.max_row_sum_error, abs=1e-6)
    assert found.causal_leak == expected.causal_leak


@pytest.mark.parametrize("memory", [10**6, 10**8, 2**31])
def test_the_longest_text_that_fits_is_known(loaded, memory):
    card = loaded("local:gpt2").card
    most = most_tokens(card, memory)
    assert most == 0 or bytes_of_certificate(card, most) <= memory
    assert memory < 10**8 or bytes_of_certificate(card, most + 2) > memory


def attention(client, **body):
    return client.post("/api/v1/attention", json={"text": TEXT, "verify": True, **body})


@pytest.fixture
def sizes(client):
    """The bytes of the capture of TEXT, and of its certificate."""
    answer = client.post("/api/v1/captures", json={"text": TEXT}).json()
    return answer["bytes"], bytes_of_certificate(client.app.state.runner.models.default, answer["queries"])


@pytest.mark.fault(24, 40)
def test_a_certificate_that_can_never_fit_is_413_before_the_text_is_run(settings, sizes, monkeypatch):
    monkeypatch.setattr("headscope.capture.capture.run_prompt", None)
    capture, needed = sizes
    with serving(settings.model_copy(update={"max_capture_bytes": capture + needed - 1})) as client:
        refused = attention(client)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    detail = refused.json()["detail"]
    assert f"takes {needed:,} bytes, and its capture another {capture:,}; HEADSCOPE_MAX_CAPTURE_BYTES is" in detail
    assert "leave out verify" in detail


@pytest.mark.fault(40, decides=True)
def test_a_certificate_is_admitted_by_bytes_before_it_begins(settings, sizes, monkeypatch):
    held, compute = [], certificate.certify

    def watched(*given):
        held.append(runner.ledger.bytes("certificates"))
        return compute(*given)

    monkeypatch.setattr(certificate, "certify", watched)
    with serving(settings.model_copy(update={"max_capture_bytes": sum(sizes)})) as client:
        runner: Runner = client.app.state.runner
        assert attention(client).status_code == 200
        with runner.ledger.reserve("answers", 1, "another answer"):
            refused = attention(client)
        assert attention(client).status_code == 200
        assert runner.ledger.bytes("certificates") == 0
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert held == [sizes[1]] * 2


def test_a_capture_in_half_precision_costs_what_its_settings_say(settings, loaded):
    runner = Runner(settings.model_copy(update={"capture_dtype": "float16"}))
    card = loaded("local:gpt2").card
    runner.passes.check_certificate(card, 20)
    runner.ledger.max_bytes = bytes_of_certificate(card, 20) + bytes_kept(card, 20, "float16")
    runner.passes.check_certificate(card, 20)
