import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import Examples, Run, Split
from paperbench.papers.dropout import experiments
from paperbench.papers.dropout.ensemble import (
    distance,
    error_rate,
    geometric_mean,
    sample_probabilities,
)
from paperbench.papers.dropout.experiments import autoencoder, exact_geometric_mean, overfit
from paperbench.papers.dropout.measures import (
    activity_density,
    class_means_accuracy,
    mean_image_error,
    prior_nll,
    shortcut_accuracy,
)
from paperbench.papers.dropout.model import Autoencoder, Classifier, Dropout

MASKS = ("fresh", "frozen", "unscaled")


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def classifier(d_hidden=8, **options):
    return Classifier(6, d_hidden, 3, **{"dropout": 0.5, "mask": "fresh"} | options)


def through_the_masks_of_torch(monkeypatch, mask):
    """(ours, torch's) output and gradient of the input, for the masks that torch draws."""
    x = randn(40, 30)
    theirs_in, ours_in = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.manual_seed(5)
    theirs = nn.Dropout(0.3)(theirs_in)
    dropped = theirs.detach() == 0
    monkeypatch.setattr(torch, "rand_like", lambda h: dropped.to(h.dtype))
    ours = Dropout(30, 0.3, mask)(ours_in)
    for output in (ours, theirs):
        (output * randn(40, 30, seed=1)).sum().backward()
    return (ours, ours_in.grad), (theirs, theirs_in.grad)


def test_values_and_gradients_are_those_of_torch_under_the_same_masks(monkeypatch):
    ours, theirs = through_the_masks_of_torch(monkeypatch, "fresh")
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("mask", ["frozen", "unscaled"])
def test_and_the_ablations_are_told_apart(monkeypatch, mask):
    ours, theirs = through_the_masks_of_torch(monkeypatch, mask)
    assert (ours[0] - theirs[0]).abs().max() > 0.1
    assert (ours[1] - theirs[1]).abs().max() > 0.1


def moments(mask, rate=0.3):
    """Mean and variance of the output for an input of 2, over many masks."""
    torch.manual_seed(0)
    output = Dropout(50, rate, mask)(torch.full((4000, 50), 2.0))
    return output.mean().item(), output.var(0).mean().item()


def test_the_noise_has_the_mean_of_the_input_and_the_variance_of_a_coin():
    mean, variance = moments("fresh")
    assert mean == pytest.approx(2, abs=0.02)
    assert variance == pytest.approx(4 * 0.3 / 0.7, abs=0.03)  # h^2 (1 - p) / p


def test_neither_ablation_has_these_moments():
    assert moments("unscaled")[0] == pytest.approx(2 * 0.7, abs=0.02)
    assert moments("frozen")[1] == 0


def test_it_is_the_paper_s_own_form_with_other_weights():
    """The paper trains on r * h and multiplies the weights by p at test time."""
    p, h = 0.6, randn(5, 4).relu()
    ours = nn.Linear(4, 3)
    dropout = Dropout(4, 1 - p)
    torch.manual_seed(2)
    r = (dropout(torch.ones(5, 4)) > 0).float()
    torch.manual_seed(2)
    trained = ours(dropout(h))
    w = ours.weight.detach() / p  # the paper's weights
    for example, unit in itertools.product(range(5), range(3)):
        in_training = sum(w[unit, j] * r[example, j] * h[example, j] for j in range(4))
        at_test = sum(p * w[unit, j] * h[example, j] for j in range(4))
        assert trained[example, unit].item() == pytest.approx(
            (in_training + ours.bias[unit]).item(), abs=1e-5
        )
        assert ours(dropout.eval()(h))[example, unit].item() == pytest.approx(
            (at_test + ours.bias[unit]).item(), abs=1e-5
        )


def test_every_example_and_every_pass_has_its_own_mask():
    dropout, ones = Dropout(200, 0.5), torch.ones(2, 200)
    first, second = dropout(ones), dropout(ones)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, second)


def test_a_frozen_mask_is_one_for_all_examples_passes_and_modes():
    dropout, ones = Dropout(200, 0.25, "frozen"), torch.ones(2, 200)
    first = dropout(ones)
    assert torch.equal(first[0], first[1])
    assert torch.equal(first, dropout(ones))
    assert torch.equal(first, dropout.eval()(ones))
    assert (first[0] > 0).sum() == 150


def test_a_frozen_mask_depends_on_the_seed_and_leaves_the_weights_alone():
    built = {
        (seed, mask): Run(seed=seed).build(lambda mask=mask: classifier(mask=mask, d_hidden=32))
        for seed in (0, 1)
        for mask in ("fresh", "frozen")
    }
    mine, again = (
        built[0, "frozen"],
        Run(seed=0).build(lambda: classifier(mask="frozen", d_hidden=32)),
    )
    assert torch.equal(mine.second_dropout.frozen_mask, again.second_dropout.frozen_mask)
    masks = [
        built[seed, "frozen"].get_buffer(f"{layer}_dropout.frozen_mask")
        for seed in (0, 1)
        for layer in ("first", "second")
    ]
    for one, other in itertools.combinations(masks, 2):
        assert not torch.equal(one, other)
    for one, other in zip(mine.parameters(), built[0, "fresh"].parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_rate_that_drops_everything_is_refused():
    with pytest.raises(ValueError, match=r"lies in \[0, 1\), and is 1"):
        Dropout(3, 1.0)


def test_a_relu_network_without_biases_cannot_tell_scaled_from_unscaled_by_its_errors():
    """Why the claim about weight scaling also compares probabilities."""
    scaled, unscaled = (
        Run(seed=0).build(lambda mask=mask: classifier(mask=mask)) for mask in ("fresh", "unscaled")
    )
    with torch.no_grad():
        for name, parameter in unscaled.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
        scaled.load_state_dict(unscaled.state_dict())
        # Trained without division by p = 0.5, the paper's rule halves the two later layers.
        for layer in (scaled.second, scaled.output):
            layer.weight.mul_(0.5)
        x = randn(50, 6)
        assert torch.equal(scaled.eval()(x).argmax(-1), unscaled.eval()(x).argmax(-1))
        assert distance(scaled(x).softmax(-1), unscaled(x).softmax(-1)) > 0.01


def thinned_probabilities(h, output, dropout):
    """(probability of a mask, prediction under it) for every mask of one example, one by one."""
    for mask in itertools.product((0.0, 1.0), repeat=len(h)):
        chance = math.prod(dropout.keep if kept else 1 - dropout.keep for kept in mask)
        yield chance, F.softmax(output(h * torch.tensor(mask) * dropout.scale), -1)


def test_the_geometric_mean_is_that_of_the_networks_one_by_one():
    h, output, dropout = randn(5).relu(), nn.Linear(5, 3), Dropout(5, 0.3)
    product = torch.ones(3)
    for chance, prediction in thinned_probabilities(h, output, dropout):
        product = product * prediction**chance
    torch.testing.assert_close(geometric_mean(h[None], output, dropout)[0], product / product.sum())


def test_the_scaled_pass_is_the_geometric_mean_for_one_layer_and_only_with_the_scaling():
    scaled, unscaled = (
        exact_geometric_mean(Run(seed=0), n_instances=20, mask=mask)
        for mask in ("fresh", "unscaled")
    )
    assert 0 < scaled["largest_error"] < 1e-13
    assert unscaled["largest_error"] > 0.1


def test_it_is_not_the_geometric_mean_when_a_nonlinear_layer_follows():
    h, dropout = randn(1, 5).relu(), Dropout(5, 0.5).eval()
    torch.manual_seed(0)
    output = nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 3))
    difference = geometric_mean(h, output, dropout) - F.softmax(output(dropout(h)), -1)
    assert difference.abs().max() > 1e-3


def test_sampled_networks_average_to_the_arithmetic_mean_over_all_masks():
    x = randn(1, 5).relu() * 3
    torch.manual_seed(1)
    model = nn.Sequential(Dropout(5, 0.5), nn.Linear(5, 3))
    exact = sum(
        chance * prediction
        for chance, prediction in thinned_probabilities(x[0], model[1], model[0])
    )
    sampled = sample_probabilities(model, x.expand(20_000, -1), 1)[0]
    error = sampled.std(0) / math.sqrt(20_000)
    assert ((sampled.mean(0) - exact).abs() < 4 * error).all()
    assert not model.training
    scaled = F.softmax(model(x), -1)[0]
    assert ((scaled - exact).abs() > 4 * error).any()  # another mean: geometric


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, 7), ({"mask": "unscaled"}, 7), ({"mask": "frozen"}, 1), ({"dropout": 0.0}, 1)],
)
def test_a_model_without_fresh_masks_is_one_network(options, expected):
    assert sample_probabilities(classifier(**options), randn(4, 6), 7).shape == (expected, 4, 3)


def test_errors_and_distances_of_predictions_that_are_known():
    one = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    other = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    classes = torch.tensor([0, 0])
    assert error_rate(one, classes) == 0.5
    assert error_rate(torch.stack([one, one.flip(-1)]), classes) == 0.5
    assert distance(one, one.flip(-1)) == 1
    assert distance(one, other) == 0.25
    assert distance(torch.stack([one, other]), other) == 0.125


def test_density_is_the_share_of_equally_active_units():
    hidden = torch.eye(8).repeat_interleave(2, 1) + torch.eye(8).repeat_interleave(2, 1).roll(2, 0)
    assert activity_density(hidden) == pytest.approx(4 / 16)


def test_density_of_rectified_noise_is_its_closed_form():
    hidden = randn(500, 400).relu()
    assert activity_density(hidden) == pytest.approx(1 / math.pi, rel=0.02)


def test_density_knows_no_scale_and_no_dead_unit_and_the_mean_activation_does():
    hidden = randn(50, 30).relu()
    with_dead = torch.cat([hidden * 2, torch.zeros(50, 30)], 1)
    assert activity_density(with_dead) == pytest.approx(activity_density(hidden))
    assert with_dead[:, :30].mean() == pytest.approx(2 * hidden.mean().item())
    assert math.isnan(activity_density(torch.zeros(3, 4)))


def two_brightnesses():
    """Dark images of class 0, bright ones of class 1, and no image of class 2."""
    images = torch.tensor([[0.0, 0.1], [0.1, 0.0], [0.1, 0.1], [0.9, 0.8], [0.8, 0.9]])
    examples = Examples(images, torch.tensor([0, 0, 0, 1, 1]))
    return Split(examples, examples, n_features=2, n_classes=3)


def test_the_floor_finds_a_shortcut_through_the_amount_of_ink():
    assert shortcut_accuracy(two_brightnesses()) == 1


def test_the_floor_is_the_majority_where_ink_says_nothing():
    images = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    examples = Examples(images, torch.tensor([1, 1, 0]))
    split = Split(examples, examples, n_features=2, n_classes=2)
    assert shortcut_accuracy(split) == pytest.approx(2 / 3)
    assert class_means_accuracy(split) == 1


def test_the_floor_of_the_likelihood_knows_the_frequencies_of_training():
    train = Examples(torch.zeros(98, 2), torch.tensor([0] * 74 + [1] * 24))
    test = Examples(torch.zeros(4, 2), torch.tensor([0, 0, 0, 1]))
    floor = prior_nll(Split(train, test, n_features=2, n_classes=2))
    assert floor == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_the_nearest_mean_of_a_class_that_is_absent_is_never_the_nearest():
    inputs = torch.eye(3)[torch.arange(300) % 2] + 0.01 * randn(300, 3)
    examples = Examples(inputs, torch.arange(300) % 2)  # no example of class 2
    assert class_means_accuracy(Split(examples, examples, n_features=3, n_classes=3)) == 1.0


def zeros_by_place(monkeypatch, **options):
    """Share of zeros that each dropout of a classifier lets through in training mode."""
    shares = []
    forward = Dropout.forward

    def spy(self, h):
        output = forward(self, h.abs() + 1)
        shares.append((output == 0).double().mean().item())
        return output

    monkeypatch.setattr(Dropout, "forward", spy)
    Classifier(400, 400, 3, **options).train()(randn(200, 400))
    return shares


def test_a_classifier_drops_inputs_and_both_hidden_layers(monkeypatch):
    options = {"dropout": 0.5, "input_dropout": 0.2}
    assert zeros_by_place(monkeypatch, mask="fresh", **options) == pytest.approx(
        [0.2, 0.5, 0.5], abs=0.01
    )


def test_a_frozen_mask_leaves_the_inputs_whole(monkeypatch):
    options = {"dropout": 0.5, "input_dropout": 0.2}
    assert zeros_by_place(monkeypatch, mask="frozen", **options) == [0.0, 0.5, 0.5]


def test_scaled_sampled_and_mean_predictions_are_kept_apart(monkeypatch):
    """Two rows of class 0. Scaled: right, wrong. Of two samples one is always right, one never."""
    split = Split(None, Examples(torch.eye(2), torch.tensor([0, 0])), 2, 2)
    scaled = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    sampled = torch.tensor([[[0.8, 0.2], [0.8, 0.2]], [[0.4, 0.6], [0.4, 0.6]]])
    monkeypatch.setattr(experiments, "sample_probabilities", lambda model, x, n: sampled)
    found = experiments._predict(Run(seed=0), lambda x: x @ scaled.log(), split, 2)
    assert found["test_error"] == 0.5
    assert found["test_nll"] == pytest.approx(-(math.log(0.9) + math.log(0.2)) / 2)
    assert found["one_sampled_error"] == 0.5
    assert found["mean_of_sampled_error"] == 0.0  # the mean is .6 and .4
    assert found["scaled_distance"] == pytest.approx((0.3 + 0.4) / 2)
    assert found["one_sampled_distance"] == pytest.approx(0.2)


def test_the_noise_of_masks_is_a_penalty_on_what_each_feature_adds():
    """E[loss] = loss of the whole + (1 - p) / p * sum of w^2 h^2, for a linear decoder."""
    torch.manual_seed(0)
    h, weight, target = randn(1, 5).abs(), randn(3, 5, seed=1), randn(1, 3, seed=2)
    dropout = Dropout(5, 0.4, "fresh")
    expected = ((dropout(h.expand(400_000, 5)) @ weight.T - target) ** 2).sum(1).mean()
    whole = ((h @ weight.T - target) ** 2).sum()
    penalty = 0.4 / 0.6 * (weight.square() * h.square()).sum()
    assert expected.item() == pytest.approx((whole + penalty).item(), rel=0.01)
    assert penalty > 0.1 * whole


def test_stopping_early_takes_its_share_of_the_steps():
    (_, whole), (_, part) = run_overfit(), run_overfit(stop_share=0.25)
    assert part.budget["steps"] == whole.budget["steps"] / 4


def test_the_floor_of_the_likelihood_is_the_entropy_of_equal_classes():
    examples = Examples(torch.zeros(40, 2), torch.arange(40) % 4)
    split = Split(examples, examples, n_features=2, n_classes=4)
    assert prior_nll(split) == pytest.approx(math.log(4))
    assert math.isfinite(prior_nll(two_brightnesses()))


def test_the_floor_of_reconstruction_is_the_variance_of_a_pixel():
    split = two_brightnesses()
    assert mean_image_error(split) == pytest.approx(
        split.test.inputs.var(0, unbiased=False).mean().item()
    )


def run_overfit(seed=0, **options):
    settings = {"data": "digits", "d_hidden": 32, "steps": 60, "n_samples": 2} | options
    run = Run(seed=seed, data_names=["digits"])
    return overfit(run, **settings), run


def test_the_gap_of_a_network_that_memorises_no_noise_is_zero():
    """Equation 8: accuracy on clean labels, turned into the expected one on noisy labels."""
    metrics, _ = run_overfit(label_noise=0.3)
    assert metrics["gap"] == pytest.approx(
        metrics["train_acc"] - (0.7 * metrics["test_acc"] + 0.3 / 10)
    )
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(10, (100_000,), generator=generator)
    redrawn = torch.rand(100_000, generator=generator) < 0.3
    noisy = torch.where(redrawn, torch.randint(10, (100_000,), generator=generator), true)
    right_on_clean = torch.rand(100_000, generator=generator) < 0.9
    answers = torch.where(right_on_clean, true, (true + 1) % 10)
    assert (answers == noisy).double().mean().item() == pytest.approx(
        0.7 * 0.9 + 0.3 / 10, abs=0.005
    )


def test_arms_share_data_and_budget_and_beat_their_floors():
    (plain, plain_run), (dropout, dropout_run) = (run_overfit(dropout=p) for p in (0.0, 0.5))
    assert plain_run.budget == dropout_run.budget
    for floor in ("shortcut_acc", "class_means_acc", "prior_nll"):
        assert plain[floor] == dropout[floor]
    for metrics in (plain, dropout):
        assert metrics["test_acc"] > metrics["shortcut_acc"]
        assert metrics["test_nll"] < metrics["prior_nll"]


def test_a_network_without_fresh_masks_agrees_with_its_only_sample():
    for options in ({"dropout": 0.0}, {"mask": "frozen"}):
        metrics, _ = run_overfit(**options)
        assert metrics["one_sampled_error"] == metrics["test_error"]
        assert metrics["scaled_distance"] == metrics["one_sampled_distance"] == 0


@pytest.mark.parametrize("mask", MASKS)
def test_every_kind_of_mask_runs_repeats_itself_and_differs_by_seed(mask):
    first, again, other = (run_overfit(seed, mask=mask, steps=5)[0] for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("mask", MASKS)
def test_the_autoencoder_runs_and_repeats_itself(mask):
    def features():
        return autoencoder(
            Run(seed=3, data_names=["digits"]), data="digits", d_hidden=16, steps=5, mask=mask
        )

    first = features()
    assert first == features()
    assert 0 < first["density"] <= 1


def test_the_autoencoder_s_features_are_what_its_decoder_sees():
    torch.manual_seed(0)
    model, x = Autoencoder(6, 4, dropout=0.5, mask="frozen"), randn(3, 6)
    assert torch.equal(model(x), model.decoder(model.encode(x)))
    silent = model.dropout.frozen_mask == 0
    assert (model.encode(x)[:, silent] == 0).all()
