"""The Transformer against torch's own layers, a plain loop, and every sentence there is."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch import nn
from torch.nn import functional as F

from paperbench.lab import Run
from paperbench.papers.transformer import lookup as task
from paperbench.papers.transformer.decoding import PENALTY, beam_search
from paperbench.papers.transformer.experiments import (
    exact,
    forced,
    smoothed_loss,
    warmup_inverse_sqrt,
)
from paperbench.papers.transformer.experiments_exact import base_model, cost, positions, speed
from paperbench.papers.transformer.model import (
    PAD,
    Layer,
    MultiHeadAttention,
    Transformer,
    attend,
    sinusoids,
)
from paperbench.papers.transformer.recurrent import RecurrentTranslator
from paperbench.papers.transformer.sentences import (
    BOS,
    ENGLISH,
    EOS,
    GERMAN,
    UNK,
    Vocabulary,
    floor,
    number_lists,
    spell,
)

D_MODEL, N_HEADS, D_FF = 12, 3, 20


@pytest.fixture(autouse=True)
def _in_double_precision():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def heads(**options):
    return MultiHeadAttention(D_MODEL, N_HEADS, **options)


def give(theirs, ours):
    """Our weights of attention to torch's, whose biases become zero."""
    with torch.no_grad():
        stacked = torch.cat([ours.query.weight, ours.key.weight, ours.value.weight])
        theirs.in_proj_weight.copy_(stacked)
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.in_proj_bias.zero_()
        theirs.out_proj.bias.zero_()


def gradients_of_heads(ours, theirs):
    q, k, v = theirs.in_proj_weight.grad.chunk(3)
    for own, other in (
        (ours.query, q),
        (ours.key, k),
        (ours.value, v),
        (ours.out, theirs.out_proj.weight.grad),
    ):
        yield own.weight.grad, other


def masked(source, target):
    mask = torch.rand(target, source) < 0.6
    mask[:, 0] = True
    return mask


@pytest.mark.parametrize(
    "ablation", [{}, {"scaled": False}, {"look": "one-map"}, {"look": "first"}]
)
def test_heads_have_the_values_and_gradients_of_torch_and_their_ablations_have_not(ablation):
    ours, theirs = heads(**ablation), nn.MultiheadAttention(D_MODEL, N_HEADS, batch_first=True)
    ours.reset_parameters()
    give(theirs, ours)
    x, memory, mask = torch.randn(2, 5, D_MODEL), torch.randn(2, 7, D_MODEL), masked(7, 5)
    read, maps = ours(x, memory, mask)
    # There, True means that a place is hidden.
    their_read, their_maps = theirs(x, memory, memory, attn_mask=~mask, average_attn_weights=False)
    assert torch.allclose(read, their_read) == torch.allclose(maps, their_maps) == (not ablation)
    read.square().sum().backward()
    their_read.square().sum().backward()
    same = [torch.allclose(own, other) for own, other in gradients_of_heads(ours, theirs)]
    assert all(same) == (not ablation)


def test_attention_is_the_sum_that_equation_1_writes():
    q, k, v = torch.randn(4, 3), torch.randn(5, 3), torch.randn(5, 2)
    read, _ = attend(q, k, v)
    for i in range(4):
        scores = [
            math.exp(sum(q[i, c] * k[j, c] for c in range(3)) / math.sqrt(3)) for j in range(5)
        ]
        for c in range(2):
            expected = sum(s * float(v[j, c]) for j, s in enumerate(scores)) / sum(scores)
            assert float(read[i, c]) == pytest.approx(expected)


def give_layer(theirs, ours):
    give(theirs.self_attn, ours.attention)
    pairs = [(theirs.linear1, ours.inner), (theirs.linear2, ours.outer), (theirs.norm1, ours.norm)]
    if ours.cross_attention:
        give(theirs.multihead_attn, ours.cross_attention)
        pairs += [(theirs.norm2, ours.cross_norm), (theirs.norm3, ours.last_norm)]
    else:
        pairs += [(theirs.norm2, ours.last_norm)]
    for module, own in pairs:
        module.load_state_dict(own.state_dict())
    return [(own, module) for module, own in pairs]


@pytest.mark.parametrize("crosses", [False, True])
def test_layers_have_the_values_and_gradients_of_torch(crosses):
    ours = Layer(D_FF, heads(), heads() if crosses else None)
    for norm in (ours.norm, ours.last_norm):
        nn.init.normal_(norm.weight)
    kind = nn.TransformerDecoderLayer if crosses else nn.TransformerEncoderLayer
    theirs = kind(D_MODEL, N_HEADS, D_FF, dropout=0.0, batch_first=True)
    shared = give_layer(theirs, ours)
    x, memory = torch.randn(2, 5, D_MODEL), torch.randn(2, 7, D_MODEL)
    mask, memory_mask = torch.ones(5, 5, dtype=torch.bool).tril(), masked(7, 5)
    if crosses:
        own = ours(x, mask, memory, memory_mask)
        other = theirs(x, memory, tgt_mask=~mask, memory_mask=~memory_mask)
    else:
        own, other = ours(x, mask), theirs(x, src_mask=~mask)
    torch.testing.assert_close(own, other)
    own.pow(3).sum().backward()
    other.pow(3).sum().backward()
    for part, theirs_part in shared:
        torch.testing.assert_close(part.weight.grad, theirs_part.weight.grad)
        torch.testing.assert_close(part.bias.grad, theirs_part.bias.grad)
    for mine, its in gradients_of_heads(ours.attention, theirs.self_attn):
        torch.testing.assert_close(mine, its)


def test_positions_are_the_sines_of_section_3_5():
    table = sinusoids(50, 6)
    for position, i in itertools.product((0, 1, 49), range(3)):
        angle = position / 10_000 ** (2 * i / 6)
        assert float(table[position, 2 * i]) == pytest.approx(math.sin(angle))
        assert float(table[position, 2 * i + 1]) == pytest.approx(math.cos(angle))
    assert positions(Run(seed=0))["largest_error"] < 1e-9
    assert positions(Run(seed=0), table="random")["largest_error"] > 0.1


def small(vocab_size=9, **options):
    model = Transformer(vocab_size, D_MODEL, d_ff=D_FF, n_heads=N_HEADS, n_layers=2, **options)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.5 * torch.randn_like(weight)
    return model.eval()


@pytest.mark.parametrize("build", [small, lambda: RecurrentTranslator(9, 6, n_layers=2)])
def test_no_word_depends_on_later_ones_nor_on_padding(build):
    model = build()
    source, target = torch.randint(UNK, 9, (2, 5)), torch.randint(UNK, 9, (2, 6))
    logits = model(source, target)
    changed = target.clone()
    changed[:, 4:] = UNK
    torch.testing.assert_close(model(source, changed)[:, :4], logits[:, :4])
    assert not torch.allclose(model(source, changed)[:, 4:], logits[:, 4:])
    padded = F.pad(source, (0, 3), value=PAD)
    torch.testing.assert_close(model(padded, target), logits)
    assert not torch.allclose(model(padded.where(padded != PAD, UNK), target), logits)


def test_without_positions_a_reader_cannot_tell_the_order_of_its_tokens():
    for known in (True, False):
        reader = task.Reader(D_MODEL, heads(), positions=known)
        tokens = torch.randint(task.VOCAB_SIZE, (1, task.SEQ_LEN))
        shuffled = torch.randperm(task.SEQ_LEN)
        maps, moved = reader.maps(tokens), reader.maps(tokens[:, shuffled])
        assert torch.allclose(maps[..., shuffled, :][..., shuffled], moved) == (not known)


def test_the_recurrent_baseline_is_the_same_step_by_step():
    one, other = (RecurrentTranslator(9, 6, stepwise=stepwise) for stepwise in (False, True))
    other.load_state_dict(one.state_dict())
    source, target = torch.randint(UNK, 9, (2, 5)), torch.randint(UNK, 9, (2, 4))
    torch.testing.assert_close(one(source, target), other(source, target))


def test_a_beam_that_holds_every_sentence_finds_the_best_one_and_greedy_does_not():
    texts = [
        [*words, EOS][:3]
        for n in range(4)
        for words in itertools.product(range(UNK, UNK + 4), repeat=n)
    ]
    rows = torch.tensor([text + [PAD] * (3 - len(text)) for text in texts])
    missed = 0
    for seed in range(20):
        torch.manual_seed(seed)
        model, source = small(UNK + 4), torch.randint(UNK, UNK + 4, (1, 5))
        logits = model(source.expand(len(rows), -1), F.pad(rows[:, :-1], (1, 0), value=BOS))
        log_p = logits.log_softmax(-1).gather(-1, rows[..., None]).squeeze(-1)
        n_words = (rows != PAD).sum(1)
        scores = log_p.where(rows != PAD, 0.0).sum(1) / ((5 + n_words) / 6) ** PENALTY
        words, score = beam_search(model, source, width=len(rows), max_len=3)
        torch.testing.assert_close(score, scores.max()[None])
        assert (words[0] == rows[scores.argmax()]).all()
        _, greedy = beam_search(model, source, width=1, max_len=3)
        missed += bool(greedy < scores.max() - 1e-6)
    assert missed


def test_numbers_are_spelled():
    assert spell(347, ENGLISH) == ["three", "hundred", "forty", "seven"]
    assert spell(347, GERMAN) == ["drei", "hundert", "sieben", "und", "vierzig"]
    assert spell(300, GERMAN) == ["drei", "hundert"]
    assert spell(512, ENGLISH) == ["five", "hundred", "twelve"]
    assert spell(980, GERMAN) == ["neun", "hundert", "achtzig"]
    for lexicon in (ENGLISH, GERMAN):
        assert len({tuple(spell(n, lexicon)) for n in range(100, 1000)}) == 900


def test_no_number_that_is_tested_is_seen_in_training_and_every_word_is():
    train, short, long = number_lists(np.random.default_rng(1), 3, 200)
    known = {word for pair in train for side in pair for word in side}
    lists = {tuple(source) for source, _ in train}
    assert not lists & {tuple(source) for source, _ in short}
    assert {word for pair in short + long for side in pair for word in side} <= known
    words = Vocabulary(train)
    source, target = next(words.batches(train, 16)(torch.Generator().manual_seed(0)))
    assert len(source) == len(target) == 16
    assert (target[:, 0] == BOS).all()
    assert ((target == EOS).sum(1) == 1).all()
    assert UNK not in torch.cat([source.flatten(), target.flatten()])


def test_the_floor_is_what_can_be_said_without_the_source():
    pairs = [(["x"], ["a", "b"]), (["y"], ["a", "c"]), (["z"], ["a", "b"])]
    assert floor(pairs, pairs) == pytest.approx((3 + 2 + 3) / 9)


class _Oracle(nn.Module):
    """Says the right words, each with certainty."""

    def __init__(self, target, size):
        super().__init__()
        self.target, self.size = target, size

    def encode(self, source):
        return source.double()[..., None]

    def decode(self, target, memory, source):
        truth = self.target.repeat_interleave(len(target) // len(self.target), 0)
        said = F.pad(truth, (0, 50), value=PAD)[:, 1 : target.shape[1] + 1]
        return 50.0 * F.one_hot(said, self.size).double()

    def forward(self, source, target):
        return self.decode(target, self.encode(source), source)


def test_a_translator_that_is_right_is_found_right():
    pairs = number_lists(np.random.default_rng(1), 2, 5)[2]
    words = Vocabulary(pairs)
    oracle = _Oracle(words.encode(pairs)[1], words.size)
    assert (
        exact(Run(seed=0), oracle, words, pairs) == forced(Run(seed=0), oracle, words, pairs) == 1
    )
    oracle.target = oracle.target.clone()
    oracle.target[0, 1] = UNK
    assert exact(Run(seed=0), oracle, words, pairs) == 0.8
    assert 0.8 < forced(Run(seed=0), oracle, words, pairs) < 1


def test_smoothing_spreads_a_share_of_every_target_over_all_words():
    source, target = torch.tensor([[4, 5]]), torch.tensor([[BOS, 4, EOS, PAD]])
    model = small()
    log_p = model(source, target[:, :-1]).log_softmax(-1)[0]
    truth = F.one_hot(torch.tensor([4, EOS]), 9) * 0.9 + 0.1 / 9
    expected = -(truth * log_p[:2]).sum(-1).mean()
    loss = smoothed_loss(model, (source, target), smoothing=0.1)
    torch.testing.assert_close(loss, expected)


def test_the_schedule_is_equation_3():
    """Whose largest value, at the end of the warm-up, is 1 here."""
    factor, steps, warmup = warmup_inverse_sqrt(0.1), 1000, 100
    for step in (1, 50, 100, 101, 400, 999):
        expected = min(step**-0.5, step * warmup**-1.5) / warmup**-0.5
        assert factor(step / steps) == pytest.approx(expected)


def test_the_base_model_has_as_many_parameters_as_its_dimensions_say():
    d, d_ff, n_layers, vocab_size = 512, 2048, 6, 37_000
    attention, norm, feed_forward = 4 * d * d, 2 * d, 2 * d * d_ff + d_ff + d
    layers = n_layers * (3 * attention + 5 * norm + 2 * feed_forward)
    assert base_model(Run(seed=0))["parameters"] == vocab_size * d + layers
    assert base_model(Run(seed=0), tied=False)["parameters"] == 3 * vocab_size * d + layers


def test_costs_have_the_slopes_of_table_1():
    torch.set_default_dtype(torch.float32)
    quadratic, linear = cost(Run(seed=0)), cost(Run(seed=0), attention="linear")
    assert quadratic["flops_slope"] == pytest.approx(2)
    assert linear["flops_slope"] == pytest.approx(1)


def test_times_are_taken_in_turn():
    torch.set_default_dtype(torch.float32)
    for places in ("together", "one-by-one"):
        timed = speed(
            Run(seed=0), places=places, d_model=8, d_recurrent=8, seq_len=4, batch_size=2, repeats=3
        )
        assert all(len(each) == 3 and min(each) > 0 for each in timed.values())


def test_one_map_serves_none_of_four_places_by_more_than_a_quarter():
    tokens, wanted = task.draw(4, "four", torch.Generator().manual_seed(0))
    for row, place in ((0, task.EDGE), (3, task.SEQ_LEN - task.EDGE - 1)):
        assert wanted[row, place - task.EDGE].tolist() == [
            tokens[row, place - o] for o in task.FOUR
        ]
    places = torch.arange(task.SEQ_LEN)
    sharp = torch.stack([F.one_hot((places - o) % task.SEQ_LEN, task.SEQ_LEN) for o in task.FOUR])
    sharp = sharp[None].double()
    assert task.least_served(sharp) == 1
    assert task.least_served(sharp.mean(1, keepdim=True)) == 0.25
    assert task.least_served(sharp[:, :3]) == 0
    assert task.distance(sharp) == 1  # no place in common
    assert task.distance(sharp[:, [0, 0, 0]]) == task.distance(sharp[:, :1]) == 0


def test_the_distance_of_maps_is_scipy_s():
    maps = torch.rand(1, 2, 1, 6).softmax(-1)
    expected = jensenshannon(*maps[0, :, 0].numpy(), base=2)
    assert task.distance(maps) == pytest.approx(expected)
