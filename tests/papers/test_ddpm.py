import math

import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from paperbench.lab import Run
from paperbench.papers.ddpm.diffusion import (
    Schedule,
    bound,
    diffuse,
    posterior_coefficients,
    reverse_step,
    sample,
)
from paperbench.papers.ddpm.examples import draw_points, read_examples, ring
from paperbench.papers.ddpm.experiments import guidance, likelihood_bound, objective
from paperbench.papers.ddpm.experiments_exact import bayes_on_a_grid, identities
from paperbench.papers.ddpm.measures import (
    class_spread,
    frechet_distance,
    kernel_distance,
    matched_gaussian,
)
from paperbench.papers.ddpm.mixture import ExactNoise, Mixture
from paperbench.papers.ddpm.model import DiffusionModel, ResidualMLP, guide
from paperbench.papers.ddpm.snapshots import CELLS, EDGE, Film, few, noised, scores
from paperbench.papers.ddpm.snapshots import times as snapshot_times

PREDICTIONS = ("noise", "image", "mean")
BLOB = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=torch.float64)  # a covariance


def randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def times(n, t):
    return torch.full((n,), t)


class Untrained(torch.nn.Module):
    """Returns what it is told, whatever is asked, and remembers the labels."""

    def __init__(self, value=0.0):
        super().__init__()
        self.value, self.labels = value, []

    def forward(self, x, t, labels):
        self.labels.append(labels)
        return torch.full_like(x, self.value) + labels[:, None]


def test_a_thousand_steps_are_those_of_the_paper():
    beta = Schedule(1000).beta
    assert beta[0] == 0
    assert beta[1].item() == pytest.approx(1e-4)
    assert beta[1000].item() == pytest.approx(0.02)
    assert beta[1:].diff().max().item() == pytest.approx(beta[1:].diff().min().item(), rel=0.02)


def test_the_schedule_is_that_of_diffusers():
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.DDPMScheduler(1000, beta_start=1e-4, beta_end=0.02)
    torch.testing.assert_close(Schedule(1000).alpha_bar[1:], theirs.alphas_cumprod)


@pytest.mark.parametrize("n_steps", [25, 100, 1000])
def test_x_t_is_what_t_small_steps_lead_to(n_steps):
    """(4), a jump, against (2), step by step: mean and variance of a chain of Gaussians."""
    schedule = Schedule(n_steps, torch.float64)
    mean, variance = 1.0, 0.0
    for t in range(1, n_steps + 1):
        keep = 1 - schedule.beta[t].item()
        mean, variance = math.sqrt(keep) * mean, keep * variance + schedule.beta[t].item()
        one, zero = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        assert schedule.diffuse(one, times(1, t), zero).item() == pytest.approx(mean)
        assert schedule.diffuse(zero, times(1, t), one).item() ** 2 == pytest.approx(variance)
    assert variance == pytest.approx(1, abs=1e-3)


def joint_of_two_steps(schedule, t):
    """Covariance of (x_{t-1}, x_t) given x_0, one coordinate, by the algebra of Gaussians."""
    before = 1 - schedule.alpha_bar[t - 1]
    keep = (1 - schedule.beta[t]).sqrt()
    return torch.tensor(
        [[before, keep * before], [keep * before, keep**2 * before + schedule.beta[t]]]
    )


@pytest.mark.parametrize("t", [2, 7, 50])
def test_the_posterior_is_the_joint_gaussian_conditioned(t):
    schedule, x0, x_t = Schedule(50, torch.float64), 0.7, -1.3
    cov = joint_of_two_steps(schedule, t)
    means = [schedule.alpha_bar[s].sqrt().item() * x0 for s in (t - 1, t)]
    mean = means[0] + (cov[0, 1] / cov[1, 1]).item() * (x_t - means[1])
    variance = (cov[0, 0] - cov[0, 1] ** 2 / cov[1, 1]).item()
    at = (schedule.beta[t], schedule.alpha_bar[t], schedule.alpha_bar[t - 1])
    of_x0, of_x_t = posterior_coefficients(*at)
    assert (of_x0 * x0 + of_x_t * x_t).item() == pytest.approx(mean, abs=1e-12)
    assert schedule.posterior_variance(t).item() == pytest.approx(variance, abs=1e-12)
    assert bayes_on_a_grid(schedule, t, x0, x_t) == pytest.approx((mean, variance), abs=1e-10)
    wrong, _ = posterior_coefficients(*at[:2], schedule.alpha_bar[t])
    assert abs(wrong - of_x0) * x0 > 1e-4


def test_the_first_step_back_ends_at_the_image():
    schedule = Schedule(30, torch.float64)
    of_x0, of_x_t = posterior_coefficients(
        schedule.beta[1], schedule.alpha_bar[1], schedule.alpha_bar[0]
    )
    assert (of_x0.item(), of_x_t.item()) == pytest.approx((1, 0))
    assert schedule.posterior_variance(1) == 0


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_every_prediction_is_a_way_to_say_which_image(prediction):
    schedule, x0, noise = Schedule(60, torch.float64), randn(60, 3), randn(60, 3, seed=1)
    t = torch.arange(60) + 1
    x_t = schedule.diffuse(x0, t, noise)
    target = schedule.target(prediction, x0, x_t, t)
    torch.testing.assert_close(schedule.image(prediction, target, x_t, t), x0)
    said = {"noise": noise, "image": x0}
    if prediction in said:
        torch.testing.assert_close(target, said[prediction])


def test_the_mean_from_noise_is_equation_11():
    schedule, x0, noise = Schedule(60, torch.float64), randn(60, 3), randn(60, 3, seed=1)
    t = torch.arange(60) + 1
    x_t = schedule.diffuse(x0, t, noise)
    beta, alpha_bar = schedule.beta[t][:, None], schedule.alpha_bar[t][:, None]
    written_out = (x_t - beta / (1 - alpha_bar).sqrt() * noise) / (1 - beta).sqrt()
    torch.testing.assert_close(schedule.target("mean", x0, x_t, t), written_out)


def test_the_weight_for_noise_is_that_of_equation_12():
    schedule, t = Schedule(60, torch.float64), torch.arange(60) + 1
    beta, alpha_bar = schedule.beta[t], schedule.alpha_bar[t]
    expected = beta**2 / (2 * beta * (1 - beta) * (1 - alpha_bar))
    torch.testing.assert_close(schedule.bound_weight("noise", t)[:, 0], expected)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_weighted_error_has_the_gradient_of_the_kl(prediction):
    schedule, t = Schedule(60, torch.float64), torch.tensor([2, 17, 60])
    x0, x_t = randn(3, 2), randn(3, 2, seed=1)
    output = randn(3, 2, seed=2).requires_grad_()
    variance = torch.stack([schedule.posterior_variance(int(each)) for each in t])[:, None]
    q = Normal(schedule.target("mean", x0, x_t, t), variance.sqrt())
    image = schedule.image(prediction, output, x_t, t)
    p = Normal(schedule.target("mean", image, x_t, t), schedule.beta[t][:, None].sqrt())
    (theirs,) = torch.autograd.grad(kl_divergence(q, p).sum(), output)
    missed = output - schedule.target(prediction, x0, x_t, t)
    weight = schedule.bound_weight(prediction, t)
    (ours,) = torch.autograd.grad((weight * missed.square()).sum(), output)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_loss_is_the_mean_over_times_that_can_be_enumerated(prediction, power):
    """Zeros for a network: then the expected loss is the weighted mean square of the target."""
    schedule = Schedule(30)
    model = DiffusionModel(
        Untrained(), schedule, 0, prediction=prediction, weight_power=power, null_share=1.0
    )
    x0 = randn(1, 2, dtype=torch.float32).expand(60_000, 2)
    expected = 0.0
    for t in range(1, 31):
        one = times(4000, t)
        x_t = schedule.diffuse(x0[:4000], one, randn(4000, 2, seed=t, dtype=torch.float32))
        square = schedule.target(prediction, x0[:4000], x_t, one).square().mean()
        weight = schedule.bound_weight(prediction, times(1, t)) ** power
        expected += weight.item() * square.item() / 30
    torch.manual_seed(0)
    found = model.loss(x0, torch.zeros(60_000, dtype=torch.long)).item()
    assert found == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("units", PREDICTIONS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_errors_in_other_units_are_those_of_what_the_output_stands_for(prediction, units):
    schedule, x0, x_t = Schedule(60, torch.float64), randn(60, 3), randn(60, 3, seed=1)
    output, t = randn(60, 3, seed=2), torch.arange(60) + 1
    missed = output - schedule.target(prediction, x0, x_t, t)
    image = schedule.image(prediction, output, x_t, t)
    meant = schedule.target(units, image, x_t, t) - schedule.target(units, x0, x_t, t)
    torch.testing.assert_close(schedule.exchange(prediction, units, t) * missed, meant)


def test_the_share_of_hidden_classes_is_that_asked_for():
    network, labels = Untrained(), torch.arange(40_000) % 4
    torch.manual_seed(0)
    DiffusionModel(network, Schedule(30), 4, null_share=0.2).loss(torch.zeros(40_000, 2), labels)
    (seen,) = network.labels
    hidden = seen == 4
    assert hidden.double().mean().item() == pytest.approx(0.2, abs=0.01)
    assert torch.equal(seen[~hidden], labels[~hidden])


def test_guidance_is_a_gradient_step_towards_the_class():
    """eps_c + w (eps_c - eps_0) = eps_c - sigma w grad log p(c | x_t), for exact scores."""
    mixture, schedule = Mixture(5, 0.45, 0.3), Schedule(40)
    network, t = ExactNoise(mixture, schedule), 12
    x, labels = randn(6, 2, dtype=torch.float32).requires_grad_(), torch.arange(6) % 5
    signal = schedule.alpha_bar[t].sqrt().item()
    noise = math.sqrt(1 - signal**2)
    log_p = mixture.log_joint(x, signal, noise).log_softmax(-1)  # log p(c | x_t)
    (gradient,) = torch.autograd.grad(log_p.gather(1, labels[:, None]).sum(), x)
    given, nothing = network(x, times(6, t), labels), network(x, times(6, t), times(6, 5))
    expected = given - noise * 1.7 * gradient
    torch.testing.assert_close(guide(given, nothing, 1.7), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(guide(given, nothing, 0.7), expected, atol=1e-2)  # w, not 1 + w


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_it_does_not_matter_what_is_guided(prediction):
    schedule, x_t, t = Schedule(40, torch.float64), randn(8, 3), torch.arange(8) + 1
    images = randn(8, 3, seed=1), randn(8, 3, seed=2)
    outputs = [schedule.target(prediction, image, x_t, t) for image in images]
    guided = schedule.image(prediction, guide(*outputs, 2.5), x_t, t)
    torch.testing.assert_close(guided, guide(*images, 2.5))


def test_a_model_is_asked_with_and_without_the_class():
    network = Untrained(1.0)
    model, labels = DiffusionModel(network, Schedule(30), 4), torch.tensor([0, 2])
    estimate = model.estimate(torch.zeros(2, 3), 5, labels, 2.0)
    assert [seen.tolist() for seen in network.labels] == [[0, 2], [4, 4]]
    noise = 3 * (1.0 + labels) - 2 * (1.0 + 4)
    expected = model.schedule.image("noise", noise[:, None], torch.zeros(2, 1), times(2, 5))
    torch.testing.assert_close(estimate, expected.clamp(-3, 3).expand(2, 3))
    assert estimate[0, 0] == 3  # it had exploded
    assert -3 < estimate[1, 0] < 3


def exact_gaussian(schedule, covariance):
    """E[x_0 | x_t] when x_0 ~ N(0, covariance), the linear estimator of that."""

    def estimate(x_t, t):
        alpha_bar = schedule.alpha_bar[t]
        eye = torch.eye(2, dtype=covariance.dtype)
        noisy = alpha_bar * covariance + (1 - alpha_bar) * eye
        return x_t @ torch.linalg.solve(noisy, alpha_bar.sqrt() * covariance)

    return estimate


def chain_covariance(schedule, estimate):
    """Covariance at the end of the sampler for a linear estimator: the recursion, no draws."""
    cov, eye = torch.eye(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    for t in range(schedule.n_steps, 0, -1):
        step = schedule.target("mean", estimate(eye, t), eye, times(2, t))
        cov = step.T @ cov @ step + (schedule.beta[t] * eye if t > 1 else 0)
    return cov


def test_samples_of_an_exact_model_of_a_gaussian_have_its_covariance():
    schedule = Schedule(200, torch.float64)
    estimate = exact_gaussian(schedule, BLOB)
    drawn = sample(lambda x, t: estimate(x.double(), t), schedule, 40_000, 2, generator()).T.cov()
    torch.testing.assert_close(drawn, chain_covariance(schedule, estimate), rtol=0.03, atol=0.02)
    torch.testing.assert_close(drawn, BLOB, rtol=0.03, atol=0.03)


def test_the_last_step_back_adds_no_noise_and_the_others_do():
    mean, noise = torch.zeros(2, 3), torch.ones(2, 3)
    assert torch.equal(reverse_step(mean, torch.tensor(0.5), noise, 1), mean)
    assert torch.equal(reverse_step(mean, torch.tensor(0.5), noise, 2), noise * 0.5)


def test_the_same_generator_draws_the_same_samples():
    schedule = Schedule(30)
    estimate = lambda x, t: 0.5 * x  # noqa: E731
    first, again, other = (sample(estimate, schedule, 3, 2, generator(s)) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def joint_kl(schedule, x0, estimate):
    """E over x_0 of KL(q(x_1..T | x_0) || p) - E log p(x_0 | x_1), T = 25, by sampling paths.

    Every term is a torch distribution, drawn from along the forward chain.
    """
    n, total = len(x0), 0.0
    path = [x0]
    for t in range(1, schedule.n_steps + 1):
        keep = (1 - schedule.beta[t]).sqrt()
        path.append(keep * path[-1] + schedule.beta[t].sqrt() * randn(*x0.shape, seed=t))
    for t in range(2, schedule.n_steps + 1):
        before = Normal((1 - schedule.beta[t]).sqrt() * path[t - 1], schedule.beta[t].sqrt())
        total += before.log_prob(path[t]).sum()
    total += (
        Normal((1 - schedule.beta[1]).sqrt() * x0, schedule.beta[1].sqrt()).log_prob(path[1]).sum()
    )
    total -= Normal(0.0, 1.0).log_prob(path[-1]).sum()
    for t in range(1, schedule.n_steps + 1):
        mean = schedule.target("mean", estimate(path[t], t), path[t], times(n, t))
        total -= Normal(mean, schedule.beta[t].sqrt()).log_prob(path[t - 1]).sum()
    return (total / n).item()


def test_the_bound_is_minus_the_elbo_of_whole_paths():
    """(3), the ratio of the two joint densities, against (5), reduced to one draw per t."""
    schedule = Schedule(25, torch.float64)
    x0 = MultivariateNormal(torch.zeros(2, dtype=torch.float64), BLOB).sample((40_000,))
    estimate = exact_gaussian(schedule, BLOB)
    found = bound(lambda x, t: estimate(x.double(), t), schedule, x0, generator())
    assert found == pytest.approx(joint_kl(schedule, x0, estimate), abs=0.02)


def test_the_bound_lies_above_the_truth_and_nears_it_with_more_steps():
    gaps = []
    narrow = BLOB / 25  # sigma_t^2 = beta_t suits unit variance at any T
    torch.manual_seed(0)
    x0 = MultivariateNormal(torch.zeros(2, dtype=torch.float64), narrow).sample((5000,))
    truth = -MultivariateNormal(torch.zeros(2, dtype=torch.float64), narrow).log_prob(x0).mean()
    for n_steps in (25, 100, 400):
        schedule = Schedule(n_steps, torch.float64)
        estimate = exact_gaussian(schedule, narrow)
        gaps.append(
            bound(lambda x, t, e=estimate: e(x.double(), t), schedule, x0, generator())
            - truth.item()
        )
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[2] < 0.1


def test_a_worse_estimate_has_a_worse_bound():
    schedule = Schedule(50, torch.float64)
    x0 = MultivariateNormal(torch.zeros(2, dtype=torch.float64), BLOB).sample((2000,))
    estimate = exact_gaussian(schedule, BLOB)
    good, bad = (
        bound(lambda x, t, k=k: k * estimate(x.double(), t), schedule, x0, generator())
        for k in (1.0, 0.8)
    )
    assert bad > good + 0.1


def test_the_mixture_is_the_one_of_torch():
    mixture = Mixture(5, 0.3, 0.4)
    theirs = MixtureSameFamily(
        Categorical(torch.ones(5)), Independent(Normal(mixture.means, 0.3), 1)
    )
    x = randn(50, 2, dtype=torch.float32)
    assert mixture.nll(x) == pytest.approx(-theirs.log_prob(x).mean().item(), rel=1e-5)


def test_exact_noise_is_the_score_of_the_diffused_mixture():
    mixture, schedule, t = Mixture(3, 0.3, 0.4), Schedule(40), 9
    signal, noise = schedule.alpha_bar[t].sqrt(), (1 - schedule.alpha_bar[t]).sqrt()
    width = ((signal * 0.3) ** 2 + noise**2).sqrt()
    network, x = ExactNoise(mixture, schedule), randn(7, 2, dtype=torch.float32).requires_grad_()
    whole = MixtureSameFamily(
        Categorical(torch.ones(3)), Independent(Normal(signal * mixture.means, width), 1)
    )
    (score,) = torch.autograd.grad(whole.log_prob(x).sum(), x)
    torch.testing.assert_close(network(x, times(7, t), times(7, 3)), -noise * score)
    one = Independent(Normal(signal * mixture.means[1], width), 1)
    (score,) = torch.autograd.grad(one.log_prob(x).sum(), x)
    torch.testing.assert_close(network(x, times(7, t), times(7, 1)), -noise * score)
    blind = ExactNoise(mixture, schedule, informed=False)
    assert torch.equal(blind(x, times(7, t), times(7, 1)), network(x, times(7, t), times(7, 3)))


def test_samples_with_exact_noise_are_of_the_class_asked_for():
    mixture, schedule = Mixture(5, 0.15, 0.4), Schedule(100)
    model = DiffusionModel(ExactNoise(mixture, schedule), schedule, 5)
    labels = torch.arange(2000) % 5
    drawn = sample(lambda x, t: model.estimate(x, t, labels), schedule, 2000, 2, generator())
    assert (mixture.classify(drawn) == labels).double().mean() > 0.99
    assert drawn[labels == 2].var(0).sqrt().mean().item() == pytest.approx(0.15, rel=0.1)


def test_the_kernel_distance_is_that_of_pairs_counted_one_by_one():
    x, y = randn(5, 2, dtype=torch.float32), randn(6, 2, seed=1, dtype=torch.float32) + 0.5
    distances = sorted(math.dist(a, b) for i, a in enumerate(y) for b in y[:i])
    width = distances[(len(distances) - 1) // 2] / 3

    def k(a, b):
        return math.exp(-(math.dist(a, b) ** 2) / (2 * width**2))

    within_x = sum(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / 20
    within_y = sum(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / 30
    between = sum(k(a, b) for a in x for b in y) / 30
    assert kernel_distance(x, y) == pytest.approx(within_x + within_y - 2 * between, abs=1e-6)


def test_the_kernel_sees_what_two_moments_do_not():
    ring_points, _ = Mixture(5, 0.15, 0.0).draw(1500, generator(0))
    real, _ = Mixture(5, 0.15, 0.0).draw(1500, generator(1))
    gaussian = matched_gaussian(ring_points, 1500, generator(2))
    assert kernel_distance(gaussian, real) > 20 * abs(kernel_distance(ring_points, real))
    assert frechet_distance(gaussian, real) < 0.02


def test_frechet_s_distance_of_shifted_and_stretched_gaussians():
    x = randn(200_000, 2, seed=3)
    moved = 2 * randn(200_000, 2, seed=4) + torch.tensor([3.0, 0.0])
    assert frechet_distance(x, moved) == pytest.approx(9 + 2 * (2 - 1) ** 2, rel=0.01)
    turned = x @ torch.linalg.cholesky(BLOB).T
    roots = torch.linalg.eigvalsh(BLOB).sqrt().sum().item()
    expected = 2 + torch.trace(BLOB).item() - 2 * roots
    assert frechet_distance(x, turned) == pytest.approx(expected, rel=0.05)


def test_a_matched_gaussian_has_the_moments_and_no_more():
    x = randn(300, 4, dtype=torch.float32).square()
    drawn = matched_gaussian(x, 100_000, generator())
    torch.testing.assert_close(drawn.mean(0), x.mean(0), rtol=0.05, atol=0.02)
    torch.testing.assert_close(drawn.T.cov(), x.T.cov(), rtol=0.1, atol=0.05)


def test_spread_is_that_within_a_class():
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [9.0, 5.0], [9.0, 7.0]])
    assert class_spread(x, torch.tensor([0, 0, 1, 1])) == pytest.approx(2.0)


def test_the_judge_of_images_never_saw_the_training_set():
    run = Run(seed=0, data_names=("digits",))
    split, judge = read_examples(run, "digits", 1100)
    assert (judge(split.test.inputs) == split.test.classes).all()
    assert 0.95 < (judge(split.train.inputs) == split.train.classes).double().mean() < 1
    assert split.train.inputs.min() == -1
    assert split.train.inputs.max() == 1


def test_shuffled_labels_are_the_same_labels_and_tell_nothing():
    true, _ = read_examples(Run(seed=0), "gaussians", 0)
    shuffled, judge = read_examples(Run(seed=0), "gaussians", 0, "shuffled")
    assert torch.equal(true.train.inputs, shuffled.train.inputs)
    assert torch.equal(true.train.classes.bincount(), shuffled.train.classes.bincount())
    agreement = (judge(shuffled.train.inputs) == shuffled.train.classes).double().mean()
    assert agreement.item() == pytest.approx(0.2, abs=0.02)


def test_every_seed_has_a_ring_of_its_own():
    assert not torch.allclose(ring(Run(seed=0), 0.1).means, ring(Run(seed=1), 0.1).means)
    split = draw_points(Run(seed=0), ring(Run(seed=0), 0.1))
    assert not torch.equal(split.train.inputs[:2000], split.test.inputs)


def test_the_network_sees_noise_time_and_class():
    torch.manual_seed(0)
    network, x = ResidualMLP(6, 3, 16), randn(4, 6, dtype=torch.float32)
    base = network(x, times(4, 3), times(4, 1))
    for other in (
        network(x + 1, times(4, 3), times(4, 1)),
        network(x, times(4, 9), times(4, 1)),
        network(x, times(4, 3), times(4, 3)),
    ):
        assert (other - base).abs().max() > 1e-3


def test_the_identities_hold_and_the_broken_ones_do_not():
    good = identities(Run(seed=0), instances=20)
    bad = identities(Run(seed=0), instances=20, numerator="now", weights="simple")
    assert max(good.values()) < 1e-11
    assert min(bad.values()) > 1e-2


def test_a_short_training_already_learns_points():
    found = likelihood_bound(Run(seed=0), steps=1000)
    assert found["true_nll"] < found["bound"] < found["gaussian_nll"]


def exact_and_schedule(n_steps):
    schedule = Schedule(n_steps)
    return ExactNoise(Mixture(5, 0.15, 0.3), schedule), schedule


def test_pictures_are_kept_of_one_seed_only():
    kept = []
    for seed in (0, 1):
        run = Run(seed=seed, data_names=("digits",))
        found = objective(run, n_steps=25, steps=2, n_samples=30)
        assert found["real_kernel"] < found["gaussian_kernel"] < found["noise_kernel"]
        kept.append(set(run.kept))
    film = {"times", "backward", "beliefs", "forward"}
    assert kept == [{"samples", "gaussian", "real"} | film, set()]


def test_what_is_kept_of_large_images_leaves_room_for_the_rest():
    assert [len(few(torch.zeros(600, d), 300)) for d in (2, 64, 784)] == [300, 125, 10]
    assert len(few(torch.zeros(600, 64), 20)) == 20


def test_a_film_shows_the_way_and_does_not_change_it():
    schedule, exact = Schedule(25), DiffusionModel(*exact_and_schedule(25), 5)
    film = Film(exact.estimate, schedule, 3)
    drawn = sample(film, schedule, 8, 2, generator())
    assert torch.equal(drawn, sample(exact.estimate, schedule, 8, 2, generator()))
    frames, beliefs = film.frames(drawn), film.beliefs()
    assert torch.equal(frames[0], torch.randn(8, 2, generator=generator())[:3])
    assert torch.equal(frames[-1], drawn[:3])
    for t, x, believed in zip(snapshot_times(schedule), frames, beliefs, strict=False):
        assert torch.allclose(believed, exact.estimate(x, t))
    assert len(frames) == len(beliefs) + 1


def test_noised_examples_are_as_noisy_as_the_schedule_says():
    schedule = Schedule(100)
    frames = noised(schedule, torch.full((20_000, 2), 3.0), generator())
    assert torch.equal(frames[-1], torch.full((20_000, 2), 3.0))
    for t, x in zip(snapshot_times(schedule), frames, strict=False):
        assert float(x.mean()) == pytest.approx(3 * float(schedule.alpha_bar[t].sqrt()), abs=0.02)
        assert float(x.var()) == pytest.approx(1 - float(schedule.alpha_bar[t]), abs=0.02)


def test_scores_are_gradients_of_the_log_density():
    exact, schedule = exact_and_schedule(40)
    found = scores(DiffusionModel(exact, schedule, 5).estimate, schedule)
    line = torch.linspace(-EDGE, EDGE, CELLS)
    for i, t in enumerate(snapshot_times(schedule)[1:], start=1):  # at T estimates are clipped
        x = torch.cartesian_prod(line, line).requires_grad_()  # x_1 slowly
        alpha_bar = float(schedule.alpha_bar[t])
        log_p = exact.mixture.log_joint(x, alpha_bar**0.5, (1 - alpha_bar) ** 0.5).logsumexp(-1)
        (expected,) = torch.autograd.grad(log_p.sum(), x)
        assert torch.allclose(
            found[i].transpose(0, 1).flatten(0, 1),
            expected,
            atol=2e-3 * float(expected.abs().max()),
        )


def test_exact_guidance_is_sure_of_its_class_and_narrow():
    found = guidance(Run(seed=1), data="gaussians", denoiser="exact", n_steps=50, reach=3.0)
    assert found["acc_w0"] == pytest.approx(found["real_acc"], abs=0.06)
    assert found["acc_null"] == pytest.approx(0.2, abs=0.06)
    assert found["acc_w1"] > found["acc_w0"] + 0.1
    assert found["spread_w2"] < 0.8 * found["spread_w0"]


def test_a_bound_of_an_exact_denoiser_is_a_bound():
    found = likelihood_bound(Run(seed=0), denoiser="exact", n_steps=100)
    assert found["true_nll"] < found["bound"] < found["gaussian_nll"]


def test_diffusing_keeps_the_variance_of_standard_data():
    x0, noise = randn(100_000, 1), randn(100_000, 1, seed=1)
    for alpha_bar in (0.1, 0.5, 0.9):
        x_t = diffuse(x0, noise, torch.tensor(alpha_bar, dtype=torch.float64))
        assert x_t.var().item() == pytest.approx(1, abs=0.02)
