"""The probe: it repeats where the process does, and says so where it does not."""

import itertools

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from paperbench.engine import determinism
from paperbench.engine.determinism import Comparison, compare_with_a_worker, probe, probed
from paperbench.engine.execute import execute
from paperbench.plan import Site, plan_run
from paperbench.registry import find


@pytest.fixture
def forgotten():
    """Nothing is remembered of an earlier probe, and nothing of this one remains."""
    probed.cache_clear()
    yield
    probed.cache_clear()


@pytest.fixture
def restless(monkeypatch, forgotten):
    """The probe's network computes something else on every call, as an atomic addition may."""
    calls = itertools.count()

    class Restless(determinism._Network):
        def forward(self, tokens):
            return super().forward(tokens) * (1 + 1e-6 * next(calls))

    monkeypatch.setattr(determinism, "_Network", Restless)


def run_of(experiment, **params):
    info = find(experiment)
    site = Site("quick", "cpu")
    return plan_run(info, {**info.defaults, **params}, 0, site, label="trial")


def test_the_probe_repeats_whatever_state_the_process_is_in():
    digest = probe("cpu")
    assert digest is not None
    assert len(digest) == 16
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    try:
        assert probe("cpu") == digest
    finally:
        torch.set_default_dtype(torch.float32)


def test_another_order_of_summing_gives_another_digest(monkeypatch):
    before = probe("cpu")
    monkeypatch.setattr(
        determinism.F,
        "softmax",
        lambda scores, axis: scores.exp() / scores.flip(axis).exp().sum(axis, keepdim=True),
    )
    assert probe("cpu") not in (None, before)


def test_training_that_differs_from_itself_has_no_digest(restless):
    assert probe("cpu") is None


class Operations(TorchDispatchMode):
    """Counts the operations of torch that are carried out within."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_the_probe_takes_no_time_worth_mentioning():
    """Counted, not timed: so much was 0.06 s on the slowest machine tried."""
    with Operations() as operations, FlopCounterMode(display=False) as flops:
        probe("cpu")
    assert 0 < operations.count < 12_000
    assert 0 < flops.get_total_flops() < 1.2e9


def test_a_run_says_what_the_probe_found_once_a_process(forgotten, monkeypatch):
    probes = []
    monkeypatch.setattr(determinism, "probe", lambda device: probes.append(device) or "0123")
    outcomes = [execute(run_of("trial/draw")), execute(run_of("trial/draw", mean=1.0))]
    assert [outcome.environment["determinism"] for outcome in outcomes] == ["0123", "0123"]
    assert probes == ["cpu"]


def test_the_run_of_a_process_that_does_not_repeat_says_so(restless):
    assert execute(run_of("trial/draw")).environment["determinism"] is None


def test_a_device_that_cannot_carry_the_probe_out_loses_no_run(forgotten, monkeypatch):
    def lacking(device):
        raise NotImplementedError("no such operation")

    monkeypatch.setattr(determinism, "probe", lacking)
    outcome = execute(run_of("trial/draw"))
    assert outcome.status == "done"
    assert "determinism" not in outcome.environment


def test_a_fresh_process_computes_the_same_bits():
    found = compare_with_a_worker("cpu")
    assert found.bitwise, found
    assert found.text("cpu").startswith("bitwise the same here and in a worker (cpu, probe ")
    assert found.mend() == ""


def test_only_the_process_that_does_not_repeat_is_named(restless):
    found = compare_with_a_worker("cpu")  # the worker's network is the real one
    assert not found.bitwise
    assert found.text("cpu") == "the same seed gives other numbers each time here (cpu)"
    assert "--device cpu" in found.mend()


@pytest.mark.parametrize(
    ("here", "worker", "text"),
    [
        ("aa", "bb", "a worker gets other numbers: bb, here aa (cpu)"),
        ("aa", None, "the same seed gives other numbers each time in a worker (cpu)"),
        (None, None, "the same seed gives other numbers each time here and in a worker (cpu)"),
    ],
)
def test_a_difference_is_told_with_its_place_and_with_what_to_do(here, worker, text):
    found = Comparison(here, worker)
    assert not found.bitwise
    assert found.text("cpu") == text
    assert found.mend()
