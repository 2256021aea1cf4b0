"""The exhibit: models of random tokens stand at chance, and the bench says so of every claim."""

import math
import re
from pathlib import Path

import pytest
import torch

from paperbench.engine.pool import InProcess
from paperbench.errors import SpecErrors
from paperbench.exhibits.random_tokens import language_model
from paperbench.judge.outcome import outcome
from paperbench.judge.record import Guard
from paperbench.lab import Run
from paperbench.ledger import Ledger
from paperbench.plan import Site
from paperbench.report.explain import explain
from paperbench.spec import load_claim_file, select
from paperbench.verify import Options, verify

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "claims"
TINY = {"vocab_size": 100, "d_model": 16, "seq_len": 8, "batch_size": 4, "steps": 20}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Judge the claims of the real file, by name, at a size that trains in seconds."""
    folder = tmp_path_factory.mktemp("exhibit")
    text = (CLAIMS / "exhibits" / "random-tokens.yaml").read_text()
    tiny = ", ".join(f"{name}: {value}" for name, value in TINY.items())
    text, count = re.subn(r"quick: \{\}", f"quick: {{{tiny}, eval_tokens: 2048}}", text)
    assert count == 2
    (folder / "exhibits").mkdir()
    path = folder / "exhibits" / "random-tokens.yaml"
    path.write_text(text)
    file = load_claim_file(path, folder=folder)
    selected = [(one.file, one.claim) for one in select([file], ["exhibits/*"])]

    def judge(**options):
        ledger = Ledger(folder / "ledger.sqlite")
        asked = Options(Site("quick", "cpu"), **options)
        found = [record for _, record in verify(selected, asked, ledger, InProcess)]
        ledger.close()
        return {record.claim: record for record in found}

    return judge


@pytest.fixture(scope="module")
def records(judged):
    return list(judged().values())


def test_every_claim_is_vacuous_or_inconclusive_and_none_was_expected_to_be(records):
    assert len(records) == 5
    verdicts = {record.claim: record.verdict for record in records}
    assert set(verdicts.values()) <= {"VACUOUS", "INCONCLUSIVE"}, verdicts
    assert list(verdicts.values()).count("VACUOUS") >= 3, verdicts
    assert {record.expected for record in records} == {"PASS"}
    assert not any(record.as_expected for record in records)


def test_the_reason_is_one_sentence_that_names_chance(records):
    from records_in_tests import paper

    for record in records:
        if record.verdict == "VACUOUS":
            assert re.fullmatch(
                r"the check holds and means nothing, says the chance guard: on seed \d+ "
                r"\w+\.\w+ is [\d.]+, no better than chance \(uniform_\w+ [\d.]+\)",
                record.summary,
            )
            assert outcome(record.verdict, record.expected) == "unexpected"
        screen = " ".join(explain(paper(record), record).split())
        assert f"verdict {record.verdict}: {record.summary}" in screen


def test_with_the_one_seed_of_the_script_nothing_is_decided(judged):
    found = judged(seeds=1).values()
    assert {record.verdict for record in found} == {"INCONCLUSIVE"}
    assert {record.summary for record in found} == {"one seed decides nothing"}


def test_with_no_floor_the_control_catches_what_it_can_and_two_checks_about_gates_pass(
    judged, monkeypatch
):
    """Why the floor matters: these two checks do not ask what their statements say."""

    def content(*_):
        return Guard(name="chance", ok=True, detail="switched off")

    monkeypatch.setattr("paperbench.judge.guards.chance", content)
    found = judged()
    for name in ("flat-to-16x", "no-positions-needed"):
        assert found[name].verdict == "VACUOUS"
        assert found[name].summary.startswith("the claim also holds with the mechanism off: ")
    for name in ("gates-beat-fixed-decay", "gates-learn-patterns"):
        assert found[name].verdict == "PASS", found[name].summary


def reading(**changes):
    return language_model(Run(seed=0), **{**TINY, "eval_tokens": 4096, **changes})


def test_the_floor_is_the_logarithm_of_the_vocabulary_and_counting_does_worse():
    metrics = reading()
    assert metrics["uniform_loss"] == pytest.approx(math.log(100))
    assert metrics["uniform_ppl"] == 100
    assert metrics["uniform_loss"] < metrics["unigram_loss"] < metrics["bigram_loss"]
    assert metrics["loss"] > metrics["uniform_loss"]
    assert metrics["ppl"] == pytest.approx(math.exp(metrics["loss"]))


def test_on_text_that_repeats_itself_the_same_model_does_beat_its_floor(monkeypatch):
    """The floor can be beaten: what keeps the exhibit at chance is its tokens."""

    def repeating(high, size, *, generator):
        length = math.prod(size)
        return torch.arange(length).remainder(7).view(size)

    monkeypatch.setattr("paperbench.exhibits.random_tokens.torch.randint", repeating)
    metrics = reading(steps=60, lr=1e-2)
    assert metrics["loss"] < metrics["uniform_loss"] - 1
    assert metrics["ppl_16x"] < 50


def test_gates_vary_as_much_before_training_as_the_script_asked_after_it():
    untrained = reading(steps=1, lr=0.0)
    assert max(untrained["gate_std"] / 0.05, untrained["gate_range"] / 0.3) > 1
    assert untrained["gate_difference"] > 0.01
    assert untrained["gate_std_any"] > 0.05


def test_a_gate_that_reads_nothing_does_not_differ_between_sequences_and_an_open_one_not_at_all():
    gates = ("gate_std", "gate_range", "gate_std_any", "gate_difference")
    assert reading(gate="fixed")["gate_difference"] == 0
    assert [reading(gate="open")[name] for name in gates] == [0, 0, 0, 0]


def test_each_arm_draws_its_own_longer_sequences_and_shares_the_rest(monkeypatch):
    def first_token(run, model, vocab_size, length, generator):
        return torch.rand((), generator=generator).item()

    monkeypatch.setattr("paperbench.exhibits.random_tokens._loss_of_one", first_token)
    fox, again, transformer = (
        reading(steps=1, gate=gate, position=position)
        for gate, position in (("data", "none"), ("data", "none"), ("open", "rope"))
    )
    assert fox["unigram_loss"] == transformer["unigram_loss"]
    assert fox["loss_longer"] == again["loss_longer"] != transformer["loss_longer"]


def test_too_little_to_read_is_refused():
    with pytest.raises(ValueError, match="eval_tokens is shorter than 128 tokens"):
        reading(eval_tokens=100)


def test_nobody_can_expect_a_claim_to_be_vacuous(tmp_path):
    text = (CLAIMS / "exhibits" / "random-tokens.yaml").read_text()
    path = tmp_path / "random-tokens.yaml"
    path.write_text(text.replace("    because: What", "    expect: vacuous\n    because: What", 1))
    with pytest.raises(SpecErrors, match="must be pass, fail or inconclusive"):
        load_claim_file(path)
