"""Decoding token by token, of random models whose gates look like trained ones."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from paperbench.lab import Run
from paperbench.papers.fox.model import Block, LanguageModel, State


@torch.no_grad()
def random_model(
    run: Run, attention: Literal["linear", "softmax"], instance: int, generator: torch.Generator
) -> LanguageModel:
    """A model of random size and weights; the gates' biases alone spread f from .1 to .998."""
    n_heads = 1 << instance % 3  # 1, 2 or 4 heads of 8 channels
    model = run.build(
        lambda: LanguageModel(
            17, d_model=8 * n_heads, n_layers=1 + instance % 2, n_heads=n_heads, attention=attention
        )
    )
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.add_((0.3 * noise).to(run.device))
    for block in model.blocks:
        assert isinstance(block, Block) and block.attention.gate is not None
        bias = block.attention.gate.projection.bias
        bias.copy_(torch.empty(n_heads).uniform_(-2, 6, generator=generator))
    return model.eval()


def decode(
    model: LanguageModel, tokens: Tensor, states: list[State] | None, *, late: bool
) -> tuple[Tensor, list[State]]:
    """Logits (batch, seq, vocab_size) one token at a time, and the states after the last."""
    steps = []
    for token in tokens.T:
        logits, states = model.step(token, states, late=late)
        steps.append(logits)
    assert states is not None
    return torch.stack(steps, dim=1), states


def n_bytes(states: list[State]) -> int:
    """What the states of all layers weigh."""
    return sum(
        tensor.numel() * tensor.element_size()
        for state in states
        if state is not None
        for tensor in state
    )
