"""What a model allocates for all pairs of a query and a key is measured when it is loaded."""

import pytest
import torch
from architectures import ARCHITECTURES, WATCHED, Architecture
from torch import nn

from headscope.models.adopting import adopt_without_table
from headscope.models.interface.pair_tensors import bytes_of_pair_tensors

ALIBI = Architecture("FalconConfig", "FalconModel", "", {**WATCHED["falcon"].sizes, "alibi": True})
HEADS = 4


@pytest.mark.fault(40, 46)
@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        (ARCHITECTURES["llama"], 0),
        (WATCHED["bloom"], 4),  # its mask, which all heads share
        (WATCHED["deberta"], 8),  # the distances, as integers
        (WATCHED["mpnet"], 4 * HEADS),  # its bias
        (ALIBI, 4 * HEADS),  # a mask of each head
    ],
)
def test_the_largest_tensor_for_all_pairs_is_measured(architecture, expected):
    assert adopt_without_table(architecture.build()).work_bytes == expected


class Pairs(nn.Module):
    def forward(self, x):
        return (x[:, None] * x).expand(5, -1, -1)[:, :3].contiguous()


def test_only_memory_of_the_asked_sizes_counts():
    x = torch.ones(7)
    assert bytes_of_pair_tensors(Pairs(), lambda: Pairs()(x), {(7, 7)}) == 4  # repeated without memory
    assert bytes_of_pair_tensors(Pairs(), lambda: Pairs()(x), {(3, 7)}) == 4 * 5
    assert bytes_of_pair_tensors(Pairs(), lambda: Pairs()(x), {(9, 9)}) == 0
