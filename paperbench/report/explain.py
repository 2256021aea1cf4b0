"""Everything that one verdict rests on, on one screen: what `why` shows."""

from __future__ import annotations

import re
import textwrap

from paperbench.judge.numbers import format_margin
from paperbench.judge.record import ClaimRecord, Margin, PaperRecord, Part
from paperbench.report.interval_plot import interval_lines
from paperbench.report.numbers import Kinds, supporting, unit_of
from paperbench.report.origin import origin_parts
from paperbench.report.seed_plot import pair_lines, pair_of
from paperbench.report.words import (
    control_sort,
    control_state,
    difference_text,
    one_line,
    support_text,
    swapped_text,
    verdict_word,
)

WIDTH = 80
_INDENT = " " * 10
_INTERVAL = re.compile(r"\[[^\s\[\],]{1,24}, [^\s\[\],]{1,24}\]")  # is not broken in two
_GLUE = "\N{NO-BREAK SPACE}"


def explain(
    paper: PaperRecord,
    claim: ClaimRecord,
    kinds: Kinds | None = None,
    *,
    stale: str | None = None,
    mutants: str | None = None,
    width: int = WIDTH,
) -> str:
    """The screen of one verdict, no line longer than `width` but for very long names.

    stale: why the verdict does not count today, if it does not. mutants: what became of the
    mutations that the claim was tried on.
    """
    blocks = [_head(paper, claim, stale, width), _facts(claim, width)]
    if claim.verdict is not None:
        many = len(claim.parts) > 1
        for number, part in enumerate(claim.parts, start=1):
            blocks.append(_part(claim, part, kinds or {}, number if many else None, width))
        blocks.append(_shape(claim, width))
        blocks.append(
            [
                line
                for guard in claim.guards
                for line in _fact(
                    "guards" if guard is claim.guards[0] else "",
                    f"{guard.name} {'✓' if guard.ok else '✗'} {one_line(guard.detail)}",
                    width,
                )
            ]
        )
        blocks.append(_control(claim, kinds or {}, width))
        blocks.append(_fact("mutants", mutants, width) if mutants else [])
        blocks.append(_fact("made by", " · ".join(origin_parts(claim.environment)), width))
    blocks.append(_end(claim, width))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(paper: PaperRecord, claim: ClaimRecord, stale: str | None, width: int) -> list[str]:
    verdict = (
        f"{verdict_word(claim)} ({paper.tier}, {paper.device}{', stale' if stale else ''}"
        f"{', exploratory' if claim.exploratory else ''})"
    )
    statement = one_line(claim.statement)
    if len(statement) + 2 + len(verdict) <= width:
        head = [f"{statement}{verdict:>{width - len(statement)}}"]
    else:
        head = [*textwrap.wrap(statement, width), verdict]
    if paper.parts:
        head += textwrap.wrap(swapped_text(paper), width)
    if stale:
        head += textwrap.wrap(
            f"{stale}: this verdict does not count until "
            f"`paperbench verify {paper.paper}/{claim.claim}` judges it again.",
            width,
        )
    return head


def _facts(claim: ClaimRecord, width: int) -> list[str]:
    pairs = (
        ("check", claim.check),
        ("source", claim.source),
        ("paper", claim.reported),
        ("because", claim.because),
        ("expected", _expected(claim)),
    )
    return [line for name, text in pairs if text for line in _fact(name, one_line(text), width)]


def _expected(claim: ClaimRecord) -> str | None:
    """What the author predicted, where it was not a PASS or was not met."""
    if claim.verdict is None or (claim.as_expected and claim.expected == "PASS"):
        return None
    return claim.expected + (f": {claim.reason}" if claim.reason else "")


def _part(
    claim: ClaimRecord, part: Part, kinds: Kinds, number: int | None, width: int
) -> list[str]:
    lines = _fact(f"part {number}", part.check, width) if number else []
    pair = pair_of(claim, part, claim.arms)
    if pair:
        lines += [*pair_lines(claim, part, pair, width), ""]
    lines += interval_lines(
        claim,
        part,
        _controls(claim).get(part.check),
        seeds=pair is None,
        unit=unit_of(claim, part.check, kinds),
        width=width,
    )
    unit = "repeats" if claim.kind == "timing" else "seeds"
    lines += _fact("", method(claim, part.margin), width)
    count = supporting(part.check, part.margin.values)
    lines += _fact("", f"{count} of {part.margin.n} {unit} support it", width)
    return lines


def _controls(claim: ClaimRecord) -> dict[str, Margin]:
    """The control's margins, by part of the check."""
    return {part.check: part.margin for part in claim.control.parts} if claim.control else {}


def method(claim: ClaimRecord, margin: Margin) -> str:
    """How the interval was made: `t interval, look 1 of 3, one-sided alpha 0.005`."""
    if claim.kind == "exact":
        return f"mean and range over {margin.n} seeds"
    name = "exact binomial interval" if claim.kind == "rate" else "t interval"
    look = f", look {claim.look} of {len(claim.looks)}" if claim.looks else ""
    return f"{name}, n = {margin.n}{look}, one-sided alpha {margin.alpha:g}"


def _shape(claim: ClaimRecord, width: int) -> list[str]:
    """What is known of the margins without trusting their distribution."""
    lines = []
    if claim.support is not None:
        lines += _fact("support", support_text(claim.support, claim.kind), width)
    if claim.p_value is not None:
        lines += _fact("p-value", f"{claim.p_value:.2g}, one-sided, over all looks so far", width)
    for warning in claim.warnings:
        lines += _fact("warning", one_line(warning), width)
    return lines


def _control(claim: ClaimRecord, kinds: Kinds, width: int) -> list[str]:
    control = claim.control
    if control is None:
        return _fact("control", "none", width)
    lines = _fact("control", control_sort(control), width)
    state = control_state(claim)
    # Where it is caught the detail only repeats the margins that follow.
    detail = "" if "✓" in state or not control.detail else f": {one_line(control.detail)}"
    lines += _fact("", state + detail, width)
    drawn = {part.check for part in claim.parts}
    for part in control.parts:
        if part.check not in drawn:
            margin = format_margin(part.margin, unit_of(claim, part.check, kinds))
            lines += _fact("", f"`{part.check}`: margin {margin}", width)
    difference = difference_text(claim)
    if difference is not None:
        lines += _fact("", f"claim minus control {difference}, paired by seed", width)
    return lines


def _end(claim: ClaimRecord, width: int) -> list[str]:
    lines = _fact("verdict", f"{verdict_word(claim)}: {one_line(claim.summary)}", width)
    return lines + (_fact("next", one_line(claim.next_step), width) if claim.next_step else [])


def _fact(name: str, text: str, width: int) -> list[str]:
    lines = textwrap.wrap(
        _INTERVAL.sub(lambda match: match[0].replace(" ", _GLUE), text),
        width,
        initial_indent=f"{name:<10}",
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines]
