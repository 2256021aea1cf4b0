"""An encoder and a decoder of LSTM cells, with or without Luong's attention between them.

Sutskever, Vinyals, Le 2014, arXiv:1409.3215: the decoder starts from the encoder's last state.
Luong, Pham, Manning 2015, arXiv:1508.04025: the decoder also looks back at every encoder state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.papers.seq2seq.pairs import PAD

Score = Literal["none", "dot", "general", "concat", "uniform"]
CellState = tuple[Tensor, Tensor]                              # h and c, each (batch, d)


class LSTM(nn.Module):
    """One layer of LSTM cells. Gate order i, f, g, o, as in torch.nn.LSTM; one bias, not two.

    x: (batch, seq, d_in) -> outputs (batch, seq, d_model) and the last state.
    mask: (batch, seq), False on padding, where the state stays what it was.
    """

    def __init__(self, d_in: int, d_model: int) -> None:
        super().__init__()
        self.d_model = d_model
        self.weight_in = nn.Parameter(torch.empty(4 * d_model, d_in))
        self.weight_state = nn.Parameter(torch.empty(4 * d_model, d_model))
        self.bias = nn.Parameter(torch.empty(4 * d_model))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform in 1/sqrt(d_model); the forget gate's bias is 1, so that memory starts open."""
        bound = self.d_model**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        with torch.no_grad():
            self.bias[self.d_model:2 * self.d_model] = 1.0

    def forward(
        self, x: Tensor, state: CellState | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, CellState]:
        """Run over the sequence from `state`, or from zeros."""
        # The input's share of all gates of all steps is one product; only the state's share waits.
        from_input = F.linear(x.transpose(0, 1), self.weight_in, self.bias)  # (seq, batch, 4 d)
        weight = self.weight_state.t()
        if state is None:
            zeros = x.new_zeros(x.shape[0], self.d_model)
            state = zeros, zeros
        live = None if mask is None else mask.t().unsqueeze(-1).unbind(0)    # each (batch, 1)
        outputs = []
        for t, gates in enumerate(from_input.unbind(0)):
            new = cell(torch.addmm(gates, state[0], weight), state[1])
            if live is not None:
                new = (torch.where(live[t], new[0], state[0]),
                       torch.where(live[t], new[1], state[1]))
            state = new
            outputs.append(state[0])
        return torch.stack(outputs, 1), state


def cell(gates: Tensor, c: Tensor) -> CellState:
    """One step from the gates before their nonlinearities, (batch, 4 d), and the cell's content.

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    i, f, _, o = gates.sigmoid().chunk(4, 1)                   # one sigmoid for the three gates
    g = gates.chunk(4, 1)[2].tanh()
    c = torch.addcmul(f * c, i, g)                             # c_t = f c_{t-1} + i g
    return o * c.tanh(), c                                     # h_t = o tanh(c_t)


class Encoder(nn.Module):
    """Source words to one state per word, and to the last state of every layer.

    reverse: read the sentence from its end (Sutskever et al., section 3.3); the outputs still stand
    in the order of the source. bidirectional: half of the units read each way.
    """

    def __init__(self, vocab_size: int, d_model: int, n_layers: int, *, bidirectional: bool,
                 reverse: bool, dropout: float) -> None:
        super().__init__()
        d_half = d_model // 2 if bidirectional else d_model
        self.reverse = reverse
        self.embed = nn.Embedding(vocab_size, d_model, padding_idx=PAD)
        self.layers = nn.ModuleList(LSTM(d_model, d_half) for _ in range(n_layers))
        self.back_layers = nn.ModuleList(
            LSTM(d_model, d_half) for _ in range(n_layers if bidirectional else 0))
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Tensor) -> tuple[Tensor, list[CellState]]:
        """source: (batch, seq) -> memory (batch, seq, d_model), one state per layer."""
        mask = source != PAD
        x, states = self.embed(source), []
        for i, layer in enumerate(self.layers):
            x = self.dropout(x)
            out, (h, c) = read(layer, x, mask, backward=self.reverse)
            if self.back_layers:
                other, (h_back, c_back) = read(self.back_layers[i], x, mask,
                                               backward=not self.reverse)
                out = torch.cat([out, other], -1)
                h, c = torch.cat([h, h_back], -1), torch.cat([c, c_back], -1)
            x = out
            states.append((h, c))
        return x, states


def read(layer: nn.Module, x: Tensor, mask: Tensor, *, backward: bool
         ) -> tuple[Tensor, CellState]:
    """Run one layer from either end. Backward, the padding comes first and leaves the state 0."""
    if not backward:
        out, state = layer(x, mask=mask)
        return out, state
    out, state = layer(x.flip(1), mask=mask.flip(1))
    return out.flip(1), state


class Attention(nn.Module):
    """Luong's global attention, section 3.1. `uniform` is its ablation: every weight the same.

    The ablation keeps W_a, which then maps the memory itself, and the context: what goes is the
    choice of where to look.

    h: (batch, target, d_model), memory: (batch, source, d_model), mask: (batch, source)
    -> attentional states (batch, target, d_model) and weights (batch, target, source).
    """

    def __init__(self, d_model: int, score: Score) -> None:
        super().__init__()
        self.score_kind = score
        if score in ("general", "uniform"):
            self.align = nn.Linear(d_model, d_model, bias=False)             # W_a
        if score == "concat":
            self.align = nn.Linear(2 * d_model, d_model, bias=False)         # W_a
            self.align_out = nn.Linear(d_model, 1, bias=False)               # v_a
        self.combine = nn.Linear(2 * d_model, d_model, bias=False)           # W_c

    def forward(self, h: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from every target step to the source words that are no padding."""
        scores = self.score(h, memory)
        scores = scores.masked_fill(~mask[:, None], -torch.inf)
        weights = scores.softmax(-1)                           # (7) a_t(s)
        values = self.align(memory) if self.score_kind == "uniform" else memory
        context = weights @ values                             # c_t, (batch, target, d_model)
        attended = torch.cat([context, h], -1)
        return self.combine(attended).tanh(), weights          # (5) h~_t = tanh(W_c [c_t; h_t])

    def score(self, h: Tensor, memory: Tensor) -> Tensor:
        """Equation (8): (batch, target, source)."""
        if self.score_kind == "dot":
            return h @ memory.mT                               # h_t . h_s
        if self.score_kind == "concat":
            shape = (-1, h.shape[1], memory.shape[1], -1)
            pairs = torch.cat([h[:, :, None].expand(*shape), memory[:, None].expand(*shape)], -1)
            scores: Tensor = self.align_out(self.align(pairs).tanh()).squeeze(-1)
            return scores                                      # v_a . tanh(W_a [h_t; h_s])
        if self.score_kind == "uniform":
            return h.new_zeros(*h.shape[:2], memory.shape[1])
        aligned: Tensor = self.align(memory)
        return h @ aligned.mT                                  # h_t . W_a h_s


@dataclass(frozen=True)
class DecoderState:
    """What decoding carries from word to word; every tensor has the batch first."""

    layers: list[CellState]
    fed: Tensor                                                # h~_{t-1}, (batch, d_model)
    memory: Tensor
    mask: Tensor

    def select(self, rows: Tensor) -> DecoderState:
        """The state of these rows of the batch, in this order; a row may come more than once."""
        return DecoderState([(h[rows], c[rows]) for h, c in self.layers], self.fed[rows],
                            self.memory[rows], self.mask[rows])


class Seq2Seq(nn.Module):
    """Source sentences and the target so far to logits of the next target word.

    score `none` is Sutskever's model: nothing but the last state passes from source to target.
    input_feeding: the previous attentional state is part of the decoder's input (section 3.3).
    Raises ValueError when d_model is odd and the encoder bidirectional, or when there is nothing to
    feed.
    """

    def __init__(self, source_size: int, target_size: int, d_model: int, *, n_layers: int = 1,
                 score: Score = "general", reverse: bool = False, bidirectional: bool = False,
                 input_feeding: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        if bidirectional and d_model % 2:
            raise ValueError(f"a bidirectional encoder halves d_model, which is odd: {d_model}")
        if input_feeding and score == "none":
            raise ValueError("input feeding needs an attention score: there is nothing to feed")
        self.input_feeding = input_feeding
        self.encoder = Encoder(source_size, d_model, n_layers, bidirectional=bidirectional,
                               reverse=reverse, dropout=dropout)
        self.embed = nn.Embedding(target_size, d_model, padding_idx=PAD)
        self.layers = nn.ModuleList(
            LSTM(d_model * (2 if input_feeding and i == 0 else 1), d_model)
            for i in range(n_layers))
        self.attention = None if score == "none" else Attention(d_model, score)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(d_model, target_size)

    def start(self, source: Tensor) -> DecoderState:
        """Encode (batch, source) words; the decoder's layers start where the encoder's ended."""
        memory, layers = self.encoder(source)
        fed = memory.new_zeros(memory.shape[0], memory.shape[2])
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

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Teacher forcing: at every step the true target so far is given."""
        logits, _ = self.decode(target, self.start(source))
        return logits
