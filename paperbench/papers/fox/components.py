"""The parts of FoX that can be replaced, and broken versions of them for `falsify`.

Equation numbers are those of NOTES.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.components import component, mutation
from paperbench.papers.fox.attention import (
    LinearState,
    forgetting_attention,
    linear_step,
    positive_features,
)
from paperbench.papers.fox.model import ForgetGate, Gate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paperbench.engine.interface import Interface


# What fits


@component("fox/gate", original=ForgetGate)
def try_gate(part: Interface) -> None:
    """A class of torch modules, built as `Gate(d_model, n_gates, kind)`, that maps x, (batch, seq,
    d_model), to log f, (batch, n_gates, seq), never above 0. kind "data": f_t depends on x_t;
    "fixed": f is one learned number a gate. `shift`, 0 at first: sequence r gets the gates of
    sequence r - shift, `log_f.roll(self.shift, 0)`. `projection.bias`, (n_gates,): a parameter of
    the kind "data".
    """
    if not isinstance(part.part, type):
        raise part.misfit("is no class, and the experiments ask which modules are of it")
    data, fixed = part.module(6, 3, "data"), part.module(6, 3, "fixed")
    x = part.input(4, 5, 6)
    for module in (data, fixed):
        log_forget = part.tensor(part.run(module, x), (4, 3, 5))
        if bool((log_forget > 0).any()):
            raise part.misfit("returned a value above 0, which no logarithm of a gate is")
        part.has(module, "shift")
        _shifts(part, module, x)
    log_forget = part.run(data, x)
    part.passes_gradients(log_forget, data)
    if not torch.equal(part.run(data, -x), log_forget):  # a blind gate is for the claims to judge
        part.passes_gradients(log_forget, x)
        if _peeks(log_forget[..., :2], [x], axis=1):
            raise part.misfit("lets a gate see what follows it")
    part.has(data, "projection")
    bias = getattr(data.projection, "bias", None)
    part.tensor(bias, (3,), "has a `projection.bias` that is")
    log_forget = part.run(fixed, x)
    if not torch.equal(part.run(fixed, -x), log_forget):
        raise part.misfit("depends on its input when its kind is `fixed`")
    if not log_forget.requires_grad:
        raise part.misfit("has nothing to learn when its kind is `fixed`")


@component("fox/attention", original=forgetting_attention)
def try_attention(part: Interface) -> None:
    """A function of q, k, v, (batch, n_heads, seq, d_head), and log_forget, (batch, n_heads, seq),
    that returns what every position reads, (batch, n_heads, seq, d_head), of itself and those
    before it. log_forget None: all gates are open. Compute that as you compute the rest, with
    zeros, or the arms differ in FLOPs.
    """
    q, k, v = (part.input(2, 3, 5, 4) for _ in range(3))
    logits = part.input(2, 3, 5)
    gated = part.tensor(part.call(q, k, v, F.logsigmoid(logits)), (2, 3, 5, 4))
    part.passes_gradients(gated, q, k, v, logits)
    open_ = part.tensor(part.call(q, k, v, None), (2, 3, 5, 4))
    part.passes_gradients(open_, q, k, v)
    # A mask that is missing in all arms is for the claims to judge; in one arm, it decides them.
    if _peeks(gated[:, :, :2], [q, k, v], axis=2) != _peeks(open_[:, :, :2], [q, k, v], axis=2):
        raise part.misfit("lets a position see what follows it, but not in every arm")


@component("fox/linear-step", original=linear_step)
def try_linear_step(part: Interface) -> None:
    """A function of one token's q, k, v, (batch, n_heads, 1, d_head), its log_forget, (batch,
    n_heads, 1), and the state, None before the first token, that returns what the token reads,
    (batch, n_heads, 1, d_head), and the next state, a tuple of tensors. It may ignore `late=`.
    """
    state = None
    for _ in range(2):
        q, k, v = (part.input(2, 3, 1, 4) for _ in range(3))
        returned = part.call(q, k, v, F.logsigmoid(part.input(2, 3, 1)), state, late=False)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise part.misfit(f"returned a {type(returned).__name__}, not (read, state)")
        read, state = returned
        part.tensor(read, (2, 3, 1, 4))
        if not isinstance(state, tuple) or not all(isinstance(x, Tensor) for x in state):
            raise part.misfit("returned a state that is no tuple of tensors")


def _shifts(part: Interface, module: Any, x: Tensor) -> None:
    own, module.shift = part.run(module, x), 1
    shifted, module.shift = part.run(module, x), 0
    if not torch.equal(shifted, own.roll(1, 0)):
        raise part.misfit("does not return the gates of the sequence before at a `shift` of 1")


def _peeks(early: Tensor, inputs: Sequence[Tensor], *, axis: int) -> bool:
    """Whether `early`, computed for the first two positions along `axis`, depends on later ones."""
    return any(
        bool((gradient.narrow(axis, 2, gradient.shape[axis] - 2).abs() > 1e-5).any())
        for gradient in torch.autograd.grad(early.square().sum(), inputs, retain_graph=True)
    )


# What is broken: the gate


@mutation("fox/gate", "stuck-open")
class StuckOpen(ForgetGate):
    """Every gate is 1: nothing is ever forgotten."""

    def forward(self, x: Tensor) -> Tensor:
        """Return log 1."""
        return 0 * super().forward(x)


@mutation("fox/gate", "blind")
class Blind(ForgetGate):
    """The gate does not see its input: one learned number a head, a fixed decay."""

    def forward(self, x: Tensor) -> Tensor:
        """Return log sigmoid(b)."""
        return super().forward(torch.zeros_like(x))


@mutation("fox/gate", "detached")
class Detached(ForgetGate):
    """The gradient through the gate is zero: the gate stays as it was drawn."""

    def forward(self, x: Tensor) -> Tensor:
        """Return log f as a constant; the zeros keep it in the graph, where a part belongs."""
        log_forget = super().forward(x)
        return log_forget.detach() + 0 * log_forget


@mutation("fox/gate", "one-row-for-all-heads")
class OneRowForAllHeads(ForgetGate):
    """All heads of a layer see the text through one row of weights, and differ by their bias."""

    def __init__(self, d_model: int, n_gates: int, kind: Gate) -> None:
        super().__init__(d_model, n_gates, kind)
        if not self.fixed:
            self.projection.weight = nn.Parameter(self.projection.weight[:1].detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return log sigmoid(w . x + b) with one w."""
        if self.fixed:
            return super().forward(x)
        shared = x @ self.projection.weight.mT  # (batch, seq, 1)
        return F.logsigmoid(shared + self.projection.bias).mT.roll(self.shift, 0)


# What is broken: the attention


@mutation("fox/attention", "sign-flipped")
def sign_flipped(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor | None) -> Tensor:
    """D has the wrong sign: what is older is remembered better."""
    return forgetting_attention(q, k, v, None if log_forget is None else -log_forget)


@mutation("fox/attention", "one-token-late")
def one_token_late(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor | None) -> Tensor:
    """The sum in (2) is shifted by one: a token's gate weakens that token, too."""
    if log_forget is not None:
        log_forget = F.pad(log_forget[..., :-1], (1, 0))
    return forgetting_attention(q, k, v, log_forget)


@mutation("fox/attention", "after-the-softmax")
def after_the_softmax(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor | None) -> Tensor:
    """The weights decay after the softmax, so that they no longer sum to 1."""
    logits, decay = _matrices(q, k, log_forget)
    future = torch.ones_like(logits, dtype=torch.bool).triu(1)
    weights = logits.masked_fill(future, -math.inf).softmax(-1)
    return (weights * decay.tril().exp()) @ v  # to the future D grows, and exp overflows


@mutation("fox/attention", "no-mask")
def no_mask(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor | None) -> Tensor:
    """The causal mask is missing: a position reads what follows it."""
    logits, decay = _matrices(q, k, log_forget)
    return (logits + decay).softmax(-1) @ v


def _matrices(q: Tensor, k: Tensor, log_forget: Tensor | None) -> tuple[Tensor, Tensor]:
    """Logits and D, each (batch, n_heads, seq, seq); D is 0 where gates are open."""
    logits = q @ k.mT / math.sqrt(q.shape[-1])
    if log_forget is None:
        return logits, torch.zeros_like(logits)
    cumulative = log_forget.cumsum(-1)
    return logits, cumulative[..., :, None] - cumulative[..., None, :]  # (2)


# What is broken: the recurrence


@mutation("fox/linear-step", "normaliser-kept")
def normaliser_kept(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_forget: Tensor,
    state: LinearState | None,
    *,
    late: bool = False,
) -> tuple[Tensor, LinearState]:
    """The state S is forgotten and the normaliser z is not."""
    _, after = linear_step(q, k, v, log_forget, state, late=late)
    written = positive_features(k[..., 0, :])
    normaliser = written if state is None else state.normaliser + written
    features = positive_features(q)  # (batch, n_heads, 1, d_head)
    read = features @ after.memory / (features @ normaliser[..., None])
    return read, LinearState(after.memory, normaliser)


@mutation("fox/linear-step", "keeps-every-token")
def keeps_every_token(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_forget: Tensor,
    state: tuple[Tensor, Tensor, Tensor] | None,
    *,
    late: bool = False,
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """The state is a cache of all tokens, from which the same sums are taken anew."""
    if state is not None:
        k, v, log_forget = (
            torch.cat([old, new], dim=2) for old, new in zip(state, (k, v, log_forget), strict=True)
        )
    decay = log_forget.flip(-1).cumsum(-1).flip(-1) - log_forget  # log f_j+1 + ... + log f_t
    weights = positive_features(q) @ positive_features(k).mT * decay.exp()[..., None, :]
    return weights @ v / weights.sum(-1, keepdim=True), (k, v, log_forget)
