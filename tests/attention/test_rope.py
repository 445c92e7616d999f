import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from worlds import qkv

from headscope.attention.rope import Rotary, rotate
from headscope.errors import ShapeMismatch


def turned(x, rotary, first=0):
    cos, sin = rotary.turns(torch.arange(first, first + x.shape[2])[None])
    return rotate(x, cos, sin, interleaved=rotary.interleaved)


@pytest.mark.parametrize("interleaved", [True, False])
def test_it_is_the_product_with_a_matrix_of_rotations(interleaved):
    """Su et al. 2021, eq. 15: a block of 2 x 2 on the diagonal for each pair."""
    x, _, _ = qkv(width=8)
    rotary, wanted = Rotary(6, 100.0, interleaved), x.clone()
    for position in range(x.shape[2]):
        for pair in range(3):
            angle = torch.tensor(position * 100.0 ** (-2 * pair / 6), dtype=torch.float64)
            matrix = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]], dtype=torch.float64)
            places = [2 * pair, 2 * pair + 1] if interleaved else [pair, pair + 3]
            wanted[:, :, position, places] = x[:, :, position, places] @ matrix.T
    torch.testing.assert_close(turned(x, rotary), wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("interleaved", [True, False])
def test_products_depend_on_the_distance_alone(interleaved):
    q, k, _ = qkv(width=8)
    rotary = Rotary(8, interleaved=interleaved)
    here, far = (turned(q, rotary, first) @ turned(k, rotary, first).mT for first in (0, 5000))
    torch.testing.assert_close(here, far, atol=1e-9, rtol=0)


def test_the_first_position_is_not_turned():
    q, _, _ = qkv(width=8)
    torch.testing.assert_close(turned(q, Rotary(8))[:, :, 0], q[:, :, 0], atol=0, rtol=0)


def test_numbers_after_the_rotary_width_stay_as_they_are():
    q, _, _ = qkv(width=8)
    assert torch.equal(turned(q, Rotary(4))[..., 4:], q[..., 4:])
    assert not torch.equal(turned(q, Rotary(4))[..., :4], q[..., :4])


@pytest.mark.parametrize("interleaved", [True, False])
def test_it_has_a_gradient(interleaved):
    q, _, _ = qkv(width=8)
    assert torch.autograd.gradcheck(lambda x: turned(x, Rotary(6, interleaved=interleaved)), q.requires_grad_())


class Allocations(TorchDispatchMode):
    """The tensors with memory of their own of at least this many numbers."""

    def __init__(self, least):
        super().__init__()
        self.least, self.found = least, {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        x = func(*args, **(kwargs or {}))
        if x.untyped_storage().nbytes() >= self.least * x.itemsize:
            self.found[x.untyped_storage().data_ptr()] = x
        return x


@pytest.mark.parametrize("interleaved", [True, False])
def test_one_tensor_is_allocated_with_the_strides_of_that_which_is_turned(interleaved):
    """So z of the flash kernel, which has the strides of the queries, is merged without a copy."""
    x = torch.randn(1, 128, 6, 8).transpose(1, 2)
    with Allocations(x.numel() // 2) as allocations, torch.inference_mode():
        found = turned(x, Rotary(4, interleaved=interleaved))
    assert found.stride() == x.stride()
    assert len(allocations.found.keys() - {x.untyped_storage().data_ptr()}) == 1


@pytest.mark.parametrize("width", [0, 1, 5])
def test_a_width_that_is_no_number_of_pairs_is_refused(width):
    with pytest.raises(ShapeMismatch, match=f"rotary width {width}"):
        Rotary(width)


@pytest.mark.parametrize(("angles", "positions"), [(5, 9), (4, 8)])
def test_angles_of_another_width_or_length_are_refused_with_the_shapes(angles, positions):
    q, _, _ = qkv(width=8)
    cos = torch.zeros(1, positions, angles, dtype=torch.float64)
    with pytest.raises(ShapeMismatch, match=rf"\[1, {positions}, {angles}\]"):
        rotate(q, cos, cos, interleaved=False)
