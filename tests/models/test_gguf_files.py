"""A Llama that is written as llama.cpp writes it, and read again."""

import hashlib
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from worlds import CountedProgress, byte_level, randomise

from headscope.errors import ClientsGone, CorruptModel, WeightsDoNotFit
from headscope.models.checkpoint import check_files
from headscope.models.file_states import differ, states_in
from headscope.models.files import ModelFolder
from headscope.models.gguf_files import MODULES, open_gguf
from headscope.models.loading import load, load_checked
from headscope.records import ModelCard

CARD = ModelCard("tiny", "tiny", "llama", "bundled")
IDS = torch.tensor([[5, 6, 7, 8, 9, 10, 11]])
HEADS, KV_HEADS, HEAD_DIM = 4, 2, 8


def tiny(**changes):
    sizes = {
        "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "max_position_embeddings": 40,
        "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
    }  # fmt: skip
    return randomise(LlamaForCausalLM(LlamaConfig(**sizes, **changes)).eval())


def permuted(weight, heads):
    """The rows of a head in the order of llama.cpp: convert_hf_to_gguf.py, LlamaModel.permute."""
    rows, width = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2).reshape(rows, width)


def stored_tensors(model):
    """name in GGUF -> numbers."""
    ours = {theirs: name for name, theirs in MODULES.items()}
    for name, parameter in model.named_parameters():
        module = name.removesuffix(".weight")
        numbers = parameter.detach().numpy()
        if not module.startswith("model.layers."):
            yield f"{ours[module]}.weight", numbers
            continue
        _, _, block, part = module.split(".", 3)
        heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(ours[part])
        yield f"blk.{block}.{ours[part]}.weight", permuted(numbers, heads) if heads else numbers


def write(path, model, kind="smollm", merges=("Ġ t", "a t"), without=(), more=(), quantised=None):
    """A GGUF file as llama.cpp writes it."""
    writer, config = gguf.GGUFWriter(path, "llama"), model.config
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    if "rope.freq_base" not in without:
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(HEAD_DIM)
    vocabulary = byte_level()
    tokens = sorted(vocabulary.get_vocab(), key=vocabulary.get_vocab().get)
    assert {"Ġt", "at"} <= set(tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(kind)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token == "<|endoftext|>" else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    for name, numbers in (*stored_tensors(model), *more):
        if quantised is not None and numbers.ndim == 2:
            writer.add_tensor(name, gguf.quantize(numbers, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(path)


def opened(file):
    return open_gguf(ModelFolder(file.parent, "bundled"), file.name)


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "tiny.gguf", tiny())


def test_a_model_has_the_output_that_it_had_before_it_was_written(file):
    with torch.no_grad():
        wanted, found = tiny()(IDS).logits, load(file.parent, CARD).adopted.model(IDS).logits
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_each_weight_is_the_one_that_was_written(file):
    weights, _ = opened(file).read()
    stored = dict(tiny().named_parameters())
    assert weights.keys() == stored.keys()
    for name, weight in weights.items():
        assert torch.equal(weight, stored[name]), name


def test_quantised_weights_are_dequantised_in_blocks_of_whole_heads(tmp_path, monkeypatch):
    monkeypatch.setattr("headscope.models.gguf_files.NUMBERS_AT_ONCE", 300)
    file = write(tmp_path / "tiny.gguf", tiny(), quantised=gguf.GGMLQuantizationType.Q8_0)
    weights, _ = opened(file).read()
    for name, parameter in tiny().named_parameters():
        torch.testing.assert_close(weights[name], parameter.detach(), atol=0.01, rtol=0)


def test_the_output_weights_are_the_embeddings_unless_there_are_others(tmp_path, file):
    (tmp_path / "untied").mkdir()
    untied = write(tmp_path / "untied" / "tiny.gguf", tiny(), more=[("output.weight", np.ones((300, 32), np.float32))])
    tied_model, other = load(file.parent, CARD).adopted.model, load(untied.parent, CARD).adopted.model
    assert tied_model.lm_head.weight.data_ptr() == tied_model.model.embed_tokens.weight.data_ptr()
    assert torch.equal(other.lm_head.weight.detach(), torch.ones(300, 32))


def test_the_card_has_the_sizes_of_the_file_and_the_hash_of_its_weights(file):
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = load(file.parent, CARD, sha256=digest).card
    assert (card.family, card.layers, card.heads, card.kv_heads, card.head_dim) == ("llama", 2, HEADS, KV_HEADS, 8)
    assert (card.max_tokens, card.causal, card.revision, card.verified) == (40, True, digest[:12], True)


def test_another_hash_is_refused_with_the_name_of_the_file(file):
    with pytest.raises(CorruptModel, match=r"tiny\.gguf has sha256 .*install it again"):
        load(file.parent, CARD, sha256="0" * 64)


@pytest.mark.parametrize("kept", [0, 3, 100, 2000])
def test_a_truncated_file_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CorruptModel, match=r"tiny\.gguf"):
        check_files(file.parent, "bundled")


def test_a_missing_field_is_named(tmp_path):
    file = write(tmp_path / "tiny.gguf", tiny(), without=["rope.freq_base"])
    with pytest.raises(CorruptModel, match=r"no field llama\.rope\.freq_base"):
        check_files(file.parent, "bundled")


def test_an_unknown_tensor_is_refused_by_name(tmp_path):
    more = [("blk.0.attn_q_norm.weight", np.ones(8, np.float32))]
    with pytest.raises(CorruptModel, match=r"blk\.0\.attn_q_norm\.weight"):
        check_files(write(tmp_path / "tiny.gguf", tiny(), more=more).parent, "bundled")


def test_a_tensor_of_a_layer_that_the_model_does_not_have_is_refused(tmp_path):
    more = [("blk.7.attn_norm.weight", np.ones(32, np.float32))]
    with pytest.raises(WeightsDoNotFit, match=r"layers\.7"):
        load(write(tmp_path / "tiny.gguf", tiny(), more=more).parent, CARD)


def test_a_tokenizer_that_splits_text_in_another_way_is_refused_by_name(tmp_path):
    with pytest.raises(CorruptModel, match="llama-bpe"):
        check_files(write(tmp_path / "tiny.gguf", tiny(), kind="llama-bpe").parent, "bundled")


def test_merges_of_unknown_tokens_are_refused(tmp_path):
    with pytest.raises(CorruptModel, match=r"merges of tiny\.gguf"):
        check_files(write(tmp_path / "tiny.gguf", tiny(), merges=["Ġ ½"]).parent, "bundled")


def test_each_digit_is_a_token_and_the_end_of_a_text_is_special(file):
    tokenizer = load(file.parent, CARD).tokenizer
    assert tokenizer.encode("  123").tokens == ["Ġ", "Ġ", "1", "2", "3"]
    assert tokenizer.encode("a tat<|endoftext|>").tokens == ["a", "Ġt", "at", "<|endoftext|>"]
    assert tokenizer.encode("1<|endoftext|>").special_tokens_mask == [0, 0]  # written by the user, not added


@pytest.mark.parametrize("stop_at", [0, 1, 10])
def test_reading_can_be_cancelled(file, stop_at):
    with pytest.raises(ClientsGone):
        load_checked(check_files(file.parent, "bundled"), CARD, progress=CountedProgress(stop_at))


def test_a_file_that_is_replaced_is_noticed(file):
    checked = check_files(file.parent, "bundled")
    assert not differ(checked.states, states_in(file.parent, "bundled"))
    write(file, tiny())
    assert differ(checked.states, states_in(file.parent, "bundled"))
    checked.close()
