import base64
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from paperbench.lab import Run
from paperbench.papers.mlp_1986 import model, tasks
from paperbench.papers.mlp_1986.experiments import THRESHOLD_UNIT, boolean, family, gradient
from paperbench.papers.mlp_1986.measures import (
    antisymmetry,
    explained_by_one_unit,
    is_powers_of_two,
    is_right,
    share_right,
    shortcut_accuracy,
)
from paperbench.papers.mlp_1986.tasks import PEOPLE, RELATIONS, all_patterns, family_facts


def rng(seed=0):
    return np.random.default_rng(seed)


def random_net(sizes=(4, 5, 3), nets=2):
    weights = model.initial_weights(rng(), nets, sizes, 1.0)
    return weights, rng(1).normal(size=(6, sizes[0])), rng(2).dirichlet(np.ones(sizes[-1]), 6)


def in_torch(w, net):
    """One net's weights as linear layers of torch, in double precision."""
    layers = []
    for each in w:
        layer = nn.Linear(each.shape[1] - 1, each.shape[2], dtype=torch.float64)
        layer.weight.data = torch.tensor(each[net, 1:].T)
        layer.bias.data = torch.tensor(each[net, 0])
        layers.append(layer)
    return layers


def output_and_loss(layers, x, targets):
    y = torch.tensor(x)
    for layer in layers:
        y = layer(y).sigmoid()
    return y, 0.5 * (y - torch.tensor(targets)).square().sum()


def ours(weights, x, targets):
    activities = model.forward(weights, x)
    errors, delta = model.squared_error(activities[-1], targets)
    return activities[-1], errors, model.backward(weights, activities, delta)


@pytest.mark.parametrize("sizes", [(4, 3), (4, 5, 3), (3, 4, 6, 2)])
def test_values_and_gradients_are_those_of_torch(sizes):
    weights, x, targets = random_net(sizes)
    y, errors, gradients = ours(weights, x, targets)
    for net in range(2):
        layers = in_torch(weights, net)
        output, loss = output_and_loss(layers, x, targets)
        loss.backward()
        np.testing.assert_allclose(y[net], output.detach(), rtol=1e-12)
        assert errors[net].sum() == pytest.approx(loss.item(), rel=1e-12)
        for found, layer in zip(gradients, layers, strict=True):
            np.testing.assert_allclose(found[net, 1:], layer.weight.grad.T, rtol=1e-10)
            np.testing.assert_allclose(found[net, 0], layer.bias.grad, rtol=1e-10)


def test_a_lenient_error_lets_go_within_a_fifth_of_the_target():
    y, targets = np.array([0.1, 0.3, 0.7, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])
    errors, delta = model.lenient_squared_error(y, targets)
    assert errors.tolist() == pytest.approx([0, 0.005, 0.005, 0])
    strict = model.squared_error(y, np.array([0.1, 0.2, 0.8, 0.9]))[1]
    np.testing.assert_allclose(delta, strict, atol=1e-12)


def test_fifty_sweeps_end_where_those_of_torch_do():
    weights, x, targets = random_net()
    layers = in_torch(weights, 0)
    steps = torch.optim.SGD([p for each in layers for p in each.parameters()], 0.1, momentum=0.9)
    rule, before = model.Momentum(0.1, 0.9), weights[0].copy()
    for _ in range(50):
        steps.zero_grad()
        output_and_loss(layers, x, targets)[1].backward()
        steps.step()
        rule.update(weights, ours(weights, x, targets)[2])
    assert np.abs(weights[0] - before).max() > 0.05
    for w, layer in zip(weights, layers, strict=True):
        np.testing.assert_allclose(w[0, 1:], layer.weight.detach().T, rtol=1e-10)
        np.testing.assert_allclose(w[0, 0], layer.bias.detach(), rtol=1e-10)


def test_momentum_remembers_and_decay_shrinks():
    """Equation (9), by hand."""
    w, gradient = [np.ones((1, 1, 1))], [np.full((1, 1, 1), 2.0)]
    rule = model.Momentum(0.1, 0.5, decay=0.01)
    rule.update(w, gradient)
    assert w[0].item() == pytest.approx((1 - 0.2) * 0.99)
    rule.update(w, gradient)
    assert w[0].item() == pytest.approx(((1 - 0.2) * 0.99 - 0.2 - 0.1) * 0.99)


def test_networks_of_a_run_know_nothing_of_each_other():
    weights, x, targets = random_net(nets=3)
    alone = [w[1:2].copy() for w in weights]
    for part in (weights, alone):
        rule = model.Momentum(0.1, 0.9)
        for _ in range(20):
            rule.update(part, ours(part, x, targets)[2])
    for w, one in zip(weights, alone, strict=True):
        np.testing.assert_allclose(w[1:2], one, rtol=1e-12)


def test_central_differences_of_a_square_are_its_slope_and_leave_it_as_it_was():
    w = rng().normal(size=(2, 3))
    before = w.copy()
    found = model.central_differences(lambda: float((w**2).sum()), w)
    np.testing.assert_allclose(found, 2 * before, rtol=1e-8)
    np.testing.assert_array_equal(w, before)


def test_symmetric_patterns_read_the_same_from_both_ends():
    patterns = all_patterns(6)
    assert len(patterns) == 64
    found = ["".join(str(int(bit)) for bit in row) for row in patterns]
    expected = [float(text == text[::-1]) for text in found]
    assert sum(expected) == 8
    np.testing.assert_array_equal(tasks.is_symmetric(patterns)[:, 0], expected)


def test_the_larger_half_and_exclusive_or():
    for row, larger, odd in zip(
        all_patterns(4),
        tasks.reads_larger(all_patterns(4)),
        tasks.is_odd(all_patterns(4)),
        strict=True,
    ):
        assert larger[0] == (2 * row[0] + row[1] > row[2] + 2 * row[3])
        assert odd[0] == sum(row) % 2


def best_threshold_accuracy(patterns, targets, sizes):
    """Balanced accuracy of the best threshold on any sum with weights of these sizes."""
    best = 0.0
    for w in itertools.product(sizes, repeat=patterns.shape[1]):
        total = patterns @ np.array(w)
        for bound in np.unique(total):
            for answers in (total <= bound, total >= bound):
                best = max(best, np.mean([(answers == t)[targets == t].mean() for t in (0, 1)]))
    return best


def test_one_threshold_is_right_on_three_quarters_and_no_more():
    patterns = all_patterns(2)
    assert best_threshold_accuracy(patterns, patterns.sum(1) % 2, range(-3, 4)) == THRESHOLD_UNIT
    patterns = all_patterns(4)
    symmetric = (patterns == patterns[:, ::-1]).all(1)
    assert best_threshold_accuracy(patterns, symmetric, range(-3, 4)) == THRESHOLD_UNIT
    patterns = all_patterns(6)
    passes = patterns @ [4, 2, 1, -1, -2, -4] <= 0
    symmetric = (patterns == patterns[:, ::-1]).all(1)
    assert passes[symmetric].all()
    assert (0.5 + 0.5 * (~passes[~symmetric]).mean()) == THRESHOLD_UNIT


def facts():
    person, relation, answers = family_facts()
    return {
        (PEOPLE[p], RELATIONS[r]): {PEOPLE[q] for q in np.flatnonzero(row)}
        for p, r, row in zip(person, relation, answers, strict=True)
    }


def test_there_are_104_facts_of_which_eight_have_two_answers():
    known = facts()
    assert len(known) == 104
    assert sorted(map(len, known.values())) == [1] * 96 + [2] * 8
    assert known["Colin", "father"] == {"James"}
    assert known["Colin", "aunt"] == {"Jennifer", "Margaret"}  # the paper's example
    assert known["Charles", "niece"] == {"Charlotte"}
    assert known["Arthur", "sister"] == {"Victoria"}
    assert known["Alfonso", "uncle"] == {"Emilio", "Tomaso"}
    assert ("Charles", "brother") not in known


def test_the_two_families_are_the_same_tree():
    known, counterpart = facts(), dict(zip(PEOPLE[:12], PEOPLE[12:], strict=True))
    for (person, relation), answers in known.items():
        if person in counterpart:
            assert known[counterpart[person], relation] == {counterpart[q] for q in answers}


@pytest.mark.parametrize(
    ("one", "other"),
    [("husband", "wife"), ("father mother", "son daughter"), ("uncle aunt", "nephew niece")],
)
def test_relations_go_both_ways(one, other):
    there, back = (
        {(p, q) for (p, r), answers in facts().items() if r in words.split() for q in answers}
        for words in (one, other)
    )
    assert there == {(q, p) for p, q in back}


def test_generation_is_one_more_than_the_father_s():
    generation = dict(zip(PEOPLE, tasks.GENERATION, strict=True))
    for (person, relation), answers in facts().items():
        if relation in ("father", "mother"):
            assert all(generation[q] == generation[person] - 1 for q in answers)
        if relation in ("husband", "wife", "brother", "sister"):
            assert all(generation[q] == generation[person] for q in answers)


MIRRORED = np.array([1.0, -2, 4, -4, 2, -1])


def units(*columns):
    return np.stack(columns, -1)[None]


def test_antisymmetry_is_one_for_mirrored_weights_and_minus_one_for_equal_ones():
    assert antisymmetry(units(MIRRORED)) == pytest.approx(1)
    assert antisymmetry(units(np.abs(MIRRORED))) == pytest.approx(-1)
    assert antisymmetry(units(MIRRORED, np.abs(MIRRORED))) == pytest.approx(-1)  # the worst
    assert antisymmetry(np.zeros((1, 6, 2))) == 0
    assert abs(antisymmetry(rng().normal(size=(4000, 6, 1))).mean()) < 0.02


def test_powers_of_two_are_seen_in_any_order_and_size_and_nothing_else_is():
    good = units(MIRRORED * 3, -MIRRORED[[1, 0, 2, 3, 5, 4]])
    assert is_powers_of_two(good)
    assert not is_powers_of_two(units(MIRRORED, np.array([1.0, 2, 3, -3, -2, -1])))
    assert not is_powers_of_two(units(np.abs(MIRRORED)))
    assert is_powers_of_two(units(MIRRORED * [1, 1.05, 1, 1, 1.05, 1]))
    assert not is_powers_of_two(units(MIRRORED * [1, 1.2, 1, 1, 1.2, 1]))


def test_a_feature_is_explained_by_the_unit_that_holds_it():
    noise = rng().normal(size=(1, 24, 3))
    noise[..., 1] = 5 - 2 * tasks.GENERATION
    assert explained_by_one_unit(noise, tasks.GENERATION) == pytest.approx(1)
    one = np.stack([np.ones(24), tasks.NATION + tasks.GENERATION], -1)[None]
    expected = np.corrcoef(tasks.NATION + tasks.GENERATION, tasks.NATION)[0, 1] ** 2
    assert explained_by_one_unit(one, tasks.NATION) == pytest.approx(expected)


def test_the_best_table_answers_what_is_commonest_under_its_heading():
    key, other = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 3])
    answers = np.eye(3)[[1, 1, 1, 2]]
    seen = np.array([[1, 1, 0, 1.0]])
    assert shortcut_accuracy([key, other], answers, seen) == 1
    assert shortcut_accuracy([other], answers, seen) == 0
    unlike = np.array([[1, 1, 1, 0.0]])
    assert shortcut_accuracy([key], answers, unlike) == 0


def test_any_of_several_answers_is_right():
    answers = np.array([[1.0, 1, 0], [0, 0, 1]])
    outputs = np.array([[[0.1, 0.3, 0.2], [0.9, 0, 0]], [[0.9, 0, 0], [0, 0, 0.1]]])
    np.testing.assert_array_equal(is_right(outputs, answers), [[1, 0], [1, 1]])
    assert share_right(outputs, answers, np.array([[1.0, 1], [0, 1]])) == pytest.approx(2 / 3)


def test_facts_held_out_are_not_trained_on(monkeypatch):
    """With the answers to them replaced, nothing changes but the test accuracy."""
    person, relation, answers = family_facts()
    rank = Run(seed=3).rng("held out").permuted(np.arange(104)[None], axis=1)[0]
    wrong = answers.copy()
    wrong[rank < 4] = np.roll(wrong[rank < 4], 1, axis=1)
    first = family(Run(seed=3), nets=1, sweeps=1500)
    monkeypatch.setattr(tasks, "family_facts", lambda: (person, relation, wrong))
    second = family(Run(seed=3), nets=1, sweeps=1500)
    assert first["train_acc"] == second["train_acc"] > 0.3
    assert first["nation_r2"] == second["nation_r2"]


def test_shuffled_answers_are_learned_by_heart_and_predict_nothing():
    """The control does learn: it does not fail for want of training."""
    found = family(Run(seed=3), facts="shuffled", decay=0.0, nets=4)
    assert found["train_acc"] > 0.9
    assert found["test_acc"] < 0.3


def test_persons_and_relations_have_units_of_their_own():
    kept = Run(seed=0)
    family(kept, nets=1, sweeps=20)
    assert kept.budget["parameters"] == (24 + 12) * 6 + 12 + 13 * 12 + 13 * 6 + 7 * 24


def test_a_small_net_solves_exclusive_or_and_none_does_without_hidden_units():
    options = {"task": "xor", "n_inputs": 2, "epsilon": 0.5, "sweeps": 3000, "nets": 4}
    with_hidden, without = (boolean(Run(seed=0), hidden=h, **options) for h in (2, 0))
    assert with_hidden["solved_share"] > 0
    assert 0 <= with_hidden["solved_early_share"] <= with_hidden["solved_share"]
    assert without["solved_share"] == 0
    assert without["balanced_acc"] <= THRESHOLD_UNIT


def test_solved_early_is_what_is_solved_by_then():
    options = {"task": "xor", "n_inputs": 2, "epsilon": 0.5, "nets": 8}
    ended = boolean(Run(seed=0), sweeps=305, early=300, **options)["solved_early_share"]
    going = boolean(Run(seed=0), sweeps=2500, early=300, **options)
    assert 0 < going["solved_early_share"] == ended < going["solved_share"]


def test_hidden_units_that_do_not_learn_stay_as_they_were_drawn():
    run = Run(seed=0)
    boolean(run, learns="output", nets=2, sweeps=50)
    other = Run(seed=0)
    boolean(other, nets=2, sweeps=50)
    start = model.initial_weights(Run(seed=0).rng("weights"), 2, [6, 2, 1], 0.3)[0]
    np.testing.assert_allclose(unpack(run, "incoming"), start, rtol=1e-6)
    assert np.abs(unpack(run, "outgoing")).max() > 0.31  # the output unit does learn
    assert np.abs(unpack(other, "incoming") - start).max() > 1e-3


def test_weights_on_the_way_begin_where_they_were_drawn_and_are_kept_some_forty_times():
    run = Run(seed=0)
    boolean(run, task="xor", n_inputs=2, nets=18, sweeps=400)
    way = unpack(run, "incoming on the way")
    assert way.shape == (40, 16, 3, 2)  # of the first 16 networks
    start = model.initial_weights(Run(seed=0).rng("weights"), 18, [2, 2, 1], 0.3)[0]
    np.testing.assert_allclose(way[0], start[:16], rtol=1e-6)
    after = Run(seed=0)
    boolean(after, task="xor", n_inputs=2, nets=18, sweeps=200)
    np.testing.assert_allclose(way[20], unpack(after, "incoming")[:16], rtol=1e-5)


def test_what_is_kept_of_the_facts_not_taught_gives_the_accuracy_on_them():
    run = Run(seed=0)
    metrics = family(run, nets=3, sweeps=1500)
    said, answers = unpack(run, "said of them"), unpack(run, "answers to them")
    assert said.shape == answers.shape == (3, 4, 24)
    right = np.take_along_axis(answers, said.argmax(-1)[..., None], -1)
    assert right.mean() == pytest.approx(metrics["test_acc"])
    facts = unpack(run, "facts not taught").astype(int)
    np.testing.assert_array_equal(answers, family_facts()[2][facts])
    assert unpack(run, "codes of relations").shape == (3, 12, 6)


def unpack(run, name):
    kept = run.kept[name]
    return np.frombuffer(base64.b64decode(kept["float32"]), "<f4").reshape(kept["shape"])


def test_an_arbitrary_function_has_as_many_ones_and_differs_between_nets():
    from paperbench.papers.mlp_1986.experiments import _targets

    targets = _targets(Run(seed=0), "arbitrary", all_patterns(6), 5)
    assert (targets.sum(1) == 8).all()
    assert len(np.unique(targets[..., 0], axis=0)) == 5


def test_the_check_of_the_gradient_sees_what_is_not_sent_back():
    assert gradient(Run(seed=0), instances=3)["largest_error"] < 1e-7
    assert gradient(Run(seed=0), instances=3, learns="output")["largest_error"] == 1
