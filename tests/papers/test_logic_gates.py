import base64
import itertools
import math

import numpy as np
import pytest
import torch

from paperbench.lab import Examples, Run, Split
from paperbench.papers.logic_gates.bits import BitNetwork, RelaxedNetwork
from paperbench.papers.logic_gates.data import monk, one_bit_accuracy, thermometer
from paperbench.papers.logic_gates.experiments import (
    compare_with_bits,
    compare_with_truth_tables,
    gradient_norms,
    images,
    learn_rule,
    time_inference,
)
from paperbench.papers.logic_gates.experiments_exact import inference
from paperbench.papers.logic_gates.figures import SYMBOLS, Circuit
from paperbench.papers.logic_gates.model import (
    PASS_A,
    UNARY,
    LogicLayer,
    LogicNetwork,
    count_votes,
    gate_coefficients,
    relaxed_gate,
    vote_accuracy,
)

# What Python itself says of each gate, in the order in which difflogic publishes them.
BOOLEAN = [
    lambda a, b: False,
    lambda a, b: a and b,
    lambda a, b: a and not b,
    lambda a, b: a,
    lambda a, b: b and not a,
    lambda a, b: b,
    lambda a, b: a != b,
    lambda a, b: a or b,
    lambda a, b: not (a or b),
    lambda a, b: a == b,
    lambda a, b: not b,
    lambda a, b: a if b else True,
    lambda a, b: not a,
    lambda a, b: b if a else True,
    lambda a, b: not (a and b),
    lambda a, b: True,
]
# And the formulas for probabilities, as published.
REAL_VALUED = [
    lambda a, b: 0 * a,
    lambda a, b: a * b,
    lambda a, b: a - a * b,
    lambda a, b: a,
    lambda a, b: b - a * b,
    lambda a, b: b,
    lambda a, b: a + b - 2 * a * b,
    lambda a, b: a + b - a * b,
    lambda a, b: 1 - (a + b - a * b),
    lambda a, b: 1 - (a + b - 2 * a * b),
    lambda a, b: 1 - b,
    lambda a, b: 1 - b + a * b,
    lambda a, b: 1 - a,
    lambda a, b: 1 - a + a * b,
    lambda a, b: 1 - a * b,
    lambda a, b: 1 + 0 * a,
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(n_in=7, n_gates=30, **options):
    torch.manual_seed(0)
    return LogicLayer(n_in, n_gates, **options)


def network(n_bits=9, n_classes=3, n_gates=30, **options):
    torch.manual_seed(0)
    return LogicNetwork(n_bits, n_classes, 3, n_gates, 2.0, **options)


@pytest.mark.parametrize("gate", range(16))
def test_each_gate_has_its_truth_table_and_the_published_number(gate):
    c = gate_coefficients()[gate : gate + 1]
    for line, (a, b) in enumerate(itertools.product((False, True), repeat=2)):
        value = relaxed_gate(c, torch.tensor([[float(a)]]), torch.tensor([[float(b)]])).item()
        assert value == float(BOOLEAN[gate](a, b)) == gate >> (3 - line) & 1


def test_the_unary_gates_are_those_that_do_not_read_both_inputs():
    for i, gate in enumerate(BOOLEAN):
        table = [[bool(gate(a, b)) for b in (False, True)] for a in (False, True)]
        reads_both = table[0] != table[1] and any(row[0] != row[1] for row in table)
        assert (i in UNARY) == (not reads_both)


def slow_layer(x, logits, first, second, temperature=1.0):
    """One gate and one example at a time, all sixteen gates written out."""
    rows = []
    for gate in range(len(logits)):
        p = torch.exp(logits[gate] / temperature)
        p = p / p.sum()
        a, b = x[first[gate]], x[second[gate]]
        rows.append(sum(p[i] * REAL_VALUED[i](a, b) for i in range(16)))
    return torch.stack(rows)


def value_and_gradients(function, x, logits):
    x, logits = x.clone().requires_grad_(), logits.clone().requires_grad_()
    value = function(x, logits)
    weights = torch.randn(value.shape, generator=generator(1), dtype=value.dtype)
    return value, *torch.autograd.grad((value * weights).sum(), (x, logits))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_values_and_gradients_are_those_of_sixteen_gates_one_by_one(temperature):
    part = layer(temperature=temperature).double()
    x = torch.rand(7, 5, generator=generator(), dtype=torch.float64)
    logits = part.logits.detach()

    def fast(x, logits):
        return torch.func.functional_call(part, {"logits": logits}, (x,))

    def slow(x, logits):
        return slow_layer(x, logits, *part.wires, temperature)

    torch.testing.assert_close(
        value_and_gradients(fast, x, logits), value_and_gradients(slow, x, logits)
    )
    assert torch.autograd.gradcheck(fast, (x.requires_grad_(), logits.requires_grad_()))


def test_in_eval_mode_each_gate_is_its_likeliest():
    part = layer().eval()
    x = torch.randint(2, (7, 5), generator=generator()).float()
    kinds = part.logits.argmax(-1).tolist()
    expected = torch.zeros(30, 5)
    for gate, example in itertools.product(range(30), range(5)):
        a, b = (bool(x[wire, example]) for wire in part.wires[:, gate])
        expected[gate, example] = float(BOOLEAN[kinds[gate]](a, b))
    torch.testing.assert_close(part(x), expected)
    assert (part.train()(x) - expected).abs().max() > 0.1


@pytest.mark.parametrize(("n_in", "n_gates"), [(7, 7), (7, 28), (2, 5), (12, 6)])
def test_no_gate_reads_one_input_twice_and_all_inputs_are_read_as_often(n_in, n_gates):
    part = layer(n_in, n_gates)
    assert (part.wires[0] != part.wires[1]).all()
    reads = part.wires.flatten().bincount(minlength=n_in)
    if n_gates % n_in == 0:
        assert (reads == 2 * n_gates // n_in).all()


def test_the_gates_that_vote_for_a_class_hardly_share_their_inputs():
    """Left in the order of the circle, 80 gates would read 81 of 800 inputs."""
    votes = layer(800, 800).wires[:, :80]
    assert len(votes.unique()) > 140


def test_wires_depend_on_the_seed_and_are_the_same_for_every_kind_of_start():
    def wires(seed, **options):
        built = Run(seed=seed).build(lambda: network(**options))
        return torch.cat([each.wires for each in built.layers], 1)

    assert torch.equal(wires(0), wires(0, init="residual"))
    assert torch.equal(wires(0), wires(0, learned="readout"))
    assert not torch.equal(wires(0), wires(1))


def test_a_residual_layer_begins_as_wires():
    part = layer(init="residual")
    x = torch.randint(2, (7, 50), generator=generator()).float()
    assert torch.equal(part.eval()(x), x[part.wires[0]])
    certain = math.exp(5) / (math.exp(5) + 15)
    probability = (part.logits.softmax(-1))[:, PASS_A]
    torch.testing.assert_close(probability, torch.full((30,), certain))


def test_gates_of_one_input_make_a_network_whose_votes_are_a_weighted_sum_of_bits():
    model = network(gates="unary").eval()
    bits = torch.tensor(list(itertools.product((0.0, 1.0), repeat=9)))
    with torch.no_grad():
        votes = model(bits)
    design = torch.cat([bits, torch.ones(len(bits), 1)], 1)
    weights = torch.linalg.lstsq(design, votes).solution
    torch.testing.assert_close(design @ weights, votes, atol=1e-4, rtol=0)
    with torch.no_grad():
        votes = network().eval()(bits)
    weights = torch.linalg.lstsq(design, votes).solution
    assert (design @ weights - votes).abs().max() > 0.1


def test_gates_that_are_not_learned_are_hard_gates_in_both_modes():
    part = layer(is_learned=False)
    x = torch.rand(7, 5, generator=generator())
    assert list(part.parameters()) == []
    assert torch.equal(part.train()(x), part.eval()(x))
    assert [len(list(each.parameters())) for each in network(learned="last").layers] == [0, 0, 1]


def test_votes_are_counted_class_by_class():
    h = torch.tensor([[1.0, 0], [1, 0], [0, 1], [1, 1], [0, 0], [0, 1]])
    expected = torch.tensor([[2.0, 1, 0], [0, 2, 1]]) / 4
    torch.testing.assert_close(count_votes(h, 3, 4.0), expected)


@pytest.mark.parametrize("packing", ["words", "bytes"])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 300])
def test_bits_give_the_votes_of_the_hard_network(packing, n):
    model = network()
    bits = np.random.default_rng(n).random((n, 9)) < 0.5
    counted = BitNetwork(model, packing).votes(np.ascontiguousarray(bits.T))
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(bits).float()) * 2.0
    assert np.array_equal(counted.T, expected.numpy())


def test_the_float_contestant_computes_the_relaxed_network():
    model = network().double()
    bits = np.random.default_rng(0).random((40, 9)) < 0.5
    votes = RelaxedNetwork(network(), 40).votes(np.ascontiguousarray(bits.T))
    with torch.no_grad():
        expected = model.train()(torch.from_numpy(bits).double()) * 2.0
    torch.testing.assert_close(votes.mT.double(), expected, atol=1e-5, rtol=0)


def split_of(inputs, classes, n_classes=2):
    examples = Examples(torch.tensor(inputs), torch.tensor(classes))
    return Split(examples, examples, examples.inputs.shape[1], n_classes)


def test_a_thermometer_rises_with_the_pixel_bit_by_bit():
    split = thermometer(split_of([[0.0, 4 / 16], [11 / 16, 1.0]], [0, 1]), 3)
    assert split.train.inputs.tolist() == [[0, 0, 0, 1, 0, 0], [1, 1, 0, 1, 1, 1]]
    assert split.n_features == 6


def test_the_robots_are_all_there_and_obey_the_rule():
    split = monk("monk-1", 124, generator())
    assert (len(split.train), len(split.test)) == (124, 308)
    bits = torch.cat([split.train.inputs, split.test.inputs])
    classes = torch.cat([split.train.classes, split.test.classes])
    assert len({tuple(row) for row in bits.tolist()}) == 432
    assert bits.sum(1).eq(6).all()
    assert classes.sum() == 216
    for row, holds in zip(bits.tolist(), classes.tolist(), strict=True):
        assert holds == (row[0:3] == row[3:6] or row[11] == 1)  # head, body; the first jacket
    jacket = monk("jacket", 124, generator())
    assert torch.equal(jacket.train.inputs, split.train.inputs)
    assert torch.equal(jacket.train.classes.float(), jacket.train.inputs[:, 11])


def test_the_floor_is_the_best_rule_of_one_bit():
    bits = [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]
    assert one_bit_accuracy(split_of(bits, [1, 1, 0, 0])) == 1
    assert one_bit_accuracy(split_of(bits, [1, 0, 0, 1])) == 0.5
    assert one_bit_accuracy(split_of(bits, [2, 2, 2, 0], 3)) == 0.75
    whole = monk("monk-1", 431, generator()).train  # nearly all robots: red, or not
    floor = one_bit_accuracy(Split(whole, whole, 17, 2))
    assert floor == pytest.approx(0.75, abs=0.002)


def test_the_minimum_is_right_on_bits_and_not_between_them():
    c = gate_coefficients()
    a, b = torch.tensor([[0.0, 0, 1, 1, 0.5]]), torch.tensor([[0.0, 1, 0, 1, 0.5]])
    product, minimum = (
        relaxed_gate(c, a.expand(16, -1), b.expand(16, -1), kind) for kind in ("product", "minimum")
    )
    assert torch.equal(product[:, :4], minimum[:, :4])
    assert (product[:, 4] - minimum[:, 4]).abs().max() == 0.5  # xor of two coins: 1/2 or 0


def test_the_exact_experiments_and_their_ablations():
    assert 0 <= compare_with_truth_tables(Run(seed=0))["largest_error"] < 1e-15
    broken = compare_with_truth_tables(Run(seed=0), conjunction="minimum")
    assert broken["largest_error"] > 0.4
    assert compare_with_bits(Run(seed=0))["largest_error"] == 0
    assert compare_with_bits(Run(seed=0), inputs="probabilities")["largest_error"] > 0.1


def test_a_wire_passes_its_gradient_and_a_mixture_passes_little():
    def ratio(**options):
        run = Run(seed=0, data_names=["digits"])
        return gradient_norms(run, n_gates=100, batch_size=20, **options)["log10_ratio"]

    assert ratio(init="residual") == pytest.approx(0, abs=0.3)
    assert ratio(init="gaussian") < -3
    assert ratio(init="gaussian", n_layers=2) > -1.5


def test_a_network_learns_its_training_set_and_the_curves_say_so():
    run = Run(seed=0)
    metrics = learn_rule(run, n_gates=64, tau=2.0, steps=100)
    assert metrics["hard_acc"] == run.curves["hard_acc"][-1][1]
    assert run.curves["loss"][-1][1] < 0.5 * run.curves["loss"][0][1]


@pytest.mark.parametrize("kind", ["logic", "random-gates", "dense"])
def test_every_kind_of_network_repeats_itself_and_differs_by_seed(kind):
    def run_images(seed):
        run = Run(seed=seed, data_names=["digits"])
        return images(run, network=kind, n_gates=40, steps=3), run.curves

    assert run_images(0) == run_images(0)
    assert run_images(0) != run_images(1)


def test_a_temperature_leaves_the_start_as_it_is_and_slows_the_change():
    x = torch.rand(7, 5, generator=generator())
    plain, slow = layer(), layer(temperature=10.0)
    torch.testing.assert_close(plain(x), slow(x))
    changes = []
    for each in (plain, slow):
        before = each(x).detach()
        with torch.no_grad():
            each.logits[:, PASS_A] += 0.1  # what a step of Adam might do
        changes.append((each(x) - before).abs().mean().item())
    assert changes[1] == pytest.approx(changes[0] / 10, rel=0.1)


def test_timings_come_in_turn_and_as_often():
    found = time_inference(Run(seed=0), n_examples=64, n_gates=40, n_repeats=3, n_calls=1)
    assert {len(values) for values in found.values()} == {3}
    assert min(min(values) for values in found.values()) > 0


def test_logits_are_votes_divided_by_tau():
    model = network()
    x = torch.rand(4, 9, generator=generator())
    h = x.mT
    for each in model.layers:
        h = each(h)
    by_hand = torch.stack([h[10 * k : 10 * k + 10].sum(0) for k in range(3)], 1) / 2.0
    torch.testing.assert_close(model(x), by_hand)


def test_inference_looks_up_the_likeliest_gates_and_a_mixture_does_not():
    assert inference(Run(seed=0), n_instances=3)["largest_error"] == 0
    assert inference(Run(seed=0), n_instances=3, mode="relaxed")["largest_error"] > 0.1


def test_the_kept_circuit_votes_as_the_network_does():
    run = Run(seed=0)
    learn_rule(run, n_gates=40, steps=3)
    kinds, wires, votes = (array_of(run.kept[name]) for name in ("kinds", "wires", "votes"))
    split = monk("monk-1", 124, run.generator("split"))
    h = split.test.inputs.int().numpy()
    for kind, (a, b) in zip(kinds.astype(int), wires.astype(int), strict=True):
        outputs = [
            BOOLEAN[k](row[i], row[j]) for row in h for k, i, j in zip(kind, a, b, strict=True)
        ]
        h = np.array(outputs, dtype=int).reshape(len(h), -1)
    classes, own = split.test.classes.numpy(), np.arange(40) // 20
    for gate in range(40):
        is_own = classes == own[gate]
        right = (h[is_own, gate].mean() + (1 - h[~is_own, gate]).mean()) / 2
        assert votes[gate] == pytest.approx(right, abs=1e-6)


def array_of(kept):
    return np.frombuffer(base64.b64decode(kept["float32"]), "<f4").reshape(kept["shape"])


def test_circuits_are_kept_of_one_seed_and_of_gates_that_vote():
    for seed, network, expected in (
        (0, "logic", {"gate_counts", "kinds", "wires", "votes"}),
        (0, "random-gates", {"gate_counts", "kinds", "wires"}),
        (0, "dense", set()),
        (1, "logic", set()),
    ):
        run = Run(seed=seed, data_names=("digits",))
        images(run, network=network, n_gates=40, steps=1)
        assert set(run.kept) == expected


def test_a_constant_gate_tells_nothing_and_a_wire_what_its_bit_tells():
    network = LogicNetwork(2, 2, 1, 2, 1.0)
    with torch.no_grad():
        network.layers[0].logits.zero_()[0, 15] = 1  # votes for class 0: always
        network.layers[0].logits[1, 3] = 1  # votes for class 1: what it reads as a
    a = int(network.layers[0].wires[0, 1])
    x = torch.eye(2)[[a, a, 1 - a, 1 - a]]
    found = vote_accuracy(network, x, torch.tensor([1, 1, 0, 1]))
    assert found.tolist() == pytest.approx([0.5, (2 / 3 + 1) / 2])


def test_a_drawn_circuit_holds_what_a_gate_depends_on_and_nothing_else():
    kinds = np.array([[1, 3, 15, 6], [3, 2, 12, 5]])  # and a 1 xor; a, a and not b, not a, b
    wires = np.array([[[0, 1, 2, 3], [1, 2, 3, 0]], [[0, 1, 2, 0], [1, 2, 3, 3]]])
    circuit = Circuit(kinds, wires)
    assert circuit.behind([(2, 0)]) == [[(0, 0), (0, 1)], [(1, 0)], [(2, 0)]]
    assert circuit.behind([(2, 1)]) == [[(0, 1)], [(1, 1), (1, 2)], [(2, 1)]]
    assert circuit.behind([(2, 3)]) == [[(0, 3), (0, 0)], [(1, 3)], [(2, 3)]]
    bits = np.array(list(itertools.product((0, 1), repeat=4)))
    said = circuit.outputs(bits)
    assert (said[:, 0] == (bits[:, 0] & bits[:, 1])).all()
    assert not said[:, 1].any()  # b and not true
    assert not said[:, 2].any()
    assert (said[:, 3] == (bits[:, 3] ^ bits[:, 0])).all()


def test_symbols_mean_what_the_gates_say():
    shapes = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b}
    shapes |= {"a": lambda a, b: a, "b": lambda a, b: b, "0": lambda a, b: 0, "1": lambda a, b: 1}
    for gate, symbol in enumerate(SYMBOLS):
        shape, *rings = symbol.split()
        for a, b in itertools.product((0, 1), repeat=2):
            drawn = shapes[shape](a ^ ("a" in rings), b ^ ("b" in rings)) ^ ("out" in rings)
            assert drawn == BOOLEAN[gate](a, b), (gate, symbol)
