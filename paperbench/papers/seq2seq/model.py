"""An encoder and a decoder of LSTM cells, with or without Luong's attention between them.

Sutskever, Vinyals, Le 2014, arXiv:1409.3215: the decoder starts from the encoder's last state.
Luong, Pham, Manning 2015, arXiv:1508.04025: the decoder also looks back at every encoder state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from paperbench.papers.seq2seq.lstm import LSTM, CellState
from paperbench.papers.seq2seq.pairs import PAD

Score = Literal["none", "dot", "general", "concat", "uniform"]


class Encoder(nn.Module):
    """Source words to one state per word, and to the last state of every layer.

    reverse: read the sentence from its end (Sutskever et al., section 3.3); the outputs still stand
    in the order of the source. bidirectional: half of the units read each way.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        *,
        bidirectional: bool,
        reverse: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        d_half = d_model // 2 if bidirectional else d_model
        self.reverse = reverse
        self.embed = nn.Embedding(vocab_size, d_model, padding_idx=PAD)
        self.layers = nn.ModuleList(LSTM(d_model, d_half) for _ in range(n_layers))
        self.back_layers = nn.ModuleList(
            LSTM(d_model, d_half) for _ in range(n_layers if bidirectional else 0)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Tensor) -> tuple[Tensor, list[CellState]]:
        """source: (batch, seq) -> memory (batch, seq, d_model), one state per layer."""
        mask = source != PAD
        x, states = self.embed(source), []
        for i, layer in enumerate(self.layers):
            x = self.dropout(x)
            out, (h, c) = read(layer, x, mask, backward=self.reverse)
            if self.back_layers:
                other, (h_back, c_back) = read(
                    self.back_layers[i], x, mask, backward=not self.reverse
                )
                out = torch.cat([out, other], -1)
                h, c = torch.cat([h, h_back], -1), torch.cat([c, c_back], -1)
            x = out
            states.append((h, c))
        return x, states


def read(layer: nn.Module, x: Tensor, mask: Tensor, *, backward: bool) -> tuple[Tensor, CellState]:
    """Run one layer from either end. Backward, the padding comes first and leaves the state 0."""
    if not backward:
        out, state = layer(x, mask=mask)
        return out, state
    out, state = layer(x.flip(1), mask=mask.flip(1))
    return out.flip(1), state


class Attention(nn.Module):
    """Luong's global attention, section 3.1. `uniform` is its ablation: every weight the same.

    The ablation has the tensors of `dot` and a context: what goes is the choice of where to look.

    h: (batch, target, d_model), memory: (batch, source, d_model), mask: (batch, source)
    -> attentional states (batch, target, d_model) and weights (batch, target, source).
    """

    def __init__(self, d_model: int, score: Score) -> None:
        super().__init__()
        self.score_kind = score
        if score == "general":
            self.align = nn.Linear(d_model, d_model, bias=False)  # W_a
        if score == "concat":
            self.align = nn.Linear(2 * d_model, d_model, bias=False)  # W_a
            self.align_out = nn.Linear(d_model, 1, bias=False)  # v_a
        self.combine = nn.Linear(2 * d_model, d_model, bias=False)  # W_c

    def forward(self, h: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from every target step to the source words that are no padding."""
        scores = self.score(h, memory)
        scores = scores.masked_fill(~mask[:, None], -torch.inf)
        weights = scores.softmax(-1)  # (7) a_t(s)
        context = weights @ memory  # c_t, (batch, target, d_model)
        attended = torch.cat([context, h], -1)
        return self.combine(attended).tanh(), weights  # (5) h~_t = tanh(W_c [c_t; h_t])

    def score(self, h: Tensor, memory: Tensor) -> Tensor:
        """What equation (7) normalises: (batch, target, source)."""
        if self.score_kind == "uniform":
            return h.new_zeros(*h.shape[:2], memory.shape[1])
        if self.score_kind == "dot":
            return h @ memory.mT  # h_t . h_s
        if self.score_kind == "concat":
            shape = (-1, h.shape[1], memory.shape[1], -1)
            pairs = torch.cat([h[:, :, None].expand(*shape), memory[:, None].expand(*shape)], -1)
            scores: Tensor = self.align_out(self.align(pairs).tanh()).squeeze(-1)
            return scores  # v_a . tanh(W_a [h_t; h_s])
        aligned: Tensor = self.align(memory)
        return h @ aligned.mT  # h_t . W_a h_s


@dataclass(frozen=True)
class DecoderState:
    """What decoding carries from word to word; every tensor has the batch first."""

    layers: list[CellState]
    fed: Tensor  # h~_{t-1}, (batch, d_model)
    memory: Tensor
    mask: Tensor

    def select(self, rows: Tensor) -> DecoderState:
        """The state of these rows of the batch, in this order; a row may come more than once."""
        return DecoderState(
            [(h[rows], c[rows]) for h, c in self.layers],
            self.fed[rows],
            self.memory[rows],
            self.mask[rows],
        )

    def reorder(self, rows: Tensor) -> DecoderState:
        """`select` for rows that stand for sentences in the same order: the memory stays."""
        layers = [(h[rows], c[rows]) for h, c in self.layers]
        return DecoderState(layers, self.fed[rows], self.memory, self.mask)


class Seq2Seq(nn.Module):
    """Source sentences and the target so far to logits of the next target word.

    score `none` is Sutskever's model: nothing but the last state passes from source to target.
    input_feeding: the previous attentional state is part of the decoder's input (section 3.3).
    memory `blank` is an ablation: attention has all its tensors and only zeros to look at.
    Raises ValueError when d_model is odd and the encoder bidirectional, or when there is nothing to
    feed.
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        d_model: int,
        *,
        n_layers: int = 1,
        score: Score = "general",
        reverse: bool = False,
        bidirectional: bool = False,
        input_feeding: bool = False,
        dropout: float = 0.0,
        memory: Literal["own", "blank"] = "own",
    ) -> None:
        super().__init__()
        if bidirectional and d_model % 2:
            raise ValueError(f"a bidirectional encoder halves d_model, which is odd: {d_model}")
        if input_feeding and score == "none":
            raise ValueError("input feeding needs an attention score: there is nothing to feed")
        self.input_feeding = input_feeding
        self.blank_memory = memory == "blank"
        self.encoder = Encoder(
            source_size,
            d_model,
            n_layers,
            bidirectional=bidirectional,
            reverse=reverse,
            dropout=dropout,
        )
        self.embed = nn.Embedding(target_size, d_model, padding_idx=PAD)
        self.layers = nn.ModuleList(
            LSTM(d_model * (2 if input_feeding and i == 0 else 1), d_model) for i in range(n_layers)
        )
        self.attention = None if score == "none" else Attention(d_model, score)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(d_model, target_size)

    def start(self, source: Tensor) -> DecoderState:
        """Encode (batch, source) words; the decoder's layers start where the encoder's ended."""
        memory, layers = self.encoder(source)
        fed = memory.new_zeros(memory.shape[0], memory.shape[2])
        if self.blank_memory:
            memory = torch.zeros_like(memory)
        return DecoderState(layers, fed, memory, source != PAD)

    def decode(self, target: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Words (batch, target) to logits (batch, target, target_size) and the state after them.

        Without input feeding no step needs the attention of another, so each layer runs over the
        whole target and the attention of all steps is one product; with it, one step at a time.
        """
        words = self.embed(target)
        if not self.input_feeding:
            out, state = self._advance(words, state)
            return self.output(self.dropout(out)), state
        outputs = []
        for word in words.unbind(1):
            x = torch.cat([word, state.fed], -1)
            out, state = self._advance(x[:, None], state)
            outputs.append(out)
        return self.output(self.dropout(torch.cat(outputs, 1))), state

    def _advance(self, x: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        layers = []
        for layer, before in zip(self.layers, state.layers, strict=True):
            x, after = layer(self.dropout(x), before)
            layers.append(after)
        if self.attention is not None:
            x, _ = self.attention(x, state.memory, state.mask)
        return x, DecoderState(layers, x[:, -1], state.memory, state.mask)

    def alignment(self, source: Tensor, target: Tensor) -> Tensor:
        """Where attention looks for every word of the target: weights (batch, target, source).

        target: (batch, target + 1), BOS first and EOS last, the true words as in training. Raises
        ValueError for a model without attention.
        """
        if self.attention is None:
            raise ValueError("a model without attention aligns nothing")
        steps: list[Tensor] = []
        hook = self.attention.register_forward_hook(lambda _, __, out: steps.append(out[1]))
        try:
            self(source, target[:, :-1])
        finally:
            hook.remove()
        return torch.cat(steps, 1)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Teacher forcing: at every step the true target so far is given."""
        logits, _ = self.decode(target, self.start(source))
        return logits
