"""Projections of a comparison: Markdown for a page, text for a screen, JSON for a program."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from paperbench.judge.mutation_record import MutationRecord
from paperbench.report.compare import Change, Comparison, Kind, ScoreChange, Verdict
from paperbench.report.markdown import escape, interval_cell, table, verdict_cell
from paperbench.report.numbers import decisive_margin
from paperbench.report.words import marked_verdict, one_line

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
_NAMED = 5  # so many of them a screen names
_SCORES = "Broken models that the claims notice"
_SCORE_HEADERS = ("paper", "at", "noticed before", "noticed now", "survive now")


def comparison_markdown(found: Comparison) -> str:
    """A page, or a comment: a sentence with the counts, then a table for each kind of change."""
    changed, as_before = _counts(found)
    if not changed:
        return f"**Nothing changed**: {as_before}.\n"
    lines = [f"**{changed}**; {as_before}.", ""]
    for kind, changes in _by_kind(found):
        block = table(_HEADERS, [_row(change) for change in changes])
        lines += _section(KINDS[kind][0], len(changes), block, folded=kind in _FOLDED)
    if found.scores:
        block = table(_SCORE_HEADERS, [_score_row(score) for score in found.scores])
        lines += _section(_SCORES, len(found.scores), block)
    return "\n".join(lines).rstrip() + "\n"


def comparison_text(found: Comparison, width: int) -> str:
    """The same for a screen: a block for each change; of what is folded in a page, the names."""
    changed, as_before = _counts(found)
    if not changed:
        return f"Nothing changed: {as_before}.\n"
    blocks = [textwrap.wrap(f"{changed}; {as_before}.", width)]
    for kind, changes in _by_kind(found):
        blocks.append([f"{KINDS[kind][0]} ({len(changes)})"])
        if kind in _FOLDED:
            names = ", ".join(change.claim for change in changes[:_NAMED])
            rest = len(changes) - _NAMED
            blocks[-1] += _indented(names + (f" and {rest} more" if rest > 0 else ""), width)
        else:
            blocks[-1] += [line for change in changes for line in _told(change, width)]
    if found.scores:
        blocks.append([f"{_SCORES} ({len(found.scores)})"])
        for score in found.scores:
            paper, at, before, now, survive = _score_row(score)
            text = f"{paper}  {at}: {before} → {now}; survive now: {survive}"
            blocks[-1] += _indented(text, width)
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _counts(found: Comparison) -> tuple[str, str]:
    """What changed (empty: nothing), and how many verdicts did not."""
    parts = [f"{len(changes)} {KINDS[kind][1]}" for kind, changes in _by_kind(found)]
    parts += [f"{len(found.scores)} with other mutations"] if found.scores else []
    as_before = f"{found.unchanged} verdict{'s' if found.unchanged != 1 else ''} as before"
    return "; ".join(parts), as_before


def _by_kind(found: Comparison) -> list[tuple[Kind, list[Change]]]:
    """The changes of each kind that there are, the most important kind first."""
    kinds = [(kind, [each for each in found.changes if each.kind == kind]) for kind in KINDS]
    return [(kind, changes) for kind, changes in kinds if changes]


def _told(change: Change, width: int) -> list[str]:
    """The claim, its verdicts, its margins where they differ, and what else differs."""
    sides = (change.before, change.after)
    verdicts = [
        "−" if side is None else marked_verdict(side.record, stale=side.stale is not None)
        for side in sides
    ]
    margins = ["−" if side is None else decisive_margin(side.record, side.kinds) for side in sides]
    lines = [f"  {change.claim}  {change.tier}, {change.device}"]
    for text in (
        " → ".join(dict.fromkeys(verdicts)),
        "margin " + " → ".join(dict.fromkeys(margins)),
        "; ".join(change.notes),
    ):
        lines += _indented(text, width, by=6) if text else []
    return lines


def _indented(text: str, width: int, by: int = 2) -> list[str]:
    margin = " " * by
    return textwrap.wrap(
        one_line(text),
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
    )


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
