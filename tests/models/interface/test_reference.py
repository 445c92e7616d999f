"""Eager attention of transformers, which is registered under a name of transformers itself only while it is needed."""

from threading import Barrier, Thread

import pytest
import torch
from torch import nn
from transformers import AttentionInterface

from benchmarks.tiny_types import tiny
from headscope.errors import UnsupportedModel
from headscope.models.interface.reference import eager_of, patterns_to

IDS = torch.arange(3, 10)[None]


def is_registered():
    return "eager" in AttentionInterface()


def test_each_pattern_is_given_and_none_is_kept():
    model = tiny("llama").eval()
    model.set_attn_implementation("eager")
    given = []
    with torch.inference_mode():
        wanted = model(IDS, output_attentions=True).attentions
        with patterns_to(given.append):
            assert not any(model(IDS, output_attentions=True).attentions)
    assert all(torch.equal(one, other) for one, other in zip(given, wanted, strict=True))


def test_other_models_of_the_process_find_their_own_eager_attention_afterwards():
    assert not is_registered()
    with pytest.raises(ZeroDivisionError), patterns_to(print):
        assert is_registered()
        raise ZeroDivisionError
    assert not is_registered()


def test_it_is_registered_until_the_last_thread_is_done():
    both_inside, one_is_done = Barrier(2), Barrier(2)

    def other():
        with patterns_to(print):
            both_inside.wait(60)
        one_is_done.wait(60)

    thread = Thread(target=other)
    thread.start()
    with patterns_to(print):
        both_inside.wait(60)
        one_is_done.wait(60)
        assert is_registered()
    assert not is_registered()
    thread.join()


def test_a_class_without_eager_attention_in_its_file_is_named():
    class Attention(nn.Module):
        pass

    with pytest.raises(UnsupportedModel, match="Attention has no eager attention to compare with"):
        eager_of(Attention)
