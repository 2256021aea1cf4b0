import base64
import math

import numpy as np
import pytest
import torch
from torch import nn

from paperbench.errors import DataError, RunError
from paperbench.lab import Diverged, OutOfTime, Run, first_step
from paperbench.lab.keeping import MOST_BYTES


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.last = nn.Linear(4, 2)


class WithGate(nn.Module):
    """The same layers with another one between them."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.gate = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)


def test_arms_share_every_weight_that_they_both_have():
    plain, gated = Run(seed=3).build(Plain), Run(seed=3).build(WithGate)
    assert torch.equal(plain.first.weight, gated.first.weight)
    assert torch.equal(plain.last.weight, gated.last.weight)
    assert not torch.equal(gated.gate.weight[:2], gated.last.weight)


def test_another_seed_gives_other_weights():
    assert not torch.equal(
        Run(seed=3).build(Plain).first.weight, Run(seed=4).build(Plain).first.weight
    )


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    Run(seed=0).build(Plain)
    assert torch.equal(before, torch.get_rng_state())


def test_a_parent_may_rescale_its_children_after_they_are_drawn():
    class Scaled(Plain):
        def reset_parameters(self):
            with torch.no_grad():
                self.last.weight.mul_(0.5)

    plain, scaled = Run(seed=3).build(Plain), Run(seed=3).build(Scaled)
    assert torch.equal(plain.last.weight * 0.5, scaled.last.weight)


def test_generators_of_two_purposes_are_independent_and_repeatable():
    run = Run(seed=5)
    a = torch.rand(4, generator=run.generator("a"))
    b = torch.rand(4, generator=run.generator("b"))
    assert not torch.equal(a, b)
    assert torch.equal(a, torch.rand(4, generator=Run(seed=5).generator("a")))
    assert run.rng("a").random() == Run(seed=5).rng("a").random()


def test_a_run_reads_only_the_dataset_that_its_key_covers():
    with pytest.raises(DataError, match="reads dataset `mnist`, but its parameters name `digits`"):
        Run(seed=0, data_names=["digits"]).data("mnist")


def test_what_is_kept_comes_back_as_float32():
    run = Run(seed=0)
    run.keep("weights", torch.tensor([[1.5, 2.0, -3.0]]))
    run.keep("codes", np.arange(4).reshape(2, 2))
    assert run.kept["weights"]["shape"] == [1, 3]
    values = np.frombuffer(base64.b64decode(run.kept["weights"]["float32"]), "<f4")
    assert values.tolist() == [1.5, 2.0, -3.0]
    run.keep("weights", np.zeros(MOST_BYTES // 4 - 4))  # in the place of the others
    with pytest.raises(RunError, match="`more`, 1, the run keeps more than 240 kB"):
        run.keep("more", np.zeros(1))


def test_a_figure_is_kept_with_what_to_see():
    run = Run(seed=0)
    run.figure("curve", np.eye(3), draw="lines", caption="A line.", x="step", labels=["a", "b"])
    told = run.kept["curve"]["figure"]
    assert (told["draw"], told["x"], told["labels"]) == ("lines", "step", ["a", "b"])
    with pytest.raises(RunError, match=r"shape \(3, 3\) cannot be drawn as images"):
        run.figure("faces", np.eye(3), draw="images", caption="")


def test_attention_is_kept_to_one_255th():
    run = Run(seed=0)
    weights = torch.tensor([[0.25, 0.75], [1.0, 0.0]]).reshape(1, 1, 2, 2)
    run.attention("pair", weights, queries=["a", "b"], decay=weights.flip(-1))
    kept = run.kept["attention/pair"]
    assert list(base64.b64decode(kept["weights"])) == [64, 191, 255, 0]
    assert list(base64.b64decode(kept["decay"])) == [191, 64, 0, 255]
    assert kept["keys"] == kept["queries"] == ["a", "b"]


def test_attention_that_cannot_be_is_refused():
    run, weights = Run(seed=0), torch.full((1, 1, 2, 3), 1 / 3)
    with pytest.raises(RunError, match="there are 2 queries and 2 keys"):
        run.attention("pair", weights, queries=["a", "b"])
    run.attention("pair", weights, queries=["a", "b"], keys=["c", "d", "e"])
    with pytest.raises(RunError, match="decay lie outside"):
        run.attention("pair", weights, queries=["a", "b"], keys=["c", "d", "e"], decay=-weights)
    side = ["a"] * 400
    with pytest.raises(RunError, match="`attention/large`, 1x2x400x400, the run keeps more"):
        run.attention("large", torch.zeros(1, 2, 400, 400), queries=side)


@pytest.mark.parametrize(
    ("level", "step"), [(0.5, 10.0), (0.9, 20.0), (0.95, 400.0)], ids=["first", "later", "never"]
)
def test_the_time_to_an_event_is_censored_at_the_budget(level, step):
    curve = [[0, 0.1], [10, 0.6], [20, 0.92], [30, 0.3]]
    assert first_step(curve, lambda value: value >= level, budget=400) == step


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_stops_the_run(value):
    with pytest.raises(Diverged, match="loss is .* at step 7"):
        Run(seed=0).progress(7, 10, loss=value)


def test_a_run_stops_at_its_time_limit():
    with pytest.raises(OutOfTime, match="over the time limit at step 2 of 9"):
        Run(seed=0, time_limit=-1.0).progress(2, 9)
