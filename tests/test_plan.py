import dataclasses

import pytest
from claims_in_tests import write_claims

from paperbench import plan
from paperbench.ledger import FinishedRun, Ledger
from paperbench.plan import Site, forecast, plan_claim, plan_run, why_stale
from paperbench.registry import find
from paperbench.spec import load_claim_file

SITE = Site("quick", "cpu")


def a_run(seed=0, site=SITE, name="trial/draw", **params):
    info = find(name)
    return plan_run(info, {**info.defaults, **params}, seed, site, label="trial/draws low")


def done(run, **changes):
    return dataclasses.replace(
        FinishedRun(
            key=run.key,
            lineage=run.lineage,
            status="done",
            metrics={"value": 1.0},
            seconds=2.0,
            inputs=dict(run.inputs),
        ),
        **changes,
    )


def test_the_same_run_has_the_same_key_and_any_difference_another():
    base = a_run()
    assert base.key == a_run().key
    others = [a_run(seed=1), a_run(mean=1.0), a_run(site=Site("quick", "cuda:0"))]
    assert len({base.key, *(other.key for other in others)}) == 4
    assert a_run(site=Site("quick", "cuda:0")).key == a_run(site=Site("quick", "cuda:1")).key
    assert base.key == a_run(site=Site("full", "cpu")).key, "a tier is only its parameters"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("_torch_version", lambda: "99.0"), "torch {torch} → 99.0"),
        (
            ("_source_inputs", lambda module: {"source trial_experiments": "other"}),
            "source paperbench.lab changed",
        ),
        (("_data_sha256", lambda name: "other"), "data digits changed"),
    ],
)
def test_a_change_of_code_data_or_torch_makes_a_run_stale_and_says_why(
    tmp_path, monkeypatch, change, reason
):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    before = a_run(name="trial/fit")
    ledger.put(done(before))
    monkeypatch.setattr(plan, *change)
    after = a_run(name="trial/fit")
    assert after.key != before.key
    assert reason.format(torch=before.inputs["torch"]) in why_stale(after, ledger)


def test_forecast_sorts_runs_and_estimates_the_rest_from_their_own_kind(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.put(done(a_run(0)))
    cost = forecast([a_run(0), a_run(1), a_run(2)], ledger, {})
    assert (cost.count("cached"), cost.count("new"), cost.count("stale")) == (1, 2, 0)
    assert cost.seconds == 4.0
    assert forecast([a_run(0)], ledger, {}, fresh=True).count("new") == 1


def test_an_arm_that_never_ran_is_estimated_from_records_or_not_at_all(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert forecast([a_run(0)], ledger, {}).unknown == 1
    assert forecast([a_run(0)], ledger, {"trial/draws low": 7.0}).seconds == 7.0


def test_a_claim_needs_its_arms_and_a_control_that_shares_what_it_does_not_change(tmp_path):
    file = load_claim_file(write_claims(tmp_path) / "draws.yaml")
    runs = plan_claim(file, file.claims["high-is-higher"], SITE, seeds=3)
    assert list(runs.arms) == ["high", "low"]
    assert [run.seed for run in runs.arms["low"]] == [0, 1, 2]
    assert runs.control["low"][0].key == runs.arms["low"][0].key
    assert runs.control["high"][0].params["mean"] == 0.01
    assert runs.control["high"][0].label == "draws/draws high control"
    assert len(runs.every()) == 9


def test_a_run_that_is_timed_is_never_one_that_ran_beside_others():
    info = find("trial/draw")
    alone = plan_run(info, info.defaults, 0, SITE, label="x", exclusive=True)
    assert alone.key != a_run().key
