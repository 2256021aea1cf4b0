"""FoX: the folded attention against its definition, the recurrence, the tasks and their floors."""

import inspect
import math

import pytest
import torch
from torch.nn import functional as F

from paperbench.lab import Corpus, Run
from paperbench.papers.fox import attention as fox
from paperbench.papers.fox.experiments import language_model, last_write, overhead, recurrence
from paperbench.papers.fox.last_write import (
    NOT_ASKED,
    READ,
    Streams,
    draw_streams,
    shortcut_accuracy,
)
from paperbench.papers.fox.model import ForgetGate, LanguageModel
from paperbench.papers.fox.text import (
    Text,
    bigram_loss,
    periodic_text,
    read,
    tokenise,
    unigram_loss,
)

TINY = {
    "d_model": 16,
    "n_layers": 2,
    "n_heads": 2,
    "seq_len": 8,
    "batch_size": 4,
    "steps": 3,
    "eval_tokens": 256,
}


# The attention


def random_inputs(seq_len, *, dtype=torch.float64, d_head=8, seed=0):
    """q, k, v, log f, and a direction to differentiate along; gates from about .3 to .99."""
    generator = torch.Generator().manual_seed(seed)
    q, k, v, direction = (
        torch.randn(2, 3, seq_len, d_head, generator=generator, dtype=dtype) for _ in range(4)
    )
    log_forget = F.logsigmoid(
        2 + 1.5 * torch.randn(2, 3, seq_len, generator=generator, dtype=dtype)
    )
    return q, k, v, log_forget, direction


def output_and_gradients(attention, inputs, dtype=torch.float64):
    *parts, direction = (part.to(dtype) for part in inputs)
    parts = [part.requires_grad_() for part in parts]
    output = attention(*parts)
    return [output.detach(), *torch.autograd.grad(output, parts, direction)]


def attend_by_loops(q, k, v, log_forget):
    """Every weight from the definition: a product of gates, exp, a sum. No matrix, no log."""
    forget, out = log_forget.exp(), torch.zeros_like(v)
    for b, h, i in torch.cartesian_prod(*(torch.arange(n) for n in q.shape[:3])).tolist():
        weights = [
            torch.exp(q[b, h, i] @ k[b, h, j] / math.sqrt(q.shape[-1]))
            * forget[b, h, j + 1 : i + 1].prod()
            for j in range(i + 1)
        ]
        out[b, h, i] = sum(w * v[b, h, j] for j, w in enumerate(weights)) / sum(weights)
    return out


def relative_error(got, expected):
    return max(
        float((a.double() - b).norm() / b.norm()) for a, b in zip(got, expected, strict=True)
    )


def test_the_definition_is_a_product_of_gates():
    q, k, v, log_forget, _ = random_inputs(6)
    torch.testing.assert_close(
        fox.naive_forgetting_attention(q, k, v, log_forget), attend_by_loops(q, k, v, log_forget)
    )


def test_folding_changes_neither_the_value_nor_a_gradient():
    inputs = random_inputs(33)
    expected = output_and_gradients(fox.naive_forgetting_attention, inputs)
    assert relative_error(output_and_gradients(fox.forgetting_attention, inputs), expected) < 1e-12


@pytest.mark.parametrize("seq_len", [256, 1024])
def test_float32_stays_near_the_float64_oracle(seq_len):
    inputs = random_inputs(seq_len, d_head=16)
    expected = output_and_gradients(fox.naive_forgetting_attention, inputs)
    got = output_and_gradients(fox.forgetting_attention, inputs, torch.float32)
    assert relative_error(got, expected) < 1e-5


def test_the_oracle_rejects_open_gates_and_a_gate_after_the_softmax():
    q, k, v, log_forget, direction = random_inputs(33)
    inputs = q, k, v, log_forget, direction
    expected = fox.naive_forgetting_attention(q, k, v, log_forget)
    open_gates = fox.forgetting_attention(q, k, v, None)
    after_softmax = open_gates * log_forget.exp()[..., None]
    assert relative_error([open_gates], [expected]) > 0.1
    assert relative_error([after_softmax], [expected]) > 0.1
    late = output_and_gradients(
        lambda q, k, v, g: fox.naive_forgetting_attention(q, k, v, g.roll(1, -1)), inputs
    )
    assert relative_error(late[:1], [expected]) > 0.01


def test_open_gates_are_plain_attention():
    q, k, v, log_forget, _ = random_inputs(9)
    torch.testing.assert_close(
        fox.forgetting_attention(q, k, v, torch.zeros_like(log_forget)),
        F.scaled_dot_product_attention(q, k, v, is_causal=True),
    )


def test_closed_gates_see_only_themselves():
    q, k, v, log_forget, _ = random_inputs(9)
    closed = torch.full_like(log_forget, -200.0)
    torch.testing.assert_close(fox.forgetting_attention(q, k, v, closed), v)


def test_the_running_sum_is_exact_where_float32_is_not():
    log_forget = F.logsigmoid(torch.randn(4096, generator=torch.Generator().manual_seed(0)))
    exact = log_forget.double().cumsum(-1)
    exact = exact - exact.mean()
    ours = (fox.centred_cumulative(log_forget) - exact).abs().max()
    plain = log_forget.cumsum(-1)
    theirs = ((plain - plain.mean()) - exact).abs().max()
    assert ours < 1e-4 < theirs


def plain_attention(q, k, v, log_forget):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True) + 0 * log_forget[..., None]


@pytest.mark.parametrize(("dtype", "strong"), [(torch.bfloat16, 200), (torch.float16, 20)])
def test_in_sixteen_bits_the_gates_are_as_exact_as_the_rest(dtype, strong):
    inputs = [part.to(dtype) for part in random_inputs(1024, d_head=16)]
    inputs[3][..., 1:512] -= strong  # its sums need three parts in bfloat16

    def errors(attention, oracle):
        pairs = zip(
            output_and_gradients(attention, inputs, dtype),
            output_and_gradients(oracle, inputs),
            strict=True,
        )
        return [relative_error([got], [expected]) for got, expected in list(pairs)[:4]]

    ours = errors(fox.forgetting_attention, fox.naive_forgetting_attention)
    assert max(ours) < 2 * max(errors(plain_attention, plain_attention))
    one_part = errors(
        lambda q, k, v, g: fox.forgetting_attention(q, k, v, rounded_steps(g)),
        fox.naive_forgetting_attention,
    )
    assert min(one_part) > 10 * max(ours)


def rounded_steps(log_forget):
    """Gates whose running sum is what 16 bits hold of it: one part instead of three."""
    sums = fox.centred_cumulative(log_forget).to(log_forget.dtype).double()
    return sums.diff(dim=-1, prepend=torch.zeros_like(sums[..., :1]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("gate", ["data", "fixed", "foreign", "open"])
def test_replicates_together_are_each_alone(gate):
    models = [
        Run(seed=seed).build(
            lambda: LanguageModel(11, d_model=16, n_layers=2, n_heads=2, gate=gate)
        )
        for seed in range(3)
    ]
    tokens = torch.randint(11, (3, 4, 10), generator=torch.Generator().manual_seed(0))

    def loss(parameters, tokens):
        logits = torch.func.functional_call(models[0], parameters, (tokens[:, :-1],))
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    stacked, _ = torch.func.stack_module_state(models)
    together = torch.func.vmap(loss, randomness="different")(stacked, tokens)
    together.sum().backward()
    inside, _ = torch.func.vmap(torch.func.grad_and_value(loss), randomness="different")(
        {name: x.detach() for name, x in stacked.items()}, tokens
    )
    for i, model in enumerate(models):
        alone = loss(dict(model.named_parameters()), tokens[i])
        alone.backward()
        torch.testing.assert_close(together[i], alone)
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(stacked[name].grad[i], parameter.grad, msg=name)
            torch.testing.assert_close(inside[name][i], parameter.grad, msg=name)


# The recurrence


def decode(model, tokens, **options):
    logits, states = [], None
    for token in tokens.T:
        step, states = model.step(token, states, **options)
        logits.append(step)
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "linear"},
        {},
        {"gate": "fixed"},
        {"gate": "open", "position": "rope"},
        {"position": "rope"},
    ],
)
@torch.no_grad()
def test_decoding_gives_the_logits_of_the_whole(options):
    model = Run(seed=0).build(
        lambda: LanguageModel(11, d_model=16, n_layers=2, n_heads=2, **options)
    )
    tokens = torch.randint(11, (2, 24), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(decode(model, tokens), model(tokens), atol=1e-5, rtol=1e-4)


def test_linear_attention_is_its_decayed_sum():
    q, k, v, log_forget, _ = random_inputs(7)
    features_q, features_k = F.elu(q) + 1, F.elu(k) + 1
    weights = torch.stack(
        [
            torch.stack(
                [
                    (features_q[..., i, :] * features_k[..., j, :]).sum(-1)
                    * log_forget[..., j + 1 : i + 1].sum(-1).exp()
                    if j <= i
                    else torch.zeros_like(q[..., 0, 0])
                    for j in range(7)
                ],
                dim=-1,
            )
            for i in range(7)
        ],
        dim=-2,
    )
    torch.testing.assert_close(
        fox.linear_attention(q, k, v, log_forget), weights / weights.sum(-1, keepdim=True) @ v
    )


def test_the_recurrence_holds_and_forgetting_late_does_not():
    options = {"instances": 3, "n_tokens": 12}
    good = recurrence(Run(seed=0), **options)
    late = recurrence(Run(seed=0), order="write-first", **options)
    assert good["max_error"] < 1e-4
    assert late["max_error"] > 0.1


def test_only_the_linear_state_keeps_its_size():
    linear = recurrence(Run(seed=0), instances=1, n_tokens=4)
    softmax = recurrence(Run(seed=0), instances=1, n_tokens=4, attention="softmax")
    assert linear["state_bytes_16x"] == linear["state_bytes_1x"]
    assert softmax["state_bytes_16x"] == 16 * softmax["state_bytes_1x"]


# The model


def test_no_position_sees_what_follows():
    model = LanguageModel(11, d_model=16, n_layers=2, n_heads=2)
    tokens = torch.randint(11, (3, 12), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 8:] = (changed[:, 8:] + 1) % 11
    torch.testing.assert_close(model(tokens)[:, :8], model(changed)[:, :8])


def test_a_fixed_gate_is_the_data_gate_without_its_weights():
    data, fixed = ForgetGate(6, 3, "data"), ForgetGate(6, 3, "fixed")
    x = torch.randn(2, 5, 6)
    with torch.no_grad():
        data.projection.weight.zero_()
        data.projection.bias.copy_(torch.tensor([-1.0, 0.0, 3.0]))
        fixed.bias.copy_(data.projection.bias)
    torch.testing.assert_close(data(x), fixed(x))


def test_foreign_and_shuffled_gates_come_from_another_sequence():
    model = LanguageModel(11, d_model=16, n_layers=1, n_heads=2)
    gate, x = model.blocks[0].attention.gate, torch.randn(4, 5, 16)
    own = gate(x)
    with model.shuffled_gates():
        assert torch.equal(gate(x), own.roll(1, 0))
    assert torch.equal(gate(x), own)
    foreign = ForgetGate(16, 2, "foreign")
    foreign.load_state_dict(gate.state_dict())
    assert torch.equal(foreign(x), own.roll(1, 0))


def test_a_sequence_alone_in_its_batch_has_no_foreign_gates():
    gate = ForgetGate(6, 3, "foreign")
    with pytest.raises(ValueError, match="in a batch of 1 no other sequence gates a sequence"):
        gate(torch.randn(1, 5, 6))


class Doubter(torch.nn.Module):
    """Its logit of token 0 is the place in the window; that of token 1 is 0."""

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1], dtype=torch.float32)
        return torch.stack([places, torch.zeros_like(places)], -1).expand(*tokens.shape, 2)


def test_late_tokens_are_the_same_ones_in_windows_of_any_length():
    tokens = torch.arange(48) % 2
    short = read(Run(seed=0), Doubter(), tokens, tokens, 4, stretch=4)
    long = read(Run(seed=0), Doubter(), tokens, tokens, 8, stretch=4)

    def mean(places):
        losses = [math.log(math.exp(p) + 1) - (p if p % 2 == 0 else 0) for p in places]
        return sum(losses) / len(losses)

    assert short.all == pytest.approx(mean(range(4)), rel=1e-5)
    assert short.late == pytest.approx(mean([2, 3]), rel=1e-5)
    assert long.all == pytest.approx(mean(range(8)), rel=1e-5)
    assert long.late == pytest.approx(mean([2, 3, 6, 7]), rel=1e-5)


def test_arms_share_every_weight_that_both_have():
    def state(**options):
        return (
            Run(seed=3)
            .build(lambda: LanguageModel(11, d_model=16, n_layers=2, n_heads=2, **options))
            .state_dict()
        )

    gated, plain = state(), state(gate="open", position="rope")
    assert set(plain) < set(gated)
    assert all(torch.equal(gated[name], plain[name]) for name in plain)


@pytest.mark.parametrize("gate", ["data", "fixed", "foreign", "open"])
def test_every_parameter_gets_a_gradient(gate):
    model = LanguageModel(11, d_model=16, n_layers=2, n_heads=2, gate=gate)
    model(torch.randint(11, (3, 9))).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize(
    "options",
    [
        {"n_heads": 3},
        {"attention": "linear", "gate": "open"},
        {"attention": "linear", "position": "rope"},
    ],
)
def test_an_impossible_model_is_refused(options):
    with pytest.raises(ValueError, match="divide|linear attention"):
        LanguageModel(11, **{"d_model": 16, "n_layers": 1, "n_heads": 2, **options})


def test_the_overhead_is_counted_and_a_gate_per_channel_is_not_it():
    per_head = overhead(Run(seed=0), d_model=64, n_layers=2, n_heads=4, instances=5)
    per_channel = overhead(
        Run(seed=0), gate_per="channel", d_model=64, n_layers=2, n_heads=4, instances=5
    )
    assert per_head["overhead"] == 2 * 4 * 65
    assert per_head["overhead_error"] == 0
    assert per_channel["overhead_error"] > 0


# The tasks and their floors


def test_a_bigram_floor_is_the_entropy_of_a_markov_chain():
    generator = torch.Generator().manual_seed(0)
    stay = torch.rand(40_000, generator=generator) < 0.9
    chain = (~stay).long().cumsum(0) % 2  # flips with probability .1
    text = Text(chain[:20_000], chain[20_000:], 2)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    inputs, targets = text.valid[:-1], text.valid[1:]
    assert bigram_loss(text, inputs, targets) == pytest.approx(entropy, abs=0.01)
    assert unigram_loss(text, targets) == pytest.approx(math.log(2), abs=0.01)


def test_witten_bell_smoothing_sums_to_one():
    text = Text(torch.tensor([0, 1, 0, 2, 0, 1, 3]), torch.tensor([0]), 5)
    every = torch.arange(5)
    for before in range(5):  # 3 ends it, 4 is not in it
        inputs = torch.full((1,), before)
        total = sum(math.exp(-bigram_loss(text, inputs, each[None])) for each in every)
        assert total == pytest.approx(1)


def test_the_pairs_of_a_text_are_counted_once(monkeypatch):
    calls, unique = [], torch.unique
    monkeypatch.setattr(torch, "unique", lambda *x, **y: calls.append(1) or unique(*x, **y))
    ones, other = (periodic_text(torch.Generator().manual_seed(seed)) for seed in (1, 2))
    floors = [bigram_loss(text, text.valid[:-1], text.valid[1:]) for text in (ones, other, ones)]
    assert floors[0] == floors[2] != floors[1]
    assert len(calls) == 2


def test_characters_and_words_are_numbered_by_the_training_text():
    corpus = Corpus("a b\nb <unk>\n", "b new\n", "")
    words = tokenise(corpus, "word")
    assert words.vocab_size == 4  # <eos> <unk> a b
    assert words.train.tolist() == [2, 3, 0, 3, 1, 0]
    assert words.valid.tolist() == [3, 1, 0]
    assert tokenise(corpus, "character").vocab_size == len(set(corpus.train)) + 1


def test_a_window_is_followed_by_its_own_next_tokens():
    text = Text(torch.arange(50), torch.arange(5), 50)
    inputs, targets = next(text.windows(7, 30)(torch.Generator().manual_seed(0)))
    assert torch.equal(targets, inputs + 1)
    assert torch.equal(inputs, inputs[:, :1] + torch.arange(7))
    with pytest.raises(ValueError, match="window"):
        text.windows(50, 1)


def test_the_periodic_text_repeats_and_a_bigram_cannot_learn_it():
    text = periodic_text(torch.Generator().manual_seed(0))
    assert torch.equal(text.train[:-40], text.train[40:])
    assert bigram_loss(text, text.valid[:-1], text.valid[1:]) > 1


def test_answers_are_the_latest_write():
    streams = draw_streams(torch.Generator().manual_seed(0), 5, 40, write=0.2, read=0.3)
    for tokens, answers in zip(streams.tokens.tolist(), streams.answers.tolist(), strict=True):
        latest = None
        for token, answer in zip(tokens, answers, strict=True):
            latest = token if token < 8 else latest
            assert answer == (latest if token == READ else NOT_ASKED)


@pytest.mark.parametrize(
    ("tokens", "answers", "score"),
    [
        ([[1, READ, 2, READ]], [[NOT_ASKED, 1, NOT_ASKED, 2]], 1.0),  # the most recent symbol
        ([[1, 8 + 3, READ, 8 + 4, READ]], [[NOT_ASKED, NOT_ASKED, 1, NOT_ASKED, 1]], 1.0),
        (
            [[1, 2, 8 + 5, READ, 1, 8 + 6, READ]],  # written twice: 1
            [[NOT_ASKED, NOT_ASKED, NOT_ASKED, 2, NOT_ASKED, NOT_ASKED, 1]],
            0.5,
        ),
    ],
)
def test_the_shortcut_is_the_best_memoryless_reader(tokens, answers, score):
    assert shortcut_accuracy(Streams(torch.tensor(tokens), torch.tensor(answers))) == score


# The experiments


def smoke_text(**options):
    return language_model(Run(seed=0, data_names=["python-docs"]), **{**TINY, **options})


def smoke_writes(seed=0, **options):
    return last_write(Run(seed=seed), **{"steps": 3, "eval_streams": 8, "seq_len": 16, **options})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gate": "open", "position": "rope"},
        {"gate": "open"},
        {"gate": "fixed"},
        {"gate": "foreign"},
        {"position": "rope"},
        {"data": "periodic"},
    ],
)
def test_every_arm_on_text_runs(options):
    metrics = smoke_text(**options)
    assert all(math.isfinite(value) for value in metrics.values())
    assert metrics["val_ppl"] == pytest.approx(math.exp(metrics["val_loss"]))


def test_shuffling_changes_nothing_for_gates_that_do_not_depend_on_the_input():
    fixed, data = smoke_text(gate="fixed"), smoke_text()
    assert fixed["loss_shuffled_gates"] == fixed["val_loss"]
    assert data["loss_shuffled_gates"] != data["val_loss"]


def test_too_short_a_validation_text_is_an_error():
    with pytest.raises(ValueError, match="shorter than 128"):
        smoke_text(eval_tokens=100)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    assert smoke_writes() == smoke_writes()
    assert smoke_writes() != smoke_writes(seed=1)
    assert smoke_text() == smoke_text()
    assert smoke_text() != smoke_text(gate="foreign")
    assert smoke_writes() != smoke_writes(gate="foreign")


def test_arms_have_the_same_budget():
    def budget(**options):
        run = Run(seed=0)
        last_write(run, steps=2, eval_streams=2, **options)
        return run.budget

    data, fixed, open_ = budget(), budget(gate="fixed"), budget(gate="open")
    for other in (fixed, open_):
        assert data["parameters"] == pytest.approx(other["parameters"], rel=0.01)
        assert data["flops"] == pytest.approx(other["flops"], rel=0.05)
        assert (data["examples"], data["steps"]) == (other["examples"], other["steps"])


@pytest.mark.parametrize("experiment", [language_model, last_write, overhead, recurrence])
def test_the_metrics_are_those_registered(experiment):
    small = {
        "steps": 1,
        "eval_streams": 2,
        "instances": 1,
        "n_tokens": 2,
        "seq_len": 8,
        "eval_tokens": 128,
        "d_model": 16,
        "n_layers": 1,
        "n_heads": 2,
    }
    known = inspect.signature(experiment).parameters
    metrics = experiment(
        Run(seed=0, data_names=["python-docs"]),
        **{name: value for name, value in small.items() if name in known},
    )
    assert set(metrics) == set(experiment.experiment_metrics)
