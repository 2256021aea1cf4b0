"""Grokking: tables of equations, the quadratic network against NumPy, a rule against its sum."""

import base64
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from paperbench.lab import Run
from paperbench.papers.grokking.equations import shortcut_accuracy, split, write_equations
from paperbench.papers.grokking.experiments import table
from paperbench.papers.grokking.model import (
    QuadraticNet,
    Transformer,
    fourier_share,
    one_hot,
    write_rule,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("operation", "holds"),
    [
        ("subtract", lambda a, b, c: (b + c) % 7 == a),
        ("divide", lambda a, b, c: b * c % 7 == a),
        ("first", lambda a, b, c: c == a),
    ],
)
def test_every_equation_of_an_operation_holds_and_stands_there_once(operation, holds):
    equations = write_equations(7, operation, generator())
    triples = [
        (*pair, c)
        for pair, c in zip(equations.pairs.tolist(), equations.results.tolist(), strict=True)
    ]
    assert all(holds(*triple) for triple in triples)
    assert (
        len({(a, b) for a, b, _ in triples})
        == len(triples)
        == (42 if operation == "divide" else 49)
    )


def test_random_results_follow_the_seed_and_no_rule():
    first, again, other = (
        write_equations(43, "random", generator(seed)).results for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert (first == other).double().mean() < 0.05
    assert first.bincount(minlength=43).min() > 0


def test_what_is_tested_was_not_trained_on_and_all_is_used():
    equations = write_equations(11, "subtract", generator())
    train, test = split(equations, 0.6, generator(3))
    seen, asked = ({tuple(pair) for pair in part.pairs.tolist()} for part in (train, test))
    assert not seen & asked
    assert len(seen) == round(0.6 * 121)
    assert len(seen | asked) == 121
    assert torch.equal((train.pairs[:, 0] - train.pairs[:, 1]) % 11, train.results)


def test_the_shortcut_knows_what_one_operand_tells():
    equations = write_equations(11, "first", generator())
    assert shortcut_accuracy(*split(equations, 0.6, generator())) == 1.0
    equations = write_equations(43, "subtract", generator())
    assert shortcut_accuracy(*split(equations, 0.6, generator())) < 0.06


def test_the_quadratic_network_has_the_logits_and_gradients_of_numpy():
    network = Run(seed=0).build(lambda: QuadraticNet(7, 5).double())
    equations = write_equations(7, "subtract", generator())
    loss = F.cross_entropy(network(equations.pairs), equations.results)
    loss.backward()

    first, second, readout = (each.detach().numpy() for each in network.parameters())
    pairs, results = equations.pairs.numpy(), equations.results.numpy()
    total = first[pairs[:, 0]] + second[pairs[:, 1]]
    logits = total**2 @ readout
    shifted = logits - logits.max(1, keepdims=True)
    chances = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    assert loss.item() == pytest.approx(-np.log(chances[range(49), results]).mean(), rel=1e-12)
    delta = (chances - np.eye(7)[results]) / 49
    from_square = 2 * total * (delta @ readout.T)
    expected = np.zeros_like(first), np.zeros_like(second), (total**2).T @ delta
    for row, (a, b) in enumerate(pairs):
        expected[0][a] += from_square[row]
        expected[1][b] += from_square[row]
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), gradient, rtol=1e-10, atol=1e-14)


def test_the_transformer_is_torchs_own_layers_with_the_same_weights():
    network = Run(seed=0).build(lambda: Transformer(7, 8, n_layers=2, n_heads=2).double())
    equations = write_equations(7, "subtract", generator())
    pairs = equations.pairs
    symbols = torch.stack([pairs[:, 0], torch.full((49,), 7), pairs[:, 1], torch.full((49,), 8)], 1)
    x = network.symbols[symbols] + network.positions
    parameters = list(network.parameters())
    for layer in network.layers:
        other = torch.nn.TransformerEncoderLayer(
            8, 2, 32, dropout=0.0, batch_first=True, norm_first=True, dtype=torch.double
        )
        state = {
            "self_attn.in_proj_weight": layer.query_key_value.weight,
            "self_attn.in_proj_bias": torch.zeros(24, dtype=torch.double),
            "self_attn.out_proj.weight": layer.merge.weight,
            "self_attn.out_proj.bias": torch.zeros(8, dtype=torch.double),
            "linear1.weight": layer.inner.weight,
            "linear1.bias": layer.inner.bias,
            "linear2.weight": layer.outer.weight,
            "linear2.bias": layer.outer.bias,
            "norm1.weight": layer.norms[0].weight,
            "norm1.bias": layer.norms[0].bias,
            "norm2.weight": layer.norms[1].weight,
            "norm2.bias": layer.norms[1].bias,
        }
        mask = torch.nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.double)
        x = torch.func.functional_call(other, state, (x,), {"src_mask": mask})
    expected = network.readout(network.norm(x[:, -1]))
    logits = network(pairs)
    torch.testing.assert_close(logits, expected)
    ours, theirs = (
        torch.autograd.grad(F.cross_entropy(each, equations.results), parameters)
        for each in (logits, expected)
    )
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other)


def test_one_hot_is_torchs():
    symbols = torch.tensor([[2, 0], [1, 4]])
    assert torch.equal(one_hot(symbols, 5, torch.float32), F.one_hot(symbols, 5).float())


def test_the_share_of_the_strongest_frequency():
    angles = 2 * math.pi / 43 * torch.arange(43).double()
    pure = torch.stack([torch.cos(3 * angles) + 5.0, torch.sin(20 * angles)], 1)
    assert fourier_share(pure) == pytest.approx(1.0)
    two = (2 * torch.cos(3 * angles) + torch.cos(4 * angles))[:, None]
    assert fourier_share(two) == pytest.approx(0.8)
    noise = torch.randn(43, 500, generator=generator())
    assert 0.1 < fourier_share(noise) < 0.25


def test_the_written_rule_answers_everything_and_fits_as_many_frequencies_as_there_is_room_for():
    equations = write_equations(13, "subtract", generator())
    network = QuadraticNet(13, 20).double()
    write_rule(network)
    assert torch.equal(network(equations.pairs).argmax(-1), equations.results)
    assert int((network.first.detach().abs().sum(0) > 0).sum()) == 18
    with pytest.raises(ValueError, match="8 units hold 0 of 6 frequencies"):
        write_rule(QuadraticNet(13, 8))
    with pytest.raises(ValueError, match="63 units hold 7 of 6 frequencies"):
        write_rule(QuadraticNet(13, 63))


def test_times_that_do_not_come_are_the_budget():
    metrics = table(Run(seed=0), p=11, d_model=8, n_steps=10)
    assert metrics["memorised_at"] == metrics["generalised_at"] == 10.0
    assert metrics["test_acc_when_memorised"] == metrics["test_acc"]


def test_a_rule_of_one_operand_is_generalised_without_decay():
    run = Run(seed=5)
    metrics = table(
        run, p=11, d_model=32, operation="first", weight_decay=0.0, n_steps=150, train_fraction=0.8
    )
    assert metrics["test_acc"] > 0.95
    assert metrics["generalised_at"] < 150
    assert run.budget["examples"] == 150 * round(0.8 * 121)


def test_the_transformer_looks_where_torchs_attention_does(monkeypatch):
    network = Run(seed=0).build(lambda: Transformer(7, 8, n_layers=2, n_heads=2).double())
    pairs = write_equations(7, "subtract", generator()).pairs
    theirs, attention = [], F.scaled_dot_product_attention

    def with_identity(q, k, v, **options):  # reading the identity gives the weights
        theirs.append(attention(q, k, torch.eye(4).double().expand(*v.shape[:-1], 4), **options))
        return attention(q, k, v, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", with_identity)
    network(pairs)
    expected = torch.stack(theirs, 1).detach()
    torch.testing.assert_close(network.looks(pairs), expected)


def kept(name, run):
    return np.frombuffer(base64.b64decode(run.kept[name]["float32"]), "<f4").reshape(
        run.kept[name]["shape"]
    )


def test_a_run_keeps_how_sure_it_is_when_it_has_memorised_and_in_the_end():
    run = Run(seed=0)
    metrics = table(run, p=11, d_model=64, n_steps=150)
    assert metrics["memorised_at"] < 150
    memorised, at_end = kept("answers", run)
    # A probability above a half is a right answer; at both times as many as the curves say.
    shown, asked = round(0.6 * 121), 121 - round(0.6 * 121)
    for sure, train_acc, test_acc in (
        (memorised, 0.99, metrics["test_acc_when_memorised"]),
        (at_end, metrics["train_acc"], metrics["test_acc"]),
    ):
        assert (sure > 0.5).sum() <= shown + test_acc * asked
        assert (sure > 1 / 11).sum() >= 0.9 * train_acc * shown
    assert not np.array_equal(kept("vectors when memorised", run), kept("vectors", run))


def test_a_transformer_keeps_the_same_equations_at_both_times():
    run = Run(seed=0)
    table(run, p=11, d_model=8, n_steps=4, network="transformer", operation="divide")
    names = [name for name in run.kept if name.startswith("attention/")]
    assert len(names) == 8
    for when in ("memorised", "in the end"):
        assert sum(name.endswith(f"(shown), {when}") for name in names) == 2
        assert sum(name.endswith(f"(not shown), {when}") for name in names) == 2
    for name in names:
        each = run.kept[name]
        assert each["queries"][1::2] == ["∘", "="]
        assert each["shape"] == [2, 4, 4, 4]
    assert (kept("answers", run)[:, :, 0] == 0).all()  # there is no division by zero
