"""Projections of a comparison: Markdown for a person, JSON for a program."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from paperbench.judge.mutation_record import MutationRecord
from paperbench.report.compare import Change, Comparison, Kind, ScoreChange, Verdict
from paperbench.report.markdown import escape, interval_cell, table, verdict_cell

_HEADERS = ("claim", "at", "before", "now", "margin before", "margin now", "what else")
KINDS: dict[Kind, tuple[str, str]] = {  # what a heading says, and what follows a number
    "regressed": ("No longer as expected", "no longer as expected"),
    "aged": ("Stale now", "stale now"),
    "gone": ("Gone", "gone"),
    "bad": ("New, and not as expected", "new and not as expected"),
    "other": ("Another verdict", "with another verdict"),
    "mended": ("As expected now", "as expected now"),
    "judged": ("No longer stale", "no longer stale"),
    "restated": ("Restated: the claim itself was changed", "restated"),
    "apart": ("Margins apart: the intervals do not overlap", "with a margin apart"),
    "moved": ("Margins that moved, with intervals that overlap", "with a margin that moved"),
    "rebuilt": ("Other code, the same margin", "from other code"),
    "new": ("New", "new"),
}
_FOLDED: tuple[Kind, ...] = ("moved", "rebuilt", "new")  # of which there may be many


def comparison_markdown(found: Comparison) -> str:
    """A page, or a comment: a sentence with the counts, then a table for each kind of change."""
    counts = Counter(change.kind for change in found.changes)
    parts = [f"{n} {KINDS[kind][1]}" for kind, n in _ordered(counts)]
    parts += [f"{len(found.scores)} with other mutations"] if found.scores else []
    as_before = f"{found.unchanged} verdict{'s' if found.unchanged != 1 else ''} as before"
    if not parts:
        return f"**Nothing changed**: {as_before}.\n"
    lines = [f"**{'; '.join(parts)}**; {as_before}.", ""]
    for kind, _ in _ordered(counts):
        rows = [_row(change) for change in found.changes if change.kind == kind]
        block = table(
            ("claim", "at", "before", "now", "margin before", "margin now", "what else"), rows
        )
        lines += _section(KINDS[kind][0], len(rows), block, folded=kind in _FOLDED)
    if found.scores:
        head = ("paper", "at", "noticed before", "noticed now", "survive now")
        block = table(head, [_score_row(score) for score in found.scores])
        lines += _section("Broken models that the claims notice", len(found.scores), block)
    return "\n".join(lines).rstrip() + "\n"


def _ordered(counts: Counter[Kind]) -> list[tuple[Kind, int]]:
    return [(kind, counts[kind]) for kind in KINDS if counts[kind]]


def _section(title: str, count: int, block: Sequence[str], *, folded: bool = False) -> list[str]:
    if not folded:
        return [f"### {title}", "", *block, ""]
    head = f"<details><summary>{title}: {count}</summary>"
    return [head, "", *block, "", "</details>", ""]


def _row(change: Change) -> list[str]:
    return [
        escape(change.claim),
        f"{change.tier}, {escape(change.device)}",
        *(_verdict_cell(side) for side in (change.before, change.after)),
        *(_margin_cell(side) for side in (change.before, change.after)),
        "; ".join(change.notes) or "−",
    ]


def _verdict_cell(side: Verdict | None) -> str:
    return "−" if side is None else verdict_cell(side.record, stale=side.stale is not None)


def _margin_cell(side: Verdict | None) -> str:
    return (
        "−"
        if side is None or side.record.margin is None
        else interval_cell(side.record, side.kinds)
    )


def _score_row(score: ScoreChange) -> list[str]:
    survive = score.after.names_of("survived") if score.after else []
    return [
        escape(score.paper),
        f"{score.tier}, {escape(score.device)}",
        *(
            f"{side.killed} of {side.applied}" if side else "−"
            for side in (score.before, score.after)
        ),
        ", ".join(map(escape, survive)) or "−",
    ]


def comparison_json(found: Comparison) -> str:
    """The same for a program: every change with both sides."""
    content = {
        "unchanged": found.unchanged,
        "regressions": found.regressions,
        "changes": [
            {
                "claim": change.claim,
                "tier": change.tier,
                "device": change.device,
                "kind": change.kind,
                "regression": change.is_regression,
                "notes": change.notes,
                "before": _side_json(change.before),
                "after": _side_json(change.after),
            }
            for change in found.changes
        ],
        "mutations": [
            {
                "paper": score.paper,
                "tier": score.tier,
                "device": score.device,
                "before": _score_json(score.before),
                "after": _score_json(score.after),
            }
            for score in found.scores
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def _side_json(side: Verdict | None) -> dict[str, Any] | None:
    if side is None:
        return None
    kept = {"verdict", "expected", "as_expected", "margin", "seeds", "spec_sha256", "code_sha256"}
    content: dict[str, Any] = json.loads(side.record.model_dump_json(include=kept))
    return {"standing": side.standing, "stale": side.stale, **content}


def _score_json(record: MutationRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    survived = record.names_of("survived")
    return {"killed": record.killed, "applied": record.applied, "survived": survived}
