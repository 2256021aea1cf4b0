"""The baseline: what the paper replaces, a recurrent translator with attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paperbench.papers.transformer.model import attend, is_real


class RecurrentTranslator(nn.Module):
    """An LSTM encoder and decoder with dot-product attention: Luong et al. 2015, arXiv:1508.04025.

    Its methods are the Transformer's. stepwise: torch's LSTM is given one position after another,
    as recurrence is defined, and not the whole sequence for its fused kernel.
    """

    def __init__(
        self, vocab_size: int, d_model: int, *, n_layers: int = 1, stepwise: bool = False
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, d_model)
        self.encoder, self.decoder = (
            nn.LSTM(d_model, d_model, n_layers, batch_first=True) for _ in range(2)
        )
        self.combine = nn.Linear(2 * d_model, d_model, bias=False)
        self.n_layers, self.stepwise = n_layers, stepwise

    def encode(self, source: Tensor) -> Tensor:
        """source: (batch, source) -> memory (batch, source, d_model)."""
        return self._read(self.encoder, self.embed(source), None)

    def decode(self, target: Tensor, memory: Tensor, source: Tensor) -> Tensor:
        """target: (batch, target), from BOS on -> logits (batch, target, vocab_size)."""
        context, x, _ = self._look(target, memory, source)
        x = self.combine(torch.cat([context, x], -1)).tanh()
        logits: Tensor = x @ self.embed.weight.mT
        return logits

    def _look(
        self, target: Tensor, memory: Tensor, source: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What is read, (batch, target, d_model), the states that read it, and the weights."""
        real = is_real(source)
        last = real.sum(-1)[:, None, None].expand(-1, 1, memory.shape[-1]) - 1
        h = memory.gather(1, last).transpose(0, 1).repeat(self.n_layers, 1, 1)
        x = self._read(self.decoder, self.embed(target), (h, torch.zeros_like(h)))
        context, weights = attend(x, memory, memory, real[:, None], scaled=False)  # h_t . h_s
        return context, x, weights

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Teacher forcing."""
        return self.decode(target, self.encode(source), source)

    @torch.no_grad()
    def looks(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Where the decoder looks, (batch, 1, 1, target, source): the Transformer's name for it."""
        weights = self._look(target, self.encode(source), source)[2]
        return {"decoder to encoder": weights[:, None, None]}

    def _read(self, lstm: nn.LSTM, x: Tensor, state: tuple[Tensor, Tensor] | None) -> Tensor:
        outputs = []
        for part in torch.split(x, 1 if self.stepwise else x.shape[1], 1):
            out, state = lstm(part, state)
            outputs.append(out)
        return torch.cat(outputs, 1)
