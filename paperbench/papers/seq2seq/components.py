"""The parts of the translator that can be replaced, and broken versions of them for `falsify`.

Sutskever et al. 2014 credit the memory of the cell, the reversed source and the search; Luong et
al. 2015 credit attention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from paperbench.components import component, mutation
from paperbench.papers.seq2seq.decoding import Rank, Translations, beam_search, next_log_probs
from paperbench.papers.seq2seq.lstm import LSTM, CellState, cell
from paperbench.papers.seq2seq.model import Attention, DecoderState, Seq2Seq, read
from paperbench.papers.seq2seq.pairs import BOS, EOS, PAD

if TYPE_CHECKING:
    from paperbench.engine.interface import Interface

BATCH, SOURCE, TARGET, D_MODEL = 3, 5, 4, 6  # of what the parts are tried on
REAL_WORDS = (5, 3, 4)  # of the three sources; what is left is padding


@component("seq2seq/attention", original=Attention)
def attention(part: Interface) -> None:
    """A torch module built as `Attention(d_model, score)`, score `dot` or `general`, called as
    `(h, memory, mask)` with h (batch, target, d_model), memory (batch, source, d_model) and mask
    (batch, source), False on padding. It returns the attentional states, shaped as h, and the
    weights (batch, target, source). A gradient reaches h, memory and every parameter.
    """
    for score in ("dot", "general"):
        layer = part.module(D_MODEL, score)
        for target in (TARGET, 1):  # one word at a time while searching
            h, memory = part.input(BATCH, target, D_MODEL), part.input(BATCH, SOURCE, D_MODEL)
            states, weights = _pair(part, part.run(layer, h, memory, _mask()))
            part.tensor(weights, (BATCH, target, SOURCE), "returned, as weights,")
            output = part.tensor(states, (BATCH, target, D_MODEL), "returned, as states,")
            part.passes_gradients(output, h, memory, layer)


@component("seq2seq/read", original=read)
def reading(part: Interface) -> None:
    """A function `read(layer, x, mask, *, backward)` that runs `layer(x, mask=mask)` over x,
    (batch, seq, d_in), from either end, the mask (batch, seq) False on padding. It returns the
    outputs (batch, seq, d_model), in the order of x, and the last state (h, c), each
    (batch, d_model).
    """
    for backward in (False, True):
        layer, x = LSTM(D_MODEL, 4), part.input(BATCH, SOURCE, D_MODEL)
        outputs, state = _pair(part, part.call(layer, x, _mask(), backward=backward))
        h, c = _pair(part, state, "returned, as the last state,")
        part.tensor(h, (BATCH, 4), "returned, as the last h,")
        part.tensor(c, (BATCH, 4), "returned, as the last c,")
        output = part.tensor(outputs, (BATCH, SOURCE, 4), "returned, as outputs,")
        part.passes_gradients(output, x, layer)
        part.passes_gradients(c, x)


@component("seq2seq/cell", original=cell)
def lstm_cell(part: Interface) -> None:
    """A function `cell(gates, c)`: gates (batch, 4 d) are W x + U h + b, before any nonlinearity,
    in the order i, f, g, o; c (batch, d) is the content so far. It returns the new h and c, each
    (batch, d), and passes a gradient from the new c to the old one.
    """
    gates, before = part.input(BATCH, 4 * D_MODEL), part.input(BATCH, D_MODEL)
    h, c = _pair(part, part.call(gates, before))
    part.tensor(h, (BATCH, D_MODEL), "returned, as h,")
    part.tensor(c, (BATCH, D_MODEL), "returned, as c,")
    part.passes_gradients(h, gates)
    part.passes_gradients(c, gates, before)


@component("seq2seq/beam-search", original=beam_search)
def beam(part: Interface) -> None:
    """A function `beam_search(model, source, *, width, max_len, rank)` over source (batch, seq);
    `rank` is `total`. It returns `Translations(words, log_prob)`: words (batch, seq) from the first
    after BOS to EOS, then PAD, at most `max_len`; log_prob (batch,), the sum over these words, EOS
    included, of what `next_log_probs(logits)` says of each, nats. Use `model.start(source)`,
    `model.decode(words, state)` and `state.select(rows)`.
    """
    vocabulary, n_sources, max_len = 9, 40, 6
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2)
        model = Seq2Seq(vocabulary, vocabulary, 8).eval()
        # Untrained, but so sure of the next words that in three beams of some sources one that
        # began worse overtakes.
        for table in (model.output, model.embed):
            table.weight.mul_(8.0)
        source = torch.randint(EOS + 1, vocabulary, (n_sources, SOURCE))
        source[::2, -2:] = PAD
    for width in (1, 3):
        found = part.call(model, source, width=width, max_len=max_len, rank="total")
        part.has(found, "words", "log_prob")
        if not isinstance(found.words, Tensor) or found.words.dim() != 2:
            raise part.misfit("returned no tensor of words (batch, seq)")
        length = min(found.words.shape[1], max_len)
        words = part.tensor(found.words, (n_sources, length), "returned, as words,")
        log_prob = part.tensor(found.log_prob, (n_sources,), "returned, as log_prob,")
        with torch.no_grad():
            true = _forced_log_prob(model, source, words)
        off = (log_prob - true).abs().argmax()
        if (log_prob - true).abs()[off] > 1e-3:
            raise part.misfit(
                f"says log_prob {log_prob[off]:.3f} of words to which the model gives "
                f"{true[off]:.3f} (width {width})"
            )


def _pair(part: Interface, value: Any, what: str = "returned") -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        shown = f"{len(value)} values" if isinstance(value, tuple) else f"a {type(value).__name__}"
        raise part.misfit(f"{what} {shown}, not a pair")
    return value


def _mask() -> Tensor:
    """(batch, source), True on the real words."""
    return torch.arange(SOURCE)[None] < torch.tensor(REAL_WORDS)[:, None]


def _forced_log_prob(model: Seq2Seq, source: Tensor, words: Tensor) -> Tensor:
    """What the model gives these words and their EOS one after another: (batch,), in nats."""
    state, before = model.start(source), torch.full((len(words),), BOS)
    total, ended = torch.zeros(len(words)), torch.zeros(len(words), dtype=torch.bool)
    for word in words.unbind(1):
        logits, state = model.decode(before[:, None], state)
        step = next_log_probs(logits).gather(1, word[:, None]).squeeze(1)
        total = total + step.masked_fill(ended, 0.0)
        ended, before = ended | (word == EOS), word
    return total


@mutation("seq2seq/attention", "context-dropped")
class ContextDropped(Attention):
    """The decoder's state stands in the place of the context, and the weights serve nothing."""

    def forward(self, h: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh, and do not look."""
        _, weights = super().forward(h, memory, mask)
        return self.combine(torch.cat([h, h], -1)).tanh(), weights


@mutation("seq2seq/attention", "score-detached")
class ScoreDetached(Attention):
    """No gradient passes through the scores: where to look is never learned."""

    def score(self, h: Tensor, memory: Tensor) -> Tensor:
        """The same scores."""
        return super().score(h, memory).detach()


@mutation("seq2seq/attention", "padding-attended")
class PaddingAttended(Attention):
    """The mask is forgotten: padding gets a weight like any word."""

    def forward(self, h: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend to everything."""
        return super().forward(h, memory, torch.ones_like(mask))


@mutation("seq2seq/attention", "normalised-over-the-target")
class NormalisedOverTheTarget(Attention):
    """The softmax runs over the target's steps instead of the source's words."""

    def forward(self, h: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Share every source word out among the steps."""
        weights = self.score(h, memory).softmax(1).masked_fill(~mask[:, None], 0.0)
        return self.combine(torch.cat([weights @ memory, h], -1)).tanh(), weights


@mutation("seq2seq/read", "never-backward")
def never_backward(
    layer: nn.Module, x: Tensor, mask: Tensor, *, backward: bool
) -> tuple[Tensor, CellState]:
    """The source is read from its beginning even where it should be read from its end."""
    return read(layer, x, mask, backward=False)


@mutation("seq2seq/read", "padding-read")
def padding_read(
    layer: nn.Module, x: Tensor, mask: Tensor, *, backward: bool
) -> tuple[Tensor, CellState]:
    """The mask is forgotten: the state goes on changing over padding."""
    return read(layer, x, torch.ones_like(mask), backward=backward)


@mutation("seq2seq/cell", "forget-gate-open")
def forget_gate_open(gates: Tensor, c: Tensor) -> CellState:
    """The forget gate is stuck at one: the cell of 1997, which only ever adds."""
    i, f, g, o = gates.chunk(4, 1)
    return cell(torch.cat([i, torch.full_like(f, 50.0), g, o], 1), c)


@mutation("seq2seq/cell", "forget-gate-shut")
def forget_gate_shut(gates: Tensor, c: Tensor) -> CellState:
    """The forget gate is stuck at zero: the cell keeps nothing of what it held."""
    return cell(gates, torch.zeros_like(c))


@mutation("seq2seq/beam-search", "copies-of-one")
def copies_of_one(
    model: Seq2Seq, source: Tensor, *, width: int, max_len: int, rank: Rank = "total"
) -> Translations:
    """All beams start at the same sum, and so remain copies of the greedy sentence."""
    return beam_search(model, source, width=1, max_len=max_len, rank=rank)


@mutation("seq2seq/beam-search", "states-not-reordered")
def states_not_reordered(
    model: Seq2Seq, source: Tensor, *, width: int, max_len: int, rank: Rank = "total"
) -> Translations:
    """The decoder's states stay behind when the beams change places."""
    stuck = cast(Seq2Seq, _Stuck(model, width))
    return beam_search(stuck, source, width=width, max_len=max_len, rank=rank)


class _Stuck:
    """A model whose states cannot be selected: they stand in the order they started in."""

    def __init__(self, model: Seq2Seq, width: int) -> None:
        self.model, self.width = model, width

    def start(self, source: Tensor) -> DecoderState:
        """One state for each beam from the beginning."""
        return _StuckState(**vars(self.model.start(source.repeat_interleave(self.width, 0))))

    def decode(self, target: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """As the model does."""
        logits, after = self.model.decode(target, state)
        return logits, _StuckState(**vars(after))


class _StuckState(DecoderState):
    def select(self, rows: Tensor) -> DecoderState:
        """The same rows, whichever are asked for."""
        return self

    def reorder(self, rows: Tensor) -> DecoderState:
        """The same order."""
        return self
