"""The fused kernels, in Triton's interpreter or on a GPU, against the definition in float64."""

import importlib.util
import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from paperbench.papers.fox import attention as fox
from paperbench.papers.fox import kernel

HAS_TRITON = importlib.util.find_spec("triton") is not None
# The interpreter is chosen when triton is imported, for a whole process: one of its own.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
CHECKS = ("test_schema", "test_faketensor", "test_autograd_registration")
NO_BFLOAT16 = pytest.param(
    torch.bfloat16,
    marks=pytest.mark.skipif(INTERPRETED, reason="the interpreter multiplies no bfloat16 matrices"),
)
ON_A_DEVICE = pytest.mark.skipif(
    not (INTERPRETED or (HAS_TRITON and torch.cuda.is_available())),
    reason="no GPU here; `test_the_kernels_in_the_interpreter` runs it on the CPU",
)


@pytest.mark.skipif(not HAS_TRITON, reason="triton is not installed: pip install paperbench[gpu]")
@pytest.mark.skipif(INTERPRETED, reason="this is the interpreter")
def test_the_kernels_in_the_interpreter():
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__]
    ran = subprocess.run(
        command,
        env={**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "20 passed, 2 skipped" in ran.stdout, ran.stdout


def random_inputs(batch, n_heads, seq_len, d_head):
    """q, k, v, log f, and a direction to differentiate along; gates from about .3 to .99."""
    generator = torch.Generator().manual_seed(seq_len)
    q, k, v, direction = (
        torch.randn(batch, n_heads, seq_len, d_head, generator=generator) for _ in range(4)
    )
    gates = torch.randn(batch, n_heads, seq_len, generator=generator)
    return [x.to(DEVICE) for x in (q, k, v, F.logsigmoid(2 + 1.5 * gates), direction)]


def output_and_gradients(attention, inputs, dtype):
    *parts, direction = (part.to(dtype) for part in inputs)
    parts = [part.requires_grad_() for part in parts]
    output = attention(*parts)
    return [output.detach(), *torch.autograd.grad(output, parts, direction)]


def errors(got, expected):
    return [float((a.double() - b).norm() / b.norm()) for a, b in zip(got, expected, strict=True)]


@ON_A_DEVICE
@pytest.mark.parametrize("seq_len", [1, 5, 64, 65, 200])
@pytest.mark.parametrize("d_head", [8, 64, 72])
def test_values_and_gradients_are_those_of_the_definition(seq_len, d_head):
    inputs = random_inputs(1, 2, seq_len, d_head)
    expected = output_and_gradients(fox.naive_forgetting_attention, inputs, torch.float64)
    got = output_and_gradients(kernel.kernel_attention, inputs, torch.float32)
    if seq_len == 1:  # nothing is forgotten, and weights are 1: these gradients are zero
        assert max(float(got[i].abs().max()) for i in (1, 2, 4)) < 1e-5
        got, expected = got[::3], expected[::3]
    assert max(errors(got, expected)) < 1e-5


@ON_A_DEVICE
@pytest.mark.parametrize("dtype", [NO_BFLOAT16, torch.float16])
def test_sixteen_bits_are_summed_in_thirty_two(dtype):
    inputs = [part.to(dtype) for part in random_inputs(1, 2, 200, 16)]
    inputs[3] = inputs[3].float()
    inputs[3][..., 1:100] -= 100  # c in the thousands, which 16 bits do not hold
    expected = output_and_gradients(fox.naive_forgetting_attention, inputs, torch.float64)

    def attend(q, k, v, log_forget):
        return kernel.kernel_attention(*(x.to(dtype) for x in (q, k, v)), log_forget)

    got = output_and_gradients(attend, inputs, torch.float32)
    assert max(errors(got[:4], expected[:4])) < (1e-2 if dtype == torch.bfloat16 else 2e-3)


@ON_A_DEVICE
def test_replicates_are_more_of_the_batch():
    *parts, direction = (x.unflatten(0, (3, 2)) for x in random_inputs(6, 2, 20, 8))
    parts = [part.requires_grad_() for part in parts]

    def loss(q, k, v, log_forget, direction):
        return (kernel.kernel_attention(q, k, v, log_forget) * direction).sum()

    alone = sum(loss(*each) for each in zip(*parts, direction, strict=True))
    together = torch.func.vmap(loss)(*parts, direction).sum()
    torch.testing.assert_close(
        torch.autograd.grad(together, parts), torch.autograd.grad(alone, parts)
    )


@ON_A_DEVICE
def test_flops_are_counted_as_those_of_torch():
    q, k, v, log_forget, direction = (x.requires_grad_() for x in random_inputs(2, 3, 20, 8))
    with FlopCounterMode(display=False) as counter:
        kernel.kernel_attention(q, k, v, log_forget).backward(direction)
    assert counter.get_total_flops() == (4 + 10) * 2 * 3 * 20 * 20 * 8


@ON_A_DEVICE
def test_the_operator_is_what_it_says():
    q, k, v, log_forget, _ = random_inputs(2, 3, 20, 8)
    torch.library.opcheck(kernel._attend, (q, k, v, log_forget.cumsum(-1)), test_utils=CHECKS)


def test_without_triton_the_error_says_how_to_mend_it():
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch\n"
        "from paperbench.papers.fox import kernel\n"
        "x = torch.ones(1, 1, 2, 8)\n"
        "kernel.kernel_attention(x, x, x, -x[..., 0])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: forgetting attention's kernels are written in triton")
    assert last.endswith("install `paperbench[gpu]`, or use `folded_attention`")
