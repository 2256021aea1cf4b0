"""The mathematics of seq2seq against torch.nn.LSTM, plain loops and exhaustive search."""

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from paperbench.components import find_component
from paperbench.engine.parts import in_place, load_part
from paperbench.lab import Run
from paperbench.papers import seq2seq
from paperbench.papers.seq2seq import lstm
from paperbench.papers.seq2seq.captions import bucketed, captions, corpus_bleu, tokenize
from paperbench.papers.seq2seq.decoding import beam_search, greedy, next_log_probs
from paperbench.papers.seq2seq.experiments import (
    exact,
    forced,
    searches,
    translation,
    translation_loss,
)
from paperbench.papers.seq2seq.lstm import LSTM
from paperbench.papers.seq2seq.model import Attention, Encoder, Seq2Seq
from paperbench.papers.seq2seq.number_words import (
    HELD_OUT,
    NUMBERS,
    NumberLists,
    digit_by_digit,
    english,
    german,
    number_lists,
)
from paperbench.papers.seq2seq.pairs import BOS, EOS, PAD, UNK, Floor, Task, Vocabulary, pad
from paperbench.papers.seq2seq.recurrence import Recurrence

PAPER = Path(seq2seq.__file__).parent
SMOKE = {"steps": 2, "longest": 2, "d_model": 16, "batch_size": 8}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def torch_lstm(ours, d_in):
    """torch's own layer with our weights; its second bias is zero."""
    theirs = nn.LSTM(d_in, ours.d_model, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.weight_in)
        theirs.weight_hh_l0.copy_(ours.weight_state)
        theirs.bias_ih_l0.copy_(ours.bias)
        theirs.bias_hh_l0.zero_()
    return theirs


def gradients(layer, x, use):
    x = x.clone().requires_grad_()
    use(layer, x).square().sum().backward()
    return [x.grad, *(p.grad for p in layer.parameters())]


class WithoutForgetGate(LSTM):
    """The ablation: the cell of 1997, whose forget gate is always open."""

    def forward(self, x, state=None, mask=None):
        with torch.no_grad():
            d = self.d_model
            self.weight_in[d : 2 * d], self.weight_state[d : 2 * d], self.bias[d : 2 * d] = (
                0,
                0,
                50.0,
            )
        return super().forward(x, state, mask)


@pytest.mark.parametrize(("layer", "equal"), [(LSTM, True), (WithoutForgetGate, False)])
def test_lstm_has_the_values_and_gradients_of_torch(layer, equal):
    ours = layer(5, 7)
    theirs = torch_lstm(ours, 5)
    x = torch.randn(3, 6, 5)
    out, (h, c) = ours(x)
    their_out, (their_h, their_c) = theirs(x)
    same = [
        torch.allclose(a, b, atol=1e-6)
        for a, b in ((out, their_out), (h, their_h[0]), (c, their_c[0]))
    ]
    assert all(same) if equal else not any(same)
    if equal:
        g = gradients(ours, x, lambda m, v: m(v)[0])
        t = gradients(theirs, x, lambda m, v: m(v)[0])
        for mine, other in zip(g, t[:4], strict=True):
            torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_lstm_mask_freezes_the_state_as_a_packed_sequence_does():
    ours = LSTM(4, 6)
    x, lengths = torch.randn(3, 5, 4), torch.tensor([5, 2, 3])
    mask = torch.arange(5)[None] < lengths[:, None]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    _, (their_h, their_c) = torch_lstm(ours, 4)(packed)
    _, (h, c) = ours(x, mask=mask)
    torch.testing.assert_close(h, their_h[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(c, their_c[0], atol=1e-6, rtol=0)
    _, (unmasked, _) = ours(x)
    assert not torch.allclose(unmasked, their_h[0], atol=1e-3)  # the ablation is seen


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_encoding_does_not_depend_on_how_much_padding_stands_behind(reverse, bidirectional):
    encoder = Encoder(9, 8, 2, bidirectional=bidirectional, reverse=reverse, dropout=0.0)
    source = torch.tensor([[4, 5, 6, 7]])
    padded = torch.tensor([[4, 5, 6, 7, PAD, PAD, PAD], [4, 5, 6, 7, 8, 4, 5]])
    memory, states = encoder(source)
    padded_memory, padded_states = encoder(padded)
    torch.testing.assert_close(padded_memory[:1, :4], memory)
    for (h, c), (padded_h, padded_c) in zip(states, padded_states, strict=True):
        torch.testing.assert_close(padded_h[:1], h)
        torch.testing.assert_close(padded_c[:1], c)


def test_a_reversed_encoder_reads_the_reversed_sentence():
    forward = Encoder(9, 8, 1, bidirectional=False, reverse=False, dropout=0.0)
    backward = Encoder(9, 8, 1, bidirectional=False, reverse=True, dropout=0.0)
    backward.load_state_dict(forward.state_dict())
    source = torch.tensor([[4, 5, 6]])
    memory, [(h, _)] = backward(source)
    flipped, [(flipped_h, _)] = forward(source.flip(1))
    torch.testing.assert_close(h, flipped_h)
    torch.testing.assert_close(memory, flipped.flip(1))  # in the order of the source
    torch.testing.assert_close(memory[:, 0], h)  # the first word is read last
    assert not torch.allclose(h, forward(source)[1][0][0])


def test_a_bidirectional_layer_is_torchs():
    encoder = Encoder(9, 8, 1, bidirectional=True, reverse=False, dropout=0.0)
    theirs = nn.LSTM(8, 4, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for ours, suffix in ((encoder.layers[0], ""), (encoder.back_layers[0], "_reverse")):
            getattr(theirs, f"weight_ih_l0{suffix}").copy_(ours.weight_in)
            getattr(theirs, f"weight_hh_l0{suffix}").copy_(ours.weight_state)
            getattr(theirs, f"bias_ih_l0{suffix}").copy_(ours.bias)
            getattr(theirs, f"bias_hh_l0{suffix}").zero_()
    source = torch.tensor([[4, 5, 6, 7], [8, 7, 6, 5]])
    out, (h, _) = theirs(encoder.embed(source))
    memory, [(our_h, _)] = encoder(source)
    torch.testing.assert_close(memory, out, atol=1e-6, rtol=0)
    torch.testing.assert_close(our_h, torch.cat([h[0], h[1]], -1), atol=1e-6, rtol=0)


def slow_attention(attention, h, memory, mask, score):
    """Equations (5) and (7) one number at a time, over the words that are there."""
    out = torch.zeros_like(h)
    for b, t in itertools.product(range(h.shape[0]), range(h.shape[1])):
        words = [s for s in range(memory.shape[1]) if mask[b, s]]
        scores = []
        for s in words:
            if score == "dot":
                scores.append(sum(h[b, t, i] * memory[b, s, i] for i in range(h.shape[2])))
            elif score == "general":
                scores.append(h[b, t] @ (attention.align.weight @ memory[b, s]))
            else:
                hidden = torch.tanh(attention.align.weight @ torch.cat([h[b, t], memory[b, s]]))
                scores.append(attention.align_out.weight[0] @ hidden)
        exps = [s.exp() for s in scores]
        context = sum(e / sum(exps) * memory[b, s] for e, s in zip(exps, words, strict=True))
        out[b, t] = torch.tanh(attention.combine.weight @ torch.cat([context, h[b, t]]))
    return out


@pytest.mark.parametrize("score", ["dot", "general", "concat"])
def test_attention_has_the_values_and_gradients_of_a_plain_loop(score):
    attention = Attention(6, score)
    h, memory = torch.randn(2, 3, 6), torch.randn(2, 4, 6)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    fast, slow = (
        gradients(attention, memory, use)
        for use in (
            lambda m, v: m(h, v, mask)[0],
            lambda m, v: slow_attention(m, h, v, mask, score),
        )
    )
    torch.testing.assert_close(
        attention(h, memory, mask)[0], slow_attention(attention, h, memory, mask, score)
    )
    for mine, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


def test_uniform_attention_keeps_the_tensors_and_is_not_attention():
    dot, uniform = Attention(6, "dot"), Attention(6, "uniform")
    uniform.load_state_dict(dot.state_dict())  # the same tensors
    h, memory = torch.randn(2, 3, 6), torch.randn(2, 4, 6)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    out, weights = uniform(h, memory, mask)
    torch.testing.assert_close(weights[1], torch.tensor([[0.5, 0.5, 0, 0]]).expand(3, 4))
    assert not torch.allclose(out, slow_attention(dot, h, memory, mask, "dot"), atol=1e-3)


@pytest.mark.parametrize("score", ["dot", "general", "concat", "uniform"])
def test_attention_never_sees_padding(score):
    attention = Attention(6, score)
    h, memory = torch.randn(1, 2, 6), torch.randn(1, 4, 6)
    mask = torch.tensor([[True, True, False, False]])
    other = torch.cat([memory[:, :2], torch.full((1, 2, 6), 1e3)], 1)
    torch.testing.assert_close(attention(h, memory, mask), attention(h, other, mask))


@pytest.mark.parametrize("kind", ["none", "general", "feeding"])
def test_a_whole_target_at_once_is_the_same_as_word_by_word(kind):
    model = small_model(kind, target_size=9)
    source, target = torch.tensor([[4, 5, 6], [7, 8, PAD]]), torch.tensor([[BOS, 4, 5, 6]] * 2)
    whole = model(source, target)
    state, steps = model.start(source), []
    for word in target.unbind(1):
        logits, state = model.decode(word[:, None], state)
        steps.append(logits)
    torch.testing.assert_close(whole, torch.cat(steps, 1))
    changed = target.clone()
    changed[:, 3] = 8
    torch.testing.assert_close(model(source, changed)[:, :3], whole[:, :3])  # no look ahead


def small_model(kind, *, target_size):
    return Seq2Seq(
        9,
        target_size,
        8,
        score="none" if kind == "none" else "general",
        input_feeding=kind == "feeding",
    ).eval()


def test_input_feeding_changes_the_second_word_and_not_the_first():
    model = small_model("feeding", target_size=9)
    source, target = torch.tensor([[4, 5, 6]]), torch.tensor([[BOS, 4]])
    before = model(source, target)
    with torch.no_grad():
        model.layers[0].weight_in[:, 8:] = 0.0  # nothing is fed
    after = model(source, target)
    torch.testing.assert_close(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1], after[:, 1], atol=1e-4)


def test_loss_ignores_padding():
    model = small_model("general", target_size=9)
    source = torch.tensor([[4, 5, 6]])
    loss = translation_loss(model, (source, torch.tensor([[BOS, 4, 5, EOS]])))
    padded = translation_loss(model, (source, torch.tensor([[BOS, 4, 5, EOS, PAD, PAD]])))
    torch.testing.assert_close(loss, padded)


def exhaustive(model, source, max_len):
    """The likeliest sentence of at most `max_len` words, by trying all."""
    size = model.output.out_features
    alphabet = [UNK, *range(4, size)]
    best = (-float("inf"), None)
    for length in range(max_len + 1):
        for words in itertools.product(alphabet, repeat=length):
            full = [*words, EOS] if length < max_len else list(words)
            total, state, word = 0.0, model.start(source), BOS
            for following in full:
                logits, state = model.decode(torch.tensor([[word]]), state)
                total += float(next_log_probs(logits)[0, following])
                word = following
            best = max(best, (total, list(words)))
    return best


@torch.no_grad()
def peaked(kind, target_size, scale=4.0):
    """An untrained model whose words differ enough in likelihood for searches to differ."""
    model = small_model(kind, target_size=target_size)
    model.output.weight.mul_(scale)
    model.embed.weight.mul_(scale)
    return model


@torch.no_grad()
def test_a_wide_beam_finds_the_likeliest_sentence_and_greedy_and_the_ablation_do_not():
    worse = {"greedy": 0, "last": 0}
    for seed in range(6):
        torch.manual_seed(seed)
        model, source = peaked("general", 6), torch.tensor([[4, 5, 6]])
        total, words = exhaustive(model, source, 3)
        found = beam_search(model, source, width=40, max_len=3)
        assert found.lists()[0] == words
        assert float(found.log_prob) == pytest.approx(total, abs=1e-5)
        worse["greedy"] += float(greedy(model, source, max_len=3).log_prob) < total - 1e-4
        ablated = beam_search(model, source, width=4, max_len=3, rank="last")
        worse["last"] += float(ablated.log_prob) < total - 1e-4
    assert min(worse.values()) > 0


@torch.no_grad()
@pytest.mark.parametrize("kind", ["none", "general", "feeding"])
def test_a_beam_of_one_is_greedy(kind):
    model = peaked(kind, 12)
    source = torch.tensor([[4, 5, 6], [7, 8, PAD], [8, 4, 4]])
    one, alone = beam_search(model, source, width=1, max_len=7), greedy(model, source, max_len=7)
    assert one.lists() == alone.lists()
    torch.testing.assert_close(one.log_prob, alone.log_prob)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["none", "general", "feeding"])
def test_a_search_reports_the_log_probability_that_teacher_forcing_gives(kind):
    model, source = peaked(kind, 12), torch.tensor([[4, 5, 6]])
    for found in (
        greedy(model, source, max_len=7),
        beam_search(model, source, width=3, max_len=7),
        beam_search(model, source, width=3, max_len=7, rank="last"),
    ):
        words = [word for word in found.words[0].tolist() if word != PAD]
        inputs = torch.tensor([[BOS, *words[:-1]]])
        logits = model(source, inputs)
        never = torch.tensor([PAD, BOS])
        log_probs = logits.log_softmax(-1).index_fill(-1, never, -torch.inf)[0]
        expected = sum(float(log_probs[t, word]) for t, word in enumerate(words))
        assert float(found.log_prob) == pytest.approx(expected, abs=1e-5)


def test_numbers_are_spelled_right():
    assert english(347) == ["three", "hundred", "forty", "seven"]
    assert german(347) == ["drei", "hundert", "sieben", "und", "vierzig"]
    assert german(121) == ["ein", "hundert", "ein", "und", "zwanzig"]
    assert german(101) == ["ein", "hundert", "eins"]
    assert (english(212), german(212)) == (
        ["two", "hundred", "twelve"],
        ["zwei", "hundert", "zwölf"],
    )
    assert (english(500), german(500)) == (["five", "hundred"], ["fünf", "hundert"])
    assert german(970) == ["neun", "hundert", "siebzig"]
    assert digit_by_digit(305) == (["three", "zero", "five"], ["drei", "null", "fünf"])
    for spell in (english, german):
        assert len({tuple(spell(number)) for number in NUMBERS}) == 900
        with pytest.raises(ValueError, match="three digits"):
            spell(99)


def test_lists_can_be_taken_apart_again():
    """A number begins one word before each `hundred`: no two lists read the same."""
    lists = [
        tuple(english(a) + english(b)) for a in range(100, 1000, 7) for b in range(100, 1000, 9)
    ]
    assert len(set(lists)) == len(lists)


def test_no_test_number_is_in_training_and_every_word_is():
    assert len(HELD_OUT) == 90
    assert all(
        sum(number // 100 == hundred for number in HELD_OUT) == 10 for hundred in range(1, 10)
    )
    kept = [number for number in NUMBERS if number not in HELD_OUT]
    for spell in (english, german):
        assert {word for n in HELD_OUT for word in spell(n)} <= {w for n in kept for w in spell(n)}
    lists = NumberLists(longest=3)
    single = {tuple(lists.pair([number])[0]) for number in HELD_OUT}
    stream = lists.batches(16)(torch.Generator().manual_seed(0))
    starts = set(lists.source.encode(["hundred"]))
    for source, _ in itertools.islice(stream, 40):
        for row in source.tolist():
            words = [word for word in row if word != PAD]
            cuts = [i - 1 for i, word in enumerate(words) if word in starts] + [len(words)]
            numbers = {tuple(words[a:b]) for a, b in itertools.pairwise(cuts)}
            assert not numbers & single
    task = number_lists(np.random.default_rng(0), longest=3)
    assert {tuple(source) for source, _ in task.short} == single
    assert len(task.references) == len(task.test) == len(task.long)


def test_a_backward_target_is_the_forward_one_reversed():
    forward, backward = (NumberLists(longest=2, order=order) for order in ("forward", "backward"))
    assert backward.pair([347, 120])[0] == forward.pair([347, 120])[0]
    assert backward.pair([347, 120])[1] == forward.pair([347, 120])[1][::-1]


def test_floor_of_known_cases():
    assert Floor([[4, 5, 6]]).accuracy([[4, 5, 6]]) == 1.0  # no source is needed
    # The first word is a coin's toss and counts as missed for one of the two; the rest follows.
    assert Floor([[4, 5], [4, 5], [6, 7]]).accuracy([[4, 5], [6, 7]]) == pytest.approx(5 / 6)
    # Independent words: of 8, with the end known by position, about one in 8.
    rng = np.random.default_rng(0)
    rows = [rng.integers(4, 12, 10).tolist() for _ in range(3000)]
    assert Floor(rows[:2500]).accuracy(rows[2500:]) == pytest.approx((10 / 8 + 1) / 11, abs=0.02)


def test_the_floor_is_no_less_than_the_commonest_word_and_less_than_the_truth():
    task = number_lists(np.random.default_rng(0), longest=3)
    targets = [target for _, target in task.long]
    tokens = [word for target in targets for word in [*target, EOS]]
    commonest = max(tokens.count(word) for word in set(tokens)) / len(tokens)
    assert commonest < Floor(task.seen).accuracy(targets) < 0.6


def test_vocabulary_and_tokens():
    words = Vocabulary.of([["a", "b", "a"], ["b", "a", "c"]], at_least=2)
    assert words.words[4:] == ["a", "b"]
    assert words.encode(["b", "c"]) == [5, UNK]
    assert words.decode([4, UNK]) == ["a", "<unk>"]
    assert tokenize("Zwei Männer, draußen.") == ["zwei", "männer", ",", "draußen", "."]
    source, target = pad([([4], [5, 6]), ([4, 7], [5])])
    assert source.tolist() == [[4, PAD], [4, 7]]
    assert target.tolist() == [[BOS, 5, 6, EOS], [BOS, 5, EOS, PAD]]


def test_buckets_hold_every_pair_once_an_epoch_and_little_padding():
    rng = np.random.default_rng(0)
    pairs = [([4 + i] * int(rng.integers(2, 30)), [4]) for i in range(200)]
    stream = bucketed(pairs, 20)(torch.Generator().manual_seed(0))
    epoch = list(itertools.islice(stream, 10))
    assert sorted(row[0] for source, _ in epoch for row in source.tolist()) == list(range(4, 204))
    padding = sum(int((source == PAD).sum()) for source, _ in epoch)
    assert padding < 0.15 * sum(source.numel() for source, _ in epoch)


def test_bleu_is_sacrebleus_and_its_signature_is_the_documented_one():
    reference = " ".join(tokenize("Ein T-Shirt hängt draußen, 2,5 Meter hoch."))
    score, signature = corpus_bleu([reference.split()], [reference])
    assert score == pytest.approx(100.0)
    assert signature.startswith("nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:")
    assert signature.rpartition("|")[0] in (PAPER / "NOTES.md").read_text()
    assert corpus_bleu([["ein", "hund", "rennt", "weg", "."]], [reference])[0] < 20


def test_multi30k_is_read_and_takes_a_step(shared_data):
    from paperbench.lab.data import load_data

    task = captions(load_data("multi30k"))
    assert len(task.test) == 1000
    assert min(len(task.short), len(task.long)) > 100
    assert 5_000 < len(task.source) < len(task.target) < 9_000
    model = Seq2Seq(len(task.source), len(task.target), 16, bidirectional=True)
    batch = next(task.batches(4)(torch.Generator().manual_seed(0)))
    assert 5 < translation_loss(model, batch).item() < 15


class Parrot(Seq2Seq):
    """Says one of two fixed sentences, whatever the source: `word`, ten times in a row or never."""

    def __init__(self, sentence, sure=0.9):
        super().__init__(9, 9, 4, score="none")
        self.sentence, self.sure = [*sentence, EOS], sure

    def decode(self, target, state):
        """Logits of the sentence's words in turn; `fed` counts how many have been said."""
        said = state.fed[:, 0].round().long()[:, None] + torch.arange(target.shape[1])
        words = torch.tensor(self.sentence)[said.clamp(max=len(self.sentence) - 1)]
        probabilities = torch.full((*words.shape, 9), (1 - self.sure) / 8)
        probabilities.scatter_(-1, words[..., None], self.sure)
        state = dataclasses.replace(state, fed=state.fed + target.shape[1])
        return probabilities.log(), state


# One sentence that the parrot says, one that it begins like, one that is longer.
PAIRS = [([4, 5], [4, 5, 6]), ([4], [4, 8, 6]), ([4, 4, 4], [4, 5, 6, 7, 7])]


def test_forced_counts_real_tokens_and_their_loss():
    right, loss = forced(Parrot([4, 5, 6]), PAIRS, torch.device("cpu"))
    # Of 4 + 4 + 6 tokens, with the end: all 4; 4, 6 and the end; 4, 5, 6 and the late end.
    assert right == pytest.approx((4 + 3 + 4) / 14)
    wrong = -math.log(0.1 / 8)
    assert loss == pytest.approx((11 * -math.log(0.9) + 3 * wrong) / 14)


def test_exact_wants_the_whole_sentence():
    assert exact(Parrot([4, 5, 6]), PAIRS, torch.device("cpu")) == pytest.approx(1 / 3)


def a_task(references):
    words = Vocabulary("abcde")  # a is 4, b is 5, ...
    return Task(words, words, PAIRS, references, PAIRS, PAIRS, None, [])


def test_bleu_is_that_of_what_the_model_says():
    def bleu_of(references):
        task, device = a_task(references), torch.device("cpu")
        _, found = searches(Parrot([4, 5, 6, 7]), task, device, 2, "total")
        return found["bleu"]

    assert bleu_of(["a b c d"] * 3) == pytest.approx(100.0)
    assert bleu_of(["a b c e", "e e e e", "a a a a"]) < 60


class Misled(Parrot):
    """The likelier first word leads nowhere: the greedy search loses, a beam of two wins."""

    def decode(self, target, state):
        """4 has .6 and then nothing above 1/9; 5 has .4 and then is surely over."""
        first = state.fed[:, 0] == 0
        probabilities = torch.full((len(target), 1, 9), 1 / 9)
        probabilities[first] = torch.tensor([0, 0, 0, 0, 0.6, 0.4, 0, 0, 0]).clamp(min=1e-9)
        sure = torch.zeros(9).clamp(min=1e-9)
        sure[EOS] = 1.0
        probabilities[~first & (target[:, -1] == 5)] = sure
        return probabilities.log(), dataclasses.replace(state, fed=state.fed + 1)


def test_the_gain_of_a_beam_is_positive_where_it_finds_the_likelier_sentence():
    _, found = searches(Misled([]), a_task(["a", "a", "a"]), torch.device("cpu"), 2, "total")
    assert found["beam_gain"] > 0.3
    assert found["beam_short_of_greedy"] == 0.0


def test_a_blank_memory_keeps_every_tensor_and_shows_nothing_of_the_source():
    own, blank = (
        Run(seed=0).build(lambda memory=memory: Seq2Seq(9, 9, 8, score="dot", memory=memory))
        for memory in ("own", "blank")
    )
    assert [*own.state_dict()] == [*blank.state_dict()]
    source = torch.tensor([[4, 5, 6]])
    assert blank.start(source).memory.abs().max() == 0 < own.start(source).memory.abs().max()
    for (h, c), (other_h, other_c) in zip(
        own.start(source).layers, blank.start(source).layers, strict=True
    ):
        assert torch.equal(h, other_h)
        assert torch.equal(c, other_c)


def test_a_scrambled_target_has_the_same_words_in_one_order_for_each_length():
    forward, scrambled = (
        NumberLists(longest=2, order=order, spelling="digits") for order in ("forward", "scrambled")
    )
    one, other = [347, 205], [111, 989]
    for numbers in (one, other):
        assert sorted(forward.pair(numbers)[1]) == sorted(scrambled.pair(numbers)[1])
    assert forward.pair(one)[1] != scrambled.pair(one)[1] != forward.pair(one)[1][::-1]
    places = [forward.pair(one)[1].index(word) for word in scrambled.pair(one)[1]]
    assert scrambled.pair(other)[1] == [forward.pair(other)[1][place] for place in places]


ARMS = {
    "plain": {"score": "none"},
    "reversed": {"score": "none", "reverse": True},
    "general": {"score": "general"},
    "dot": {"score": "dot"},
    "uniform": {"score": "uniform"},
    "concat": {"score": "concat"},
    "feeding": {"score": "general", "input_feeding": True},
    "backward": {"score": "none", "target_order": "backward"},
    "scrambled": {"score": "none", "target_order": "scrambled"},
    "digits": {"score": "none", "spelling": "digits"},
    "blank": {"score": "dot", "memory": "blank"},
    "last": {"score": "none", "beam_rank": "last"},
    "deep": {"bidirectional": True, "n_layers": 2, "dropout": 0.3},
}


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_runs(arm):
    metrics = translation(Run(seed=0), **SMOKE, **ARMS[arm])
    assert set(metrics) == set(translation.experiment_metrics)
    assert all(np.isfinite(value) for value in metrics.values())


def test_the_same_seed_gives_the_same_numbers():
    first, again, other = (translation(Run(seed=seed), **SMOKE) for seed in (0, 0, 1))
    assert first == again != other


def test_arms_share_their_initial_weights():
    plain, attention = (
        Run(seed=0).build(lambda score=score: Seq2Seq(9, 9, 8, score=score))
        for score in ("none", "general")
    )
    shared = dict(attention.named_parameters())
    for name, parameter in plain.named_parameters():
        assert torch.equal(parameter, shared[name])


def test_a_model_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="odd"):
        Seq2Seq(9, 9, 7, bidirectional=True)
    with pytest.raises(ValueError, match="nothing to feed"):
        Seq2Seq(9, 9, 8, score="none", input_feeding=True)


def by_autograd(gates, c):
    """The paper's cell under another name: whatever stands in its place runs step by step."""
    return LSTM.differentiated(gates, c)


def layer_gradients(layer, *, masked, started, use, dtype):
    """Outputs, last state, and the gradients of all inputs; `use` makes a scalar of the former."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(4, 5, 3, generator=generator, dtype=dtype, requires_grad=True)
    state = [
        torch.randn(4, 6, generator=generator, dtype=dtype, requires_grad=True) for _ in range(2)
    ]
    mask = torch.arange(5)[None] < torch.tensor([5, 2, 3, 1])[:, None]
    inputs = [x, *state] if started else [x]
    out, (h, c) = layer(x, (*state,) if started else None, mask if masked else None)
    weighed = torch.randn(out.shape, generator=generator, dtype=dtype)  # a direction of its own
    value = {"outputs": (out * weighed).sum(), "h": h.square().sum(), "c": c.square().sum()}
    loss = value[use] if use in value else sum(value.values())
    return [out, h, c, *torch.autograd.grad(loss, [*inputs, *layer.parameters()])]


@pytest.mark.parametrize("use", ["outputs", "h", "c", "all"])
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
def test_the_derivative_by_hand_is_autograds(monkeypatch, dtype, atol, masked, started, use):
    layer = LSTM(3, 6).to(dtype)
    asked = {"masked": masked, "started": started, "use": use, "dtype": dtype}
    by_hand = layer_gradients(layer, **asked)
    monkeypatch.setattr(lstm, "cell", by_autograd)
    for ours, oracle in zip(by_hand, layer_gradients(layer, **asked), strict=True):
        torch.testing.assert_close(ours, oracle, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_the_derivative_by_hand_is_that_of_the_value(masked):
    layer = LSTM(2, 3).double()
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool() if masked else None

    def run(x, h, c, *_):
        out, state = layer(x, (h, c), mask)
        return out, *state

    x, h, c = (torch.randn(2, *s, dtype=torch.float64) for s in ((4, 2), (3,), (3,)))
    inputs = [each.requires_grad_() for each in (x, h, c)]
    assert torch.autograd.gradcheck(run, (*inputs, *layer.parameters()))


def test_the_derivative_by_hand_takes_the_operations_of_autograd(monkeypatch):
    def count():
        with FlopCounterMode(display=False) as counter:
            model = small_model("general", target_size=9)
            translation_loss(model, pad([([4, 5, 6], [4, 5]), ([7], [8])])).backward()
        return counter.get_total_flops()

    by_hand = count()
    monkeypatch.setattr(lstm, "cell", by_autograd)
    assert by_hand == count() > 0


@pytest.mark.parametrize("name", ["forget-gate-open", "forget-gate-shut"])
def test_another_cell_takes_effect_where_the_derivative_is_written_out(name):
    target = find_component("seq2seq/cell")
    broken = {mutation.name: mutation.target for mutation in target.mutations}[name]
    layer, x = LSTM(3, 6), torch.randn(2, 4, 3)
    own = layer(x)
    with in_place({"seq2seq/cell": broken}):
        others = layer(x)
        h = c = torch.zeros(2, 6)
        for t in range(4):
            gates = x[:, t] @ layer.weight_in.T + h @ layer.weight_state.T + layer.bias
            h, c = load_part(broken)(gates, c)
    assert not torch.allclose(own[0], others[0], atol=1e-3)
    torch.testing.assert_close(others[1], (h, c))
    assert torch.equal(layer(x)[0], own[0])  # and is gone again


VARIANTS = {
    **{score: {"score": score} for score in ("none", "dot", "general", "concat", "uniform")},
    "reverse": {"score": "none", "reverse": True},
    "bidirectional": {"bidirectional": True},
    "feeding": {"input_feeding": True},
    "deep": {"n_layers": 2, "reverse": True, "bidirectional": True},
    "blank": {"score": "dot", "memory": "blank"},
}


def stacked_gradients(models, sources, targets):
    """Losses and gradients of all models by one vmap, each with its own batch."""
    stacked, _ = torch.func.stack_module_state(models)

    def loss(parameters, source, target):
        return translation_loss(
            lambda *words: torch.func.functional_call(models[0], parameters, words),
            (source, target),
        )

    losses = torch.func.vmap(loss, randomness="different")(stacked, sources, targets)
    return losses, dict(
        zip(stacked, torch.autograd.grad(losses.sum(), [*stacked.values()]), strict=True)
    )


@pytest.mark.parametrize("another_cell", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_replicates_in_one_batch_are_each_alone(monkeypatch, variant, another_cell):
    if another_cell:
        monkeypatch.setattr(lstm, "cell", by_autograd)
    models = [
        Run(seed=seed).build(lambda: Seq2Seq(12, 11, 8, **VARIANTS[variant])).double()
        for seed in range(3)
    ]
    lists = [[([4 + k, 5, 6], [7, 8]), ([9, 10 - k], [4, 5, 6, 10])] for k in range(3)]
    batches = [pad(pairs) for pairs in lists]
    batches[2][0][1, 1] = PAD  # one replicate's sentence is shorter
    losses, gradients = stacked_gradients(models, *map(torch.stack, zip(*batches, strict=True)))
    for k, (model, batch) in enumerate(zip(models, batches, strict=True)):
        alone = translation_loss(model, batch)
        torch.testing.assert_close(losses[k], alone)
        named = dict(model.named_parameters())
        by_itself = torch.autograd.grad(alone, [*named.values()])
        for name, expected in zip(named, by_itself, strict=True):
            torch.testing.assert_close(gradients[name][k], expected)


def test_replicates_may_stand_on_any_axis_and_share_their_weights():
    layer, x = LSTM(3, 6), torch.randn(4, 3, 2, 3)  # (seq, replicates, batch, d_in)
    state = torch.randn(2, 2, 6)
    shared = (layer.weight_in, layer.weight_state, layer.bias, *state, None)
    together = torch.func.vmap(Recurrence.apply, in_dims=(1, *[None] * 6))(x, *shared)
    alone = [Recurrence.apply(x[:, k], *shared) for k in range(3)]
    for mine, others in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(mine, torch.stack(others))


@pytest.mark.parametrize("order", ["forward", "backward", "scrambled"])
@pytest.mark.parametrize("spelling", ["words", "digits"])
def test_a_batch_holds_what_the_pairs_of_its_numbers_are(monkeypatch, order, spelling):
    lists, drawn = NumberLists(longest=3, order=order, spelling=spelling), []
    own = lists.training
    monkeypatch.setattr(lists, "training", lambda *a: drawn.append(own(*a)) or drawn[-1])
    stream = lists.batches(6)(torch.Generator().manual_seed(0))
    for batch in itertools.islice(stream, 4):
        expected = pad(lists.pair(numbers) for numbers in drawn[-1].tolist())
        assert all(map(torch.equal, batch, expected))
    spell = digit_by_digit if spelling == "digits" else lambda n: (english(n), german(n))
    source, target = lists.pair([347, 120])
    assert lists.source.decode(source) == spell(347)[0] + spell(120)[0]
    in_order = lists.target.encode(spell(347)[1] + spell(120)[1])
    right = {"forward": in_order, "backward": in_order[::-1]}.get(order, target)
    assert target == right
    assert sorted(target) == sorted(in_order)


def test_lists_have_one_number_then_two_and_so_on_whatever_the_seed():
    lists = NumberLists(longest=3, spelling="digits")
    for seed in range(3):
        stream = lists.batches(5)(torch.Generator().manual_seed(seed))
        lengths = [source.shape for source, _ in itertools.islice(stream, 7)]
        assert lengths == [(5, 3 * n) for n in (1, 2, 3, 1, 2, 3, 1)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_filling_a_batch_up_changes_neither_loss_nor_gradient(variant):
    model = Run(seed=0).build(lambda: Seq2Seq(12, 11, 8, **VARIANTS[variant])).double()
    batch = pad([([4, 5, 6], [7, 8]), ([9, 10], [4, 5, 6, 10])])
    filled = [nn.functional.pad(words, (0, 3), value=PAD) for words in batch]
    losses = [translation_loss(model, words) for words in (batch, filled)]
    torch.testing.assert_close(*losses)
    gradients = [torch.autograd.grad(loss, [*model.parameters()]) for loss in losses]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
