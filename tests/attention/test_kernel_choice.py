"""Which kernel computes attention on which device, and the kernels of torch for CUDA that return a log-sum-exp."""

import pytest
import torch
from worlds import qkv

from headscope.attention.fused import attend_by_rows, attend_fused, attend_on_cuda, capability, kernel_for
from headscope.attention.kernels import attend
from headscope.attention.rules import Rule, banded, causal, full
from headscope.attention.terms import Terms

HALF, WIDE = (torch.float16, torch.bfloat16), (torch.float32, torch.float64)
H100, T4 = (9, 0), (7, 5)
KERNELS = ("flash", "memory-efficient")
PLAIN = {"full": Terms(full(9, 9), 1.0), "more keys": Terms(full(5, 9), 1.0), "causal": Terms(causal(9, 9), 1.0)}
FORCED = {
    "window": Terms(banded(9, 9, before=2, after=0), 1.0),
    "padding": Terms(Rule(9, 9, padding=torch.arange(9)[None] < 5), 1.0),
    "offset": Terms(causal(5, 9), 1.0),
    "cap": Terms(full(9, 9), 1.0, softcap=2.0),
}
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA")


@pytest.mark.parametrize("terms", PLAIN)
def test_full_and_causal_attention_never_runs_in_blocks_of_rows_on_cpu_and_cuda(terms):
    for dtype in (*HALF, torch.float32):
        assert kernel_for(PLAIN[terms], "cuda", dtype, 64, H100) != "rows"
    for dtype in (*HALF, *WIDE):
        assert kernel_for(PLAIN[terms], "cpu", dtype, 64, None) == "flash for the CPU"


@pytest.mark.parametrize("terms", FORCED)
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_other_rules_and_scores_run_in_blocks_of_rows(device, terms):
    for dtype in (*HALF, *WIDE):
        assert kernel_for(FORCED[terms], device, dtype, 64, H100) == "rows"


@pytest.mark.parametrize(
    ("dtype", "width", "found", "kernel"),
    [
        (torch.bfloat16, 64, H100, "flash"),
        (torch.float16, 256, H100, "flash"),
        (torch.float16, 257, H100, "memory-efficient"),
        (torch.float16, 64, T4, "memory-efficient"),
        (torch.bfloat16, 64, T4, "rows"),
        (torch.float32, 64, T4, "memory-efficient"),
        (torch.float64, 64, H100, "rows"),
        (torch.float32, 64, None, "rows"),
    ],
)
def test_the_kernel_on_cuda_follows_the_data_type_the_width_and_the_device(dtype, width, found, kernel):
    assert kernel_for(PLAIN["causal"], "cuda", dtype, width, found) == kernel


def test_other_devices_have_no_kernel_with_a_log_sum_exp():
    assert kernel_for(PLAIN["full"], "mps", torch.float32, 64, None) == "rows"
    assert capability(torch.device("cpu")) is None


def test_the_kernels_of_torch_have_the_arguments_and_results_that_are_used():
    found = {name: getattr(torch.ops.aten, name).default._schema for name in (
        "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention"
    )}  # fmt: skip
    arguments = [[each.name for each in schema.arguments] for schema in found.values()]
    assert arguments == [
        ["query", "key", "value", "dropout_p", "is_causal", "return_debug_mask", "scale"],
        ["query", "key", "value", "attn_bias", "compute_log_sumexp", "dropout_p", "is_causal", "scale"],
    ]
    assert [[each.name for each in schema.returns[:2]] for schema in found.values()] == [
        ["output", "logsumexp"],
        ["output", "log_sumexp"],
    ]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("width", "value_width"), [(64, 64), (20, 12), (6, 9)])
def test_output_and_log_sum_exp_have_the_shapes_of_the_queries(kernel, width, value_width):
    def of(heads, last):
        return torch.empty(2, heads, 37, last, dtype=torch.bfloat16, device="meta")

    z, lse = attend_on_cuda(
        of(4, width), of(2, width), of(2, value_width), kernel=kernel, causal=True, scale=width**-0.5
    )
    assert (z.shape, z.dtype) == ((2, 4, 37, value_width), torch.bfloat16)
    assert (lse.shape, lse.dtype) == ((2, 4, 37), torch.float32)


@needs_cuda
@pytest.mark.parametrize("terms", PLAIN)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_on_cuda_output_and_log_sum_exp_are_those_of_the_explicit_steps(dtype, close, terms):
    q, k, v = (x.to("cuda", dtype) for x in qkv(heads=4, kv_heads=2, width=20, dtype=torch.float32))
    q = q[:, :, : PLAIN[terms].rule.queries]
    z, lse = attend_fused(q, k, v, PLAIN[terms])
    for wanted_z, wanted_lse in (attend(q, k, v, PLAIN[terms]), attend_by_rows(q, k, v, PLAIN[terms])):
        torch.testing.assert_close(z, wanted_z, atol=close, rtol=0)
        torch.testing.assert_close(lse, wanted_lse, atol=1e-5, rtol=0)
