"""Replicates that train together: each as it would alone, whoever is beside it."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import Diverged, Run, Watch, adam, cross_entropy, sgd, warmup_cosine
from paperbench.lab.gpu import Gpu
from paperbench.lab.stacking import Unstackable, stack_batches
from paperbench.lab.together import Together, Unrepeatable, train_together
from paperbench.lab.training import Replicate, Training, train_alone
from paperbench.lab.trial import measure_gain, try_together


class Net(nn.Module):
    """What is not the same for every replicate: weights, a buffer, dropout masks, noise."""

    def __init__(self, width=8, rate=0.3):
        super().__init__()
        self.rate = rate
        self.first, self.second = nn.Linear(5, width), nn.Linear(width, 2)
        self.tied = self.first  # the same tensors under another name
        self.register_buffer("mask", torch.ones(width))

    def reset_parameters(self):
        self.mask = torch.rand(len(self.mask)).round()

    def forward(self, x):
        h = F.dropout(self.tied(x).relu(), self.rate, self.training) * self.mask
        h = h + 0.1 * torch.randn_like(h) * torch.rand(h.shape[-1])
        return self.second(h * torch.rand_like(h).lt(0.8))


def batches(generator):
    while True:
        inputs = torch.randn(16, 5, generator=generator)
        yield inputs, (inputs[:, 0] > 0).long()


def training(seed, **changes):
    run = Run(seed=seed)
    settings = {
        "build": Net,
        "batches": batches,
        "loss": cross_entropy,
        "optimizer": adam(1e-2),
        "steps": 30,
        "schedule": warmup_cosine(),
        "clip": 0.5,
        "padding": None,
        "gpu": Gpu(),
    }
    return Training(run, **(settings | changes))


def together(seeds, **changes):
    trainings = [training(seed, **changes) for seed in seeds]
    return trainings, train_together(trainings, try_together(trainings))


@pytest.mark.parametrize("optimizer", [adam(1e-2), sgd(0.1, momentum=0.9)])
def test_a_replicate_becomes_what_it_becomes_alone(optimizer):
    trainings, trained = together([0, 1, 2], optimizer=optimizer)
    for seed, (asked, each) in enumerate(zip(trainings, trained, strict=True)):
        alone = training(seed, optimizer=optimizer)
        torch.manual_seed(99)
        fit = train_alone(alone)
        assert not each.result.model.training
        for mine, own in zip(each.result.model.parameters(), fit.model.parameters(), strict=True):
            torch.testing.assert_close(mine, own, rtol=1e-4, atol=1e-6)
        assert [step for step, _ in each.result.losses] == [step for step, _ in fit.losses]
        torch.testing.assert_close(each.result.losses, fit.losses, rtol=1e-4, atol=1e-6)
        assert asked.run.budget == alone.run.budget
        # What the run draws next, after training, is the same too.
        assert torch.equal(each.draws, torch.get_rng_state())


def weight(model):
    torch.rand(1)  # a measurement that draws shifts no draw of the training
    return {"weight": next(model.parameters()).sum().item(), "training": float(model.training)}


def test_what_is_watched_is_the_curve_of_each_alone():
    trainings, trained = together([0, 1], watch=Watch(every=12, measure=weight))
    for seed, (asked, each) in enumerate(zip(trainings, trained, strict=True)):
        alone = training(seed, watch=Watch(every=12, measure=weight))
        train_alone(alone)
        unwatched = train_alone(training(seed))
        curves = asked.run.curves
        assert [step for step, _ in curves["weight"]] == [0, 12, 24, 30]
        assert {value for _, value in curves["training"]} == {0.0}
        torch.testing.assert_close(curves["weight"], alone.run.curves["weight"], rtol=1e-4, atol=0)
        assert alone.run.curves["weight"][-1][1] == weight(unwatched.model)["weight"]
        assert curves["weight"][-1][1] == weight(each.result.model)["weight"]


def test_who_is_watched_and_not_finite_ends_alone():
    first = Run(seed=0).build(Net)

    def measure(model):
        begins_as_first = torch.equal(next(model.parameters()), next(first.parameters()))
        return {"value": math.nan if begins_as_first else 1.0}

    _, trained = together([0, 1], watch=Watch(every=12, measure=measure))
    assert isinstance(trained[0].result, Diverged)
    assert not isinstance(trained[1].result, Diverged)


def test_who_trains_beside_it_changes_no_bit():
    (few, many, one) = (together(seeds)[1] for seeds in ([2, 5], [5, 0, 1, 2], [2]))
    for a, b, c in zip(
        *(each.result.model.state_dict().values() for each in (few[0], many[3], one[0])),
        strict=True,
    ):
        assert torch.equal(a, b) and torch.equal(b, c)


def test_a_replicate_that_diverges_leaves_the_others_alone():
    def poisoned(generator):
        broken = generator.initial_seed() == Run(seed=1).generator("batches").initial_seed()
        for step, (inputs, classes) in enumerate(batches(generator)):
            yield (inputs * math.nan if broken and step > 3 else inputs), classes

    _, trained = together([0, 1, 2], batches=poisoned)
    assert isinstance(trained[1].result, Diverged)
    _, healthy = together([0, 2])
    for mine, own in ((trained[0], healthy[0]), (trained[2], healthy[1])):
        for a, b in zip(mine.result.model.parameters(), own.result.model.parameters(), strict=True):
            assert torch.equal(a, b)


def test_gradients_are_clipped_replicate_by_replicate():
    def scaled(generator):
        factor = 100.0 if generator.initial_seed() == first else 1e-3
        for inputs, classes in batches(generator):
            yield inputs * factor, classes

    first = Run(seed=0).generator("batches").initial_seed()
    _, trained = together([0, 1], batches=scaled, optimizer=sgd(0.1), clip=0.1)
    for seed, each in enumerate(trained):
        fit = train_alone(training(seed, batches=scaled, optimizer=sgd(0.1), clip=0.1))
        for mine, own in zip(each.result.model.parameters(), fit.model.parameters(), strict=True):
            torch.testing.assert_close(mine, own, rtol=1e-4, atol=1e-6)


class Whole(torch.optim.SGD):
    """An optimiser of which nothing is known."""


class Counted(nn.Module):
    """The second forward pass of a process is another one than the first."""

    calls = 0

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 2)

    def forward(self, x):
        Counted.calls += 1
        return self.layer(x) * Counted.calls


REFUSED = {
    "a structure that differs": ({0: {"build": Net}, 1: {"build": lambda: Net(6)}}, Unstackable),
    "an attribute that differs": (
        {0: {"build": Net}, 1: {"build": lambda: Net(rate=0.1)}},
        Unstackable,
    ),
    "a loss that differs": (
        {0: {}, 1: {"loss": lambda model, batch: cross_entropy(model, batch)}},
        Unstackable,
    ),
    "a schedule that differs": ({0: {}, 1: {"schedule": warmup_cosine(floor=0.5)}}, Unstackable),
    "a learning rate that differs": ({0: {}, 1: {"optimizer": adam(2e-2)}}, Unstackable),
    "steps that differ": ({0: {}, 1: {"steps": 31}}, Unstackable),
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_what_differs_in_more_than_numbers_is_not_stacked(changes):
    by_seed, problem = changes
    with pytest.raises(problem):
        try_together([training(seed, **own) for seed, own in by_seed.items()])


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": lambda parameters: Whole(parameters, lr=0.1)},
        {"build": Counted},
        {"loss": lambda model, batch: model(batch[0]).square().sum() * batch[1].sum().item()},
        {"loss": lambda model, batch: cross_entropy(model, batch) * torch.rand(()).normal_()},
        {"batches": lambda generator: iter([(torch.ones(4, 5), "text")] * 99)},
    ],
)
def test_what_vmap_cannot_do_or_does_otherwise_is_found_before_training(changes):
    with pytest.raises((Unstackable, RuntimeError)):
        try_together([training(seed, **changes) for seed in range(2)])


def test_a_stream_that_goes_on_where_the_last_one_stopped_is_found_before_a_step_counts():
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    trainings = [
        training(seed, batches=lambda _, own=generator: batches(own))
        for seed, generator in enumerate(generators)
    ]
    with pytest.raises((Unrepeatable, Unstackable)):
        train_together(trainings, try_together(trainings))


def test_batches_of_unequal_length_are_filled_up_where_that_is_allowed():
    short, long = torch.ones(2, 3, dtype=torch.long), torch.ones(2, 5, dtype=torch.long)
    weights = torch.ones(2)
    (stacked, _) = stack_batches([(short, weights), (long, weights)], padding=7)
    assert stacked.shape == (2, 2, 5)
    assert stacked[0].tolist() == [[1, 1, 1, 7, 7]] * 2
    with pytest.raises(Unstackable, match="shapes"):
        stack_batches([short, long])
    with pytest.raises(Unstackable):
        stack_batches([short.float(), long.float()], padding=7)


def test_a_dictionary_of_tensors_is_stacked_by_name():
    assert stack_batches([{"a": torch.zeros(3)}, {"a": torch.ones(3)}])["a"].shape == (2, 3)


def test_a_gain_is_a_ratio_of_times_and_leaves_no_trace(monkeypatch):
    clock = itertools.count()  # on which every step takes as long, of one or of three
    monkeypatch.setattr("paperbench.lab.trial.time.perf_counter", lambda: float(next(clock)))
    trainings = [training(seed) for seed in range(3)]
    before = torch.get_rng_state()
    assert measure_gain(trainings) == 3
    assert torch.equal(torch.get_rng_state(), before)
    assert all(asked.run.budget == {} and asked.run.curves == {} for asked in trainings)


def test_parameters_of_one_replicate_are_no_part_of_another():
    company = Together([Replicate(training(seed)) for seed in range(2)])
    assert [tensor.shape[0] for tensor in company.stacked] == [2] * len(company.stacked)
    # The tied layer is one tensor under two names.
    assert len({id(tensor) for tensor in company.tensors}) == len(company.stacked)
