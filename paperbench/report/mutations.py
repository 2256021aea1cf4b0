"""Projections of mutation trials: the terminal's tables, and a page of `results/mutations/`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paperbench.judge.mutation_record import MutationRecord, read_mutations
from paperbench.report.markdown import escape, table
from paperbench.report.staleness import Today, why_mutations_stale
from paperbench.report.store import part_of_path, write_if_changed
from paperbench.report.words import STYLES as VERDICT_STYLES
from paperbench.report.words import one_line

if TYPE_CHECKING:  # `report` prints no table of trials
    from rich.text import Text

AGAIN = "This does not count until `paperbench falsify` tries them again."
STYLES = {
    "killed": "green",
    "survived": "red",
    "unseen": "dim",
    "did not apply": "yellow",
    "not tried": "dim",
    "error": "red",
}


def mutations_path(results: Path, paper: str, tier: str, device: str) -> Path:
    """`<results>/mutations/<tier>-<device>/<paper>.json`."""
    parts = [part_of_path(part) for part in (f"{tier}-{device}", *paper.split("/"))]
    return results.joinpath("mutations", *parts[:-1], f"{parts[-1]}.json")


def find_mutations(results: Path, paper: str, tier: str, device: str) -> MutationRecord | None:
    """What `falsify` last stored for a paper there, if anything."""
    path = mutations_path(results, paper, tier, device)
    return read_mutations(path) if path.is_file() else None


def write_mutations(results: Path, record: MutationRecord) -> list[Path]:
    """Write the JSON and the Markdown page; return the paths of both."""
    path = mutations_path(results, record.paper, record.tier, record.device)
    text = json.dumps(json.loads(record.model_dump_json()), indent=1, ensure_ascii=False) + "\n"
    write_if_changed(path, text)
    write_if_changed(path.with_suffix(".md"), page(record))
    return [path, path.with_suffix(".md")]


def mark_stale_mutations(results: Path, record: MutationRecord, today: Today) -> list[Path]:
    """Mark a page that does not count today; return it if it changed. One not there is not made."""
    path = mutations_path(results, record.paper, record.tier, record.device).with_suffix(".md")
    text = page(record, why_mutations_stale(record, today))
    return [path] if path.exists() and write_if_changed(path, text) else []


def score_line(record: MutationRecord) -> str:
    """`7 of 9 mutations killed (78 %); survived: fox/gate:slow, ...`."""
    line = "no mutation applied"
    if record.applied:
        share = f"{100 * record.killed / record.applied:.0f} %"
        line = f"{record.killed} of {record.applied} mutations killed ({share})"
    for words, names in (
        ("survived", record.names_of("survived")),
        ("not applied", record.names_of("did not apply", "error")),
        ("not tried, since no claim passes", record.names_of("not tried")),
    ):
        line += f"; {words}: {', '.join(names)}" if names else ""
    return line


def read_all_mutations(results: Path) -> list[MutationRecord]:
    """Every paper's, sorted by tier, device and paper."""
    return [read_mutations(path) for path in sorted(results.glob("mutations/*-*/**/*.json"))]


def claim_line(record: MutationRecord, claim: str) -> str | None:
    """What one claim caught of what it could see; None when it was not tried."""
    trials = record.of_claim(claim)
    killed = [trial.mutation for trial in trials if trial.fate == "killed"]
    survived = [trial.mutation for trial in trials if trial.fate == "survived"]
    if not killed and not survived:
        return None
    line = f"{len(killed)} of {len(killed) + len(survived)} mutations killed"
    return line + (f"; survived: {', '.join(survived)}" if survived else "")


def trial_lines(record: MutationRecord, width: int) -> Text:
    """One block a mutation, then one line a claim, no line longer than `width`."""
    from rich.text import Text

    text = Text()
    for mutation in record.mutations:
        fate = record.fate(mutation.name)
        text.append(f"{fate:<15}", style=STYLES[fate])
        text.append(f"{mutation.name}\n")
        told = [one_line(mutation.summary), *_told(record, mutation.name)]
        text.append("".join(f"{line}\n" for each in told for line in _fold(each, width)))
    for claim in record.claims:
        line = claim_line(record, claim.claim)
        text.append(
            f"{claim.verdict or 'reading':<15}", style=VERDICT_STYLES.get(claim.verdict or "", "")
        )
        text.append(f"{claim.claim}\n")
        told = [line or "not tried: only what passes can be", f"its control: {claim.control}"]
        text.append("".join(f"{line}\n" for each in told for line in _fold(each, width)))
    return text


def _told(record: MutationRecord, mutation: str) -> Iterator[str]:
    """Which claims caught it, and which that look at what it changes did not."""
    trials = [trial for trial in record.trials if trial.mutation == mutation]
    for words, fate in (("caught by", "killed"), ("lives on in", "survived")):
        names = [trial.claim for trial in trials if trial.fate == fate]
        if names:
            yield f"{words} {', '.join(names)}"
    yield from (f"{t.claim}: {one_line(t.detail)}" for t in trials if t.fate == "error")


def _fold(text: str, width: int) -> list[str]:
    indent = " " * 15
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def page(record: MutationRecord, stale: str | None = None) -> str:
    """The Markdown page. stale: why it does not count today, if it does not."""
    lines = [
        f"# Mutations of {escape(record.title)}",
        "",
        f"{record.tier}, {record.device}. {escape(score_line(record))}.",
        "",
        *([f"**Stale: {escape(stale)}. {AGAIN}**", ""] if stale else []),
        "A mutation breaks one part of the model on purpose. It is killed when with it some claim "
        "that passes would not pass any more; it survives when every claim that looks at what it "
        "changes would still pass, or does not show on its last look that it would not.",
        "",
        *table(
            ("mutation", "what is broken", "fate", "caught by", "lives on in"),
            [
                [escape(name), escape(summary), fate, escape(caught), escape(alive)]
                for (name, fate, caught, alive), summary in zip(
                    mutation_rows(record),
                    [one_line(each.summary) for each in record.mutations],
                    strict=True,
                )
            ],
        ),
        "",
        *table(
            ("claim", "verdict", "its control", "mutations it caught", "not caught"),
            [list(map(escape, row)) for row in claim_rows(record)],
        ),
        "",
        "## Every trial",
        "",
        *table(
            ("claim", "mutation", "fate", "n", "why"),
            [
                [
                    escape(trial.claim),
                    escape(trial.mutation),
                    trial.fate,
                    str(trial.n),
                    escape(one_line(trial.detail)),
                ]
                for trial in record.trials
                if trial.fate not in ("unseen", "did not apply")
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def mutation_rows(record: MutationRecord) -> Iterator[tuple[str, str, str, str]]:
    """(mutation, fate, claims that caught it, claims that it lives on in)."""
    for mutation in record.mutations:
        trials = [trial for trial in record.trials if trial.mutation == mutation.name]
        yield (
            mutation.name,
            record.fate(mutation.name),
            _names(trial.claim for trial in trials if trial.fate == "killed"),
            _names(trial.claim for trial in trials if trial.fate == "survived"),
        )


def claim_rows(record: MutationRecord) -> Iterator[Sequence[str]]:
    """(claim, verdict, its control, how many it caught, which it did not)."""
    for claim in record.claims:
        trials = record.of_claim(claim.claim)
        killed = sum(trial.fate == "killed" for trial in trials)
        alive = [trial.mutation for trial in trials if trial.fate == "survived"]
        caught = f"{killed} of {killed + len(alive)}" if trials else "not tried"
        control = claim.control if claim.control == "no control" else f"control {claim.control}"
        yield claim.claim, claim.verdict or "reading", control, caught, _names(alive)


def _names(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(names) or "−"
