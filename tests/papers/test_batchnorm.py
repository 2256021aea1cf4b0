import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import Diverged, Examples, Run, Split
from paperbench.papers.batchnorm import experiments
from paperbench.papers.batchnorm.experiments import classifier, identities, inside
from paperbench.papers.batchnorm.measures import (
    definition,
    gradient_shift,
    ink_accuracy,
    input_percentiles,
)
from paperbench.papers.batchnorm.model import (
    BatchNorm,
    DeepNetwork,
    Hidden,
    gradients,
    normalise,
    normalise_by,
)


def randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def trainable(*shapes):
    return [randn(*shape, seed=i).requires_grad_() for i, shape in enumerate(shapes)]


def ours_and_torch_s(statistics="batch", shape=(7, 3)):
    """A layer of ours and one of torch's with the same gamma and beta, in double precision."""
    ours = BatchNorm(3, statistics).double()
    theirs = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(3).double()
    with torch.no_grad():
        for own, other in ((ours.gamma, theirs.weight), (ours.beta, theirs.bias)):
            other.copy_(own.copy_(randn(3, seed=own.sum().int().item() + 5)))
    return ours, theirs


def outcome_of(layer, x, parameters):
    x = x.clone().requires_grad_()
    y = layer(x)
    return y, *torch.autograd.grad((y * randn(*x.shape, seed=9)).sum(), [x, *parameters])


@pytest.mark.parametrize("shape", [(7, 3), (4, 3, 2, 5)])
def test_values_gradients_and_averages_are_those_of_torch(shape):
    ours, theirs = ours_and_torch_s(shape=shape)
    for seed in range(3):
        x = 2 + 3 * randn(*shape, seed=seed)
        found = outcome_of(ours, x, (ours.gamma, ours.beta))
        torch.testing.assert_close(found, outcome_of(theirs, x, (theirs.weight, theirs.bias)))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_variance, theirs.running_var)
    x = randn(*shape, seed=4)
    ours.eval(), theirs.eval()
    found = outcome_of(ours, x, (ours.gamma, ours.beta))
    torch.testing.assert_close(found, outcome_of(theirs, x, (theirs.weight, theirs.bias)))


def test_the_ablations_are_told_apart_from_torch():
    x = 2 + 3 * randn(7, 3)
    for statistics, differs in (("detached", (False, True)), ("fixed", (True, True))):
        ours, theirs = ours_and_torch_s(statistics)
        found = outcome_of(ours, x, (ours.gamma, ours.beta))
        expected = outcome_of(theirs, x, (theirs.weight, theirs.bias))
        far = tuple(bool((a - b).abs().max() > 0.1) for a, b in zip(found, expected, strict=True))
        assert far[:2] == differs


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 2, 2)])
def test_the_gradient_by_hand_is_that_of_differences(shape):
    inputs = trainable(shape, (3,), (3,))
    assert torch.autograd.gradcheck(lambda *each: normalise(*each, 1e-3)[0], inputs)


def test_the_formula_is_the_one_of_autograd_and_needs_both_terms():
    x, gamma, beta, dy = trainable((6, 3), (3,), (3,), (6, 3))
    expected = torch.autograd.grad(definition(x, gamma, beta, 0.1), (x, gamma, beta), dy)
    mean, variance = x.mean(0), x.var(0, correction=0)
    inverse_std = (variance + 0.1).rsqrt()
    found = gradients(dy, (x - mean) * inverse_std, inverse_std, gamma)
    torch.testing.assert_close(found, expected)
    for kept in (mean.detach(), variance), (mean, variance.detach()):
        without = torch.autograd.grad(
            normalise_by(x, *kept, gamma, beta, 0.1), x, dy, retain_graph=True
        )[0]
        assert (without - expected[0]).abs().max() > 0.05


@pytest.mark.parametrize("n_together", [None, 2])
def test_replicates_under_vmap_are_so_many_layers(n_together):
    layer = BatchNorm(3, n_together=n_together).double()
    x, gamma = randn(4, 6, 3).requires_grad_(), randn(4, 3, seed=1).requires_grad_()
    averages = torch.zeros(4, 3, dtype=torch.float64), torch.ones(4, 3, dtype=torch.float64)

    def forward(x, gamma, mean, variance):
        tensors = {"gamma": gamma, "running_mean": mean, "running_variance": variance}
        return torch.func.functional_call(layer, tensors, (x,))

    together = torch.func.vmap(forward)(x, gamma, *averages)
    apart = [BatchNorm(3, n_together=n_together).double() for _ in range(4)]
    for one, own_gamma in zip(apart, gamma, strict=True):
        one.gamma = nn.Parameter(own_gamma.detach())
    alone = torch.stack([one(own) for one, own in zip(apart, x, strict=True)])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(averages[0], torch.stack([one.running_mean for one in apart]))
    torch.testing.assert_close(averages[1], torch.stack([one.running_variance for one in apart]))
    dy = randn(4, 6, 3, seed=2)
    found = torch.autograd.grad(together, (x, gamma), dy)
    expected = torch.autograd.grad(alone, (x, *(one.gamma for one in apart)), dy)
    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[1], torch.stack(expected[1:]))


def test_statistics_of_few_examples_are_those_of_every_worker_by_itself():
    x = randn(6, 3)
    shared = BatchNorm(3, n_together=2).double()
    found = shared(x)
    for i in range(3):
        pair = x[2 * i : 2 * i + 2]
        torch.testing.assert_close(found[2 * i : 2 * i + 2], BatchNorm(3).double()(pair))
    means = torch.stack([x[2 * i : 2 * i + 2].mean(0) for i in range(3)]).mean(0)
    torch.testing.assert_close(shared.running_mean, 0.1 * means)


def test_of_two_examples_a_sign_is_left():
    y = BatchNorm(3, eps=0.0).double()(randn(2, 3))
    torch.testing.assert_close(y.abs(), torch.ones_like(y))


@pytest.mark.parametrize("layer", [BatchNorm(3), BatchNorm(3, n_together=1)])
def test_a_single_example_is_refused_in_training_and_fine_in_testing(layer):
    n = 1 if layer.n_together is None else 4
    with pytest.raises(ValueError, match="two values or more, and has one"):
        layer(torch.ones(n, 3))
    assert layer.eval()(torch.ones(1, 3)).shape == (1, 3)


def test_in_testing_an_example_does_not_notice_its_company():
    layer = BatchNorm(3).double()
    layer(randn(9, 3, seed=3))
    x = randn(5, 3)
    apart = torch.cat([layer.eval()(row[None]) for row in x])
    torch.testing.assert_close(layer.eval()(x), apart)
    assert (layer.train()(x) - apart).abs().max() > 0.1


def test_averages_that_are_not_recorded_stay_and_fixed_ones_normalise_nothing():
    x = 5 + randn(9, 3)
    unrecorded, fixed = BatchNorm(3, "unrecorded").double(), BatchNorm(3, "fixed").double()
    torch.testing.assert_close(unrecorded(x), BatchNorm(3).double()(x))
    torch.testing.assert_close(unrecorded.eval()(x), x / math.sqrt(1 + 1e-5))
    torch.testing.assert_close(fixed(x), x)


def network(**options):
    return Run(seed=0).build(
        lambda: DeepNetwork(6, 8, 3, **{"n_layers": 3, "norm": "batch"} | options)
    )


def test_what_is_normalised_is_the_input_of_the_nonlinearity():
    layer = Hidden(6, 50, norm=BatchNorm(50), activation="sigmoid", gain=1.0)
    before = torch.logit(layer(10 * randn(400, 6, dtype=torch.float32)).double())
    torch.testing.assert_close(before.mean(0), torch.zeros(50).double(), atol=1e-4, rtol=0)
    torch.testing.assert_close(before.var(0), torch.ones(50).double(), atol=0.01, rtol=0)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_all_networks_of_a_seed_begin_with_the_same_weights(norm):
    built, plain = network(norm=norm), network(norm="none")
    for own, other in zip(built.hidden, plain.hidden, strict=True):
        assert torch.equal(own.linear.weight, other.linear.weight)
    assert (built.hidden[0].linear.bias is None) == (norm != "none")


def test_initial_weights_have_the_deviation_that_is_asked_for():
    layer = Run(seed=0).build(lambda: Hidden(400, 300, norm=None, activation="relu", gain=1.414))
    assert layer.linear.weight.std().item() == pytest.approx(1.414 / 20, rel=0.01)
    u = randn(500, 400, dtype=torch.float32)
    assert layer(u).square().mean().item() == pytest.approx(1, rel=0.05)  # E[u^2] = 1 stays 1


def test_the_shift_is_what_two_gradients_by_hand_give():
    model, lr = network().double(), 0.1
    batch = randn(20, 6), torch.arange(20) % 3
    averages = [buffer.clone() for buffer in model.buffers()]
    model.eval()
    found = gradient_shift(model, batch, lr)
    assert not model.training
    for buffer, was in zip(model.buffers(), averages, strict=True):
        assert torch.equal(buffer, was)
    model.train()

    def gradient():
        model.zero_grad()
        F.cross_entropy(model(batch[0]), batch[1]).backward()
        return model.hidden[2].linear.weight.grad.clone()

    before = gradient()
    with torch.no_grad():
        for layer in model.hidden[:2]:
            for parameter in layer.parameters():
                parameter -= lr * parameter.grad
    after = gradient()
    assert found == pytest.approx(((after - before).norm() / before.norm()).item())
    assert found > 0.01


def test_the_floor_finds_a_shortcut_through_the_amount_of_ink():
    images = torch.tensor([[0.0, 0.1], [0.1, 0.0], [0.9, 0.8], [0.8, 0.9], [0.8, 0.8]])
    examples = Examples(images, torch.tensor([0, 0, 1, 1, 1]))
    assert ink_accuracy(Split(examples, examples, n_features=2, n_classes=3)) == 1
    same = Examples(torch.ones(5, 2), torch.tensor([0, 0, 1, 1, 1]))
    assert ink_accuracy(Split(same, same, n_features=2, n_classes=2)) == pytest.approx(0.6)


def run_classifier(seed=0, **options):
    run = Run(seed=seed, data_names=("digits",))
    small = {"n_layers": 2, "d_hidden": 16, "n_steps": 60, "target": 0.5}
    return classifier(run, **small | options), run


def test_the_steps_to_a_target_are_those_of_the_curve_and_censored_at_the_end():
    metrics, run = run_classifier()
    reached = [step for step, acc in run.curves["test_acc"] if acc >= 0.5]
    assert metrics["steps_to_target"] == reached[0] < 60
    assert run_classifier(target=1.1)[0]["steps_to_target"] == 60


def test_a_network_that_diverges_answers_with_the_first_class(monkeypatch):
    def diverge(run, **_):
        run.record("test_acc", 0, 0.1)
        raise Diverged("loss is nan at step 3")

    monkeypatch.setattr(experiments, "train", diverge)
    metrics, run = run_classifier(norm="none")
    assert 0.05 < metrics["test_acc"] < 0.15
    assert metrics["steps_to_target"] == run.budget["steps"] == 60
    n_weights = 64 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10
    assert run.budget["parameters"] == n_weights
    monkeypatch.undo()
    assert run_classifier(norm="none")[1].budget["parameters"] == n_weights


def test_answers_in_training_mode_are_those_of_the_test_images_own_statistics():
    run = Run(seed=0, data_names=("digits",))
    settings = {"n_layers": 2, "d_hidden": 16, "n_steps": 60, "watch_every": 30}
    found = inside(run, statistics="unrecorded", **settings)
    assert found["batch_acc"] > found["test_acc"] + 0.1
    assert [step for step, _ in run.curves["shift"]] == [0, 30, 60]
    assert found["shift"] == pytest.approx(sum(v for _, v in run.curves["shift"]) / 3)


def test_the_identities_hold_and_each_ablation_breaks_its_own():
    found = {
        s: identities(Run(seed=0), n_instances=10, statistics=s)
        for s in ("batch", "detached", "fixed")
    }
    assert all(0 < value < 1e-12 for value in found["batch"].values())
    assert found["detached"]["gradient_error"] > 0.1
    assert found["detached"]["bias_gradient"] == pytest.approx(1)
    assert found["detached"]["scale_error"] < 1e-12  # it does not need the terms
    assert found["fixed"]["scale_error"] > 0.5


def test_percentiles_are_of_what_a_unit_is_given_in_training_mode():
    network = DeepNetwork(6, 7, 3, n_layers=3, norm="batch").double().eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = randn(101, 6)
    found = input_percentiles(network, x)
    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network.train()
    last = network.hidden[-1]
    given = last.norm(last.linear(network.hidden[:-1](x)))[:, 0].sort().values
    assert found == pytest.approx(
        {"input_15": given[15].item(), "input_50": given[50].item(), "input_85": given[85].item()}
    )
    with torch.no_grad():
        network.hidden[0].linear.weight.fill_(math.inf)
    assert input_percentiles(network, x) == {}


def test_one_seed_is_looked_at_and_none_is_changed():
    for seed, surfaces, curves in (
        (0, {"loss_surface", "loss_surface_in_training"}, {"input_15", "input_50", "input_85"}),
        (1, set(), set()),
    ):
        run = Run(seed=seed, data_names=("digits",))
        classifier(run, n_layers=2, d_hidden=4, n_steps=2)
        assert set(run.kept) == surfaces
        assert set(run.curves) == {"loss", "test_acc"} | curves
    plain = Run(seed=0, data_names=("digits",))
    classifier(plain, norm="none", n_layers=2, d_hidden=4, n_steps=2)
    assert set(plain.kept) == {"loss_surface"}
