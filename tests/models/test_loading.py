import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from worlds import byte_level, write_tiny

from headscope.capture.capture import run
from headscope.errors import (
    CorruptModel,
    DeviceMissing,
    PairNotSupported,
    UnsafeFormat,
    UnsupportedModel,
    WeightsDoNotFit,
)
from headscope.models.loading import load
from headscope.models.registry import Catalogue, folder_of
from headscope.records import ModelCard, Prompt

CARD = ModelCard("local:x", "x", "", "local")


@pytest.fixture
def gpt2(tmp_path):
    return write_tiny(tmp_path, "gpt2")


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_the_card_has_the_sizes(gpt2):
    card = load(gpt2, CARD).card
    assert (card.family, card.layers, card.heads, card.kv_heads, card.head_dim, card.d_model) == (
        "gpt2",
        3,
        4,
        4,
        6,
        24,
    )
    assert (card.max_tokens, card.causal, card.state) == (40, True, "ready")
    assert card.parameters == sum(w.numel() for w in load_file(gpt2 / "model.safetensors").values())
    assert len(card.revision) == 12


def test_half_precision_weights_are_loaded_as_float32(gpt2):
    change_weights(gpt2, lambda weights: weights.update({name: w.half() for name, w in weights.items()}))
    assert {p.dtype for p in load(gpt2, CARD).adopted.model.parameters()} == {torch.float32}


@pytest.mark.parametrize("model_id", ["minilm", "gpt2-mini"])
def test_a_bundled_model_is_loaded_without_the_hub(model_id, loaded):
    card = loaded(model_id).card
    assert card.state == "ready"
    unknown = {"revision": None, "verified": None, "stacks": (), "prediction": None, "projections": None}
    assert replace(card, state="available", **unknown) == Catalogue().lookup(model_id).card


@pytest.mark.fault(50)
def test_the_weights_of_minilm_are_those_of_the_hub():
    entry = Catalogue().lookup("minilm")
    assert entry.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert load(folder_of(entry), entry.card, sha256=entry.sha256).card.revision == "53aa51172d14"


@pytest.mark.fault(15, 50)
def test_weights_with_another_hash_are_refused_with_both_hashes(gpt2):
    with pytest.raises(CorruptModel, match=r"[0-9a-f]{64}.*0{64}"):
        load(gpt2, CARD, sha256="0" * 64)


@pytest.mark.fault(16, decides=True)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("transformer.h.1.mlp.c_fc.bias"), r"1 weight is missing.*h\.1\.mlp\.c_fc\.bias"),
        (
            lambda weights: weights.update({"transformer.h.0.extra": torch.zeros(2)}),
            r"1 weight is unknown.*h\.0\.extra",
        ),
        (lambda weights: weights.update({"transformer.ln_f.bias": torch.zeros(7)}), r"ln_f.bias is \[7\].*\[24\]"),
    ],
    ids=["missing", "unknown", "mismatched"],
)
def test_weights_that_do_not_match_the_config_are_refused(gpt2, change, message):
    change_weights(gpt2, change)
    with pytest.raises(WeightsDoNotFit, match=message):
        load(gpt2, CARD)


def test_masks_in_old_checkpoints_are_ignored(gpt2):
    change_weights(gpt2, lambda weights: weights.update({"transformer.h.0.attn.bias": torch.ones(1, 1, 40, 40)}))
    load(gpt2, CARD)


def test_masks_of_booleans_in_old_checkpoints_are_ignored(gpt2):
    mask = torch.ones(1, 1, 40, 40, dtype=torch.bool)
    change_weights(gpt2, lambda weights: weights.update({"transformer.h.0.attn.bias": mask}))
    load(gpt2, CARD)


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mamba"}, "model_type 'mamba': it has no softmax attention.*choose"),
        ({"quantization_config": {"bits": 4}}, "quantization_config.*before it was quantized"),
        ({"model_type": "my-own"}, "model_type 'my-own': it is not on the list.*choose"),
    ],
)
def test_unsupported_features_are_refused_with_their_name(gpt2, changes, message):
    change_config(gpt2, **changes)
    with pytest.raises(UnsupportedModel, match=message):
        load(gpt2, CARD)


def test_a_bert_that_is_a_decoder_is_shown_without_our_table(tmp_path):
    folder = write_tiny(tmp_path, "bert")
    change_config(folder, is_decoder=True)
    model = load(folder, CARD)
    assert (model.card.causal, model.adopted.layers) == (True, ())


@pytest.mark.fault(14)
def test_pickled_weights_are_refused_and_not_read(gpt2):
    (gpt2 / "model.safetensors").rename(gpt2 / "pytorch_model.bin")
    with pytest.raises(UnsafeFormat, match="can run code"):
        load(gpt2, CARD)


@pytest.mark.fault(15)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(gpt2, name):
    (gpt2 / name).unlink()
    with pytest.raises(CorruptModel, match=f"{name} is missing"):
        load(gpt2, CARD)


@pytest.mark.fault(15)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_truncated_file_is_refused(gpt2, name):
    path = gpt2 / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptModel, match=name):
        load(gpt2, CARD)


@pytest.mark.parametrize(("segments", "pairs"), [(1, False), (2, True)])
def test_a_bert_with_one_segment_embedding_reads_no_pairs(tmp_path, segments, pairs):
    model = load(write_tiny(tmp_path, "bert", type_vocab_size=segments), CARD)
    assert model.card.pairs is pairs
    assert run(model, "the cat").tokens
    if pairs:
        assert run(model, Prompt("the cat", "a dog")).tokens
    else:
        with pytest.raises(PairNotSupported, match="not trained on sentence pairs"):
            run(model, Prompt("the cat", "a dog"))


def test_loads_at_the_same_time_do_not_affect_each_other(tmp_path):
    folders = [write_tiny(tmp_path / str(n), ("gpt2", "bert")[n % 2]) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        models = list(pool.map(lambda folder: load(folder, CARD), folders))
    assert [model.card.family for model in models] == ["gpt2", "bert"] * 3
    assert all(p.device.type == "cpu" for model in models for p in model.adopted.model.parameters())


def test_the_error_for_a_missing_device_names_the_devices_of_this_machine(models_dir, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    entry = Catalogue(models_dir).lookup("local:gpt2")
    with pytest.raises(DeviceMissing, match=r"--device cuda: torch .* finds 1 cpu"):
        load(folder_of(entry), entry.card, device="cuda")


@pytest.mark.fault(46)
def test_a_text_with_a_token_that_has_no_embedding_is_refused_and_others_are_not(gpt2):
    tokenizer = byte_level()
    tokenizer.add_tokens([f"<more {n}>" for n in range(60)])
    tokenizer.save(str(gpt2 / "tokenizer.json"))
    model = load(gpt2, CARD)
    assert run(model, "the cat").tokens
    with pytest.raises(WeightsDoNotFit, match=r"makes the token \d+, config.json has embeddings for 0..299"):
        run(model, "the <more 50> cat")


@pytest.mark.fault(14)
def test_the_command_that_converts_pickled_weights_works(gpt2):
    stored = load_file(gpt2 / "model.safetensors")
    torch.save({**stored, "lm_head.weight": stored["transformer.wte.weight"]}, gpt2 / "pytorch_model.bin")
    (gpt2 / "model.safetensors").unlink()
    with pytest.raises(UnsafeFormat) as refused:
        load(gpt2, CARD)
    convert(gpt2, refused.value.detail)
    assert load(gpt2, CARD).card.prediction == "next_token"


def convert(folder, message):
    """Run the command in the message."""
    command = message.partition("run: ")[2].replace("python", sys.executable, 1)
    subprocess.run(command, shell=True, cwd=folder, check=True)


@pytest.mark.fault(14)
def test_the_command_that_converts_divided_pickled_weights_works(gpt2):
    stored = load_file(gpt2 / "model.safetensors")
    for number in (0, 1):
        part = dict(list(stored.items())[number::2])
        torch.save(part, gpt2 / f"pytorch_model-0000{number + 1}-of-00002.bin")
    (gpt2 / "pytorch_model.bin.index.json").write_text("{}")
    torch.save({}, gpt2 / "training_args.bin")
    (gpt2 / "model.safetensors").unlink()
    with pytest.raises(UnsafeFormat) as refused:
        load(gpt2, CARD)
    convert(gpt2, refused.value.detail)
    assert load(gpt2, CARD).adopted.model.num_parameters() == sum(each.numel() for each in stored.values())


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (("training_args.bin", "optimizer.pt"), CorruptModel, r"model\.safetensors is missing"),
        (
            ("adapter_config.json", "adapter_model.safetensors", "training_args.bin"),
            UnsupportedModel,
            r"is an adapter.*base model.*merge_and_unload\(\).*save_pretrained",
        ),
        (("adapter_config.json", "adapter_model.bin"), UnsupportedModel, "is an adapter"),
        (("adapter_model.safetensors",), UnsupportedModel, "is an adapter"),
        (("model.gguf",), UnsupportedModel, r"in model\.gguf, but only model\.safetensors is read.*download"),
        (("tf_model.h5", "flax_model.msgpack"), UnsupportedModel, r"in flax_model\.msgpack and tf_model\.h5, but only"),
        (("tf_model.h5", "weights.bin"), UnsafeFormat, r"glob\('weights\.bin'\)"),
    ],
    ids=["training", "adapter", "pickled adapter", "only weights of an adapter", "GGUF", "h5", "h5 and a pickle"],
)
def test_other_files_with_weights_are_named_with_what_to_do(gpt2, names, error, message):
    (gpt2 / "model.safetensors").unlink()
    for name in names:
        (gpt2 / name).touch()
    with pytest.raises(error, match=message):
        load(gpt2, CARD)
