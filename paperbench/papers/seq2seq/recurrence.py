"""An LSTM layer over a whole sequence, with backward through time written out.

`lstm.cell` says what is computed, and autograd over it is the test's oracle. With D y the
derivative of the loss by y, a step from the gates' logits, W x + U h + b, has

    D c_t     += D h_t o (1 - tanh^2 c_t)             D c_{t-1} = D c_t f
    D logit_i  = D c_t tanh(g) i (1 - i)              D h_{t-1} += D logits U
    D logit_f  = D c_t c_{t-1} f (1 - f)              D x  = D logits W
    D logit_g  = D c_t i (1 - tanh^2 g)               D W, D U, D b: sums over all steps,
    D logit_o  = D h_t tanh(c_t) o (1 - o)            one product each

What stands beside D c_t and D h_t is known before the way back, and found for all steps at once.

Every nonlinearity is a sigmoid s, of which torch's takes a sixth of the time of its tanh:
tanh(y) = 1 - 2 s(-2y), and its derivative is 4 s (1 - s). It errs by 1.5 eps near zero.

A padded step is one whose forget gate is open and whose input gate is shut, so that c stays; its
output gate is shut too, and h is carried past it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Recurrence(torch.autograd.Function):
    """All steps of a layer; under `torch.func.vmap`, those of all replicates together.

    x (seq, batch, d_in), the weights as in LSTM, h and c (batch, d), padding (seq, batch, 1) or
    None -> outputs (seq, batch, d), the last h and c, and three tensors that the backward pass
    needs: s of all gates (seq, batch, 4 d), every c_t, and s(-2 c_t). Replicates are an axis in
    front of all these.
    """

    @staticmethod
    def forward(
        x: Tensor,
        weight_in: Tensor,
        weight_state: Tensor,
        bias: Tensor,
        h: Tensor,
        c: Tensor,
        padding: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """From the first step to the last."""
        rows, minus_two = torch.ones_like(bias), c.new_tensor(-2.0)
        rows.chunk(4, -1)[2].fill_(-2)  # g is tanh, and a power of two is exact
        into, across = ((weight * rows.unsqueeze(-1)).mT for weight in (weight_in, weight_state))
        # The input's share of all gates of all steps is one product; only the state's share waits.
        gates = _product((bias * rows).unsqueeze(-2), x.flatten(-3, -2), into)
        gates = gates.view(*x.shape[:-1], -1)  # (seq, batch, 4 d)
        carried = _carried(padding, gates)
        if padding is not None:
            _shut(gates, padding)
        outputs, contents, squashed = gates.new_empty(3, *gates.shape[:-1], h.shape[-1])
        views = (gates, *gates.chunk(4, -1), contents, squashed, outputs)
        steps = zip(*(each.unbind(-3) for each in views), carried, strict=True)
        for gates_t, i, f, g, o, c_t, s_t, h_t, carried_t in steps:
            _product(gates_t, h, across, out=gates_t).sigmoid_()
            torch.addcmul(torch.addcmul(i, i, g, value=-2), f, c, out=c_t)  # f c_{t-1} + i tanh(g)
            torch.sigmoid(torch.mul(c_t, minus_two, out=s_t), out=s_t)
            torch.addcmul(o, o, s_t, value=-2, out=h_t)  # o tanh(c_t)
            if carried_t is not None:
                h_t.addcmul_(carried_t, h)
            h, c = h_t, c_t
        return outputs, h.clone(), c.clone(), gates, contents, squashed

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep all but the bias and the last state."""
        x, weight_in, weight_state, _, h, c, padding = inputs
        outputs, _, _, *inner = output
        ctx.mark_non_differentiable(*inner)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight_in, weight_state, h, c, padding, outputs, *inner)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_outputs: Tensor | None, d_h: Tensor | None, d_c: Tensor | None, *_: None
    ) -> tuple[Tensor | None, ...]:
        """From the last step to the first."""
        x, weight_in, weight_state, h, c, padding, outputs, *inner = ctx.saved_tensors
        gates, contents, squashed = inner
        i, f, g, o = gates.chunk(4, -1)
        d_gates = torch.addcmul(gates, gates, gates, value=-1)  # s (1 - s), of all four
        by_i, by_f, by_g, by_o = d_gates.chunk(4, -1)
        by_i.mul_(torch.rsub(g, 1, alpha=2))  # tanh(g) i (1 - i)
        by_f.mul_(_delayed(c, contents))  # c_{t-1} f (1 - f)
        by_g.mul_(i).mul_(4)  # i (1 - tanh^2 g)
        by_o.mul_(torch.rsub(squashed, 1, alpha=2))  # tanh(c_t) o (1 - o)
        by_c = torch.addcmul(squashed, squashed, squashed, value=-1)
        by_c.mul_(o).mul_(4)  # o (1 - tanh^2 c_t)
        above = (torch.zeros_like(outputs) if d_outputs is None else d_outputs).unbind(-3)
        d_h = above[-1] if d_h is None else above[-1] + d_h
        d_c = torch.zeros_like(c) if d_c is None else d_c
        views = (each.unbind(-3) for each in (d_gates, by_i, by_f, by_g, by_o, by_c, f))
        asked = any(ctx.needs_input_grad[4:6])  # for D h and D c before the first step
        before = (torch.zeros_like(h) if asked else None, *above[:-1])  # D h_{t-1} but for h_t
        steps = list(zip(*views, before, _carried(padding, gates), strict=True))
        for d_gates_t, d_i, d_f, d_g, d_o, by_c_t, f_t, d_before, carried_t in reversed(steps):
            d_c = torch.addcmul(d_c, d_h, by_c_t)  # D c_t, now by way of h_t too
            for d_gate in (d_i, d_f, d_g):
                d_gate.mul_(d_c)  # D logit
            d_o.mul_(d_h)  # D logit of o
            if d_before is None:
                break
            if carried_t is not None:
                d_before = torch.addcmul(d_before, carried_t, d_h)  # h_t = h_{t-1} on padding
            d_h = _product(d_before, d_gates_t, weight_state)  # D h_{t-1}
            d_c = d_c * f_t  # D c_{t-1}
        rows = d_gates.flatten(-3, -2)
        d_x = (rows @ weight_in).view(x.shape)
        d_weight_in = rows.mT @ x.flatten(-3, -2)
        d_weight_state = rows.mT @ _delayed(h, outputs).flatten(-3, -2)
        return d_x, d_weight_in, d_weight_state, rows.sum(-2), d_h, d_c, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor | None
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Put the axis of replicates in front, and run the same code once."""

        def in_front(each: Tensor | None, axis: int | None) -> Tensor | None:
            if each is None or axis is not None:
                return each if each is None else each.movedim(axis or 0, 0)
            return each.expand(info.batch_size, *each.shape)  # the same for all replicates

        replicated = map(in_front, inputs, in_dims)
        return Recurrence.apply(*replicated), (0,) * 6  # type: ignore[no-untyped-call]


def _product(added: Tensor, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Added + a b; with an axis of replicates, of each one."""
    return (torch.addmm if b.dim() == 2 else torch.baddbmm)(added, a, b, out=out)


def _shut(gates: Tensor, padding: Tensor) -> None:
    """Make the logits of i, f and o on padding infinite, so that the gates are 0, 1 and 0."""
    infinite = gates.new_tensor([-torch.inf, torch.inf, 0, -torch.inf])
    by_gate = gates.view(*gates.shape[:-1], 4, -1)
    by_gate.add_(torch.where(padding, infinite, 0.0).unsqueeze(-1))


def _carried(padding: Tensor | None, gates: Tensor) -> list[Tensor | None]:
    """For each step what is 1 on padding and else 0, (batch, 1); None where no row is padded."""
    if padding is None:
        return [None] * gates.shape[-3]
    some = padding.movedim(-3, 0).flatten(1).any(1).tolist()
    steps = padding.to(gates.dtype).unbind(-3)
    return [step if padded else None for step, padded in zip(steps, some, strict=True)]


def _delayed(first: Tensor, steps: Tensor) -> Tensor:
    """What each step finds: `first`, and then what the step before it left."""
    return torch.cat([first.unsqueeze(-3), steps.narrow(-3, 0, steps.shape[-3] - 1)], -3)
