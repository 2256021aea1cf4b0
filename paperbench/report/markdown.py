"""Markdown projections of verdict records. What a user wrote is escaped: it is text, not markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

from paperbench.judge.numbers import format_half_width, format_margin
from paperbench.judge.record import ClaimRecord, Margin, PaperRecord, Part
from paperbench.report.arm_means import arm_means, caption, with_arrow
from paperbench.report.holm import Family, family_of
from paperbench.report.numbers import (
    Kinds,
    deciding_part,
    decisive_margin,
    metrics_of,
    supporting,
    unit_of,
)
from paperbench.report.origin import origin_parts
from paperbench.report.staleness import Current, is_stale
from paperbench.report.words import (
    control_state,
    control_text,
    difference_part,
    expectation,
    marked_verdict,
    one_line,
    support_cell,
    support_text,
    verdict_word,
)

STALE = (
    "`stale`: the claim, its code or the rules of judging have changed since, it is no longer "
    "among the claims, or its seeds are not those of its looks; this verdict does not count until "
    "`paperbench verify` judges it again."
)
_MARKUP = re.compile(r"([\\`*_\[\]|~$#!])")
_MENTION = re.compile(r"(?<![\w.])@(?=\w)")
_LINE_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+>=])")


def paper_table(
    record: PaperRecord, kinds: Kinds | None = None, current: Current | None = None
) -> str:
    """The page of one paper's verdicts at one tier on one device.

    kinds: what each metric measures, for units and arrows; without one neither is shown.
    current: the hashes of today's claims, to mark stale verdicts.
    """
    known, family = kinds or {}, family_of(record)
    stale = {claim.claim: is_stale(record, claim, current) for claim in record.claims}
    lines = [
        f"# {escape(record.title)}",
        "",
        provenance(record),
        "",
        *swapped([record]),
        *table(
            ("claim", "verdict", "metric", "margin", "holds / n", "Holm", "control", "paper"),
            [_row(claim, family, known, stale=stale[claim.claim]) for claim in record.claims],
        ),
        "",
    ]
    if any(stale.values()):
        lines += [STALE, ""]
    if family is not None:
        lines += [f"{escape(family.line())}.", ""]
    for claim in record.claims:
        lines += _section(claim, known, stale=stale[claim.claim])
    return "\n".join(lines).rstrip() + "\n"


def swapped(records: Sequence[PaperRecord]) -> list[str]:
    """Says so when another one's parts were tried."""
    parts = {name: part for record in records for name, part in record.parts.items()}
    if not parts:
        return []
    named = ", ".join(f"{code(part)} as {escape(name)}" for name, part in parts.items())
    return [f"**With {named} in the place of the paper's own: no verdict on the paper.**", ""]


def provenance(record: PaperRecord) -> str:
    """One line: tier, device, versions, machine, commit, whether runs repeat, data."""
    parts = [f"tier {record.tier}", f"device {record.device}", *origin_parts(record.environment)]
    data = record.environment.get("data")
    if isinstance(data, dict):
        parts += [f"data {name} sha256 {str(sha256)[:12]}" for name, sha256 in data.items()]
    return escape(" · ".join([*parts, record.generated]))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of cells that are already escaped."""
    return [
        "| " + " | ".join(headers) + " |",
        "|" + "---|" * len(headers),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def escape(text: str) -> str:
    """A user's text as one line of Markdown that shows exactly that text, in a table or out.

    Nobody is mentioned: what stands after an @ has a comment before it, which is not shown.
    """
    plain = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    marked = _MENTION.sub("@<!-- -->", _MARKUP.sub(r"\\\1", plain))
    return _LINE_START.sub(
        lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", marked
    )


def code(text: str) -> str:
    """A code span that holds any text, its own backticks included. Not for table cells."""
    plain = one_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _row(claim: ClaimRecord, family: Family | None, kinds: Kinds, *, stale: bool) -> list[str]:
    return [
        escape(claim.claim),
        verdict_cell(claim, stale=stale),
        metric_cell(claim, kinds),
        margin_cell(claim, kinds),
        support_cell(claim),
        family.mark(claim) if family else "−",
        control_cell(claim),
        escape(claim.reported or ""),
    ]


def metric_cell(claim: ClaimRecord, kinds: Kinds) -> str:
    """What the margin that decides is made of: `val_ppl ↓`."""
    names = metrics_of(deciding_part(claim))
    return escape(", ".join(with_arrow(name, kinds) for name in names)) or "−"


def verdict_cell(claim: ClaimRecord, *, stale: bool = False) -> str:
    """The verdict; bold with what was expected when it is not as expected."""
    if claim.as_expected or claim.verdict is None:
        return marked_verdict(claim, stale=stale)
    word = f"**{verdict_word(claim)}** ({claim.expected} expected)"
    return f"{word} stale" if stale else word


def margin_cell(claim: ClaimRecord, kinds: Kinds) -> str:
    """The margin that decides, with half its interval and its unit: `+0.77 ± 0.16`."""
    if claim.margin is None:
        return "−"
    return _plain(format_half_width(claim.margin, unit_of(claim, deciding_part(claim), kinds)))


def interval_cell(claim: ClaimRecord, kinds: Kinds) -> str:
    """The margin that decides with both ends of its interval: `+0.77 [+0.61, +0.93]`."""
    return _plain(decisive_margin(claim, kinds))


def control_cell(claim: ClaimRecord) -> str:
    """The control's margin with half its interval, and what it says."""
    return "−" if claim.verdict is None else _plain(control_text(claim, half=True))


def _plain(text: str) -> str:
    """Text of our own making as Markdown: nothing in it but brackets and units can be markup."""
    return _MARKUP.sub(r"\\\1", text)


def _margin_text(margin: Margin, unit: str = "") -> str:
    return _plain(format_margin(margin, unit))


def _section(claim: ClaimRecord, kinds: Kinds, *, stale: bool) -> list[str]:
    lines = [f"## {escape(claim.claim)}", "", escape(claim.statement), ""]
    facts = [f"verdict: {verdict_cell(claim, stale=stale)}: {escape(claim.summary)}"]
    note = expectation(claim) if claim.expected != "PASS" else None
    facts += [escape(note)] if note else []
    facts += [f"check: {code(claim.check)}"] if claim.check else []
    facts += [
        f"{name}: {escape(text)}"
        for name, text in (
            ("source", claim.source),
            ("the paper", claim.reported),
            ("because", claim.because),
            ("next", claim.next_step),
        )
        if text
    ]
    facts += [_part_fact(claim, part, kinds) for part in claim.parts]
    facts += [f"the check {support_text(claim.support, claim.kind)}"] if claim.support else []
    if claim.p_value is not None:
        facts.append(f"p-value: {claim.p_value:.2g}, one-sided, over all looks so far")
    facts += [f"warning: {escape(warning)}" for warning in claim.warnings]
    facts += _control_facts(claim)
    facts += [
        f"guard {guard.name} {'✓' if guard.ok else '✗'}: {escape(guard.detail)}"
        for guard in claim.guards
    ]
    lines += [f"- {fact}" for fact in facts]
    means = arm_means(claim, kinds)
    if means is None:
        return [*lines, ""]
    headers, rows = means
    shown = table(
        list(map(escape, headers)), [[escape(arm), *map(_plain, cells)] for arm, *cells in rows]
    )
    return [*lines, "", *shown, "", caption(claim), ""]


def _part_fact(claim: ClaimRecord, part: Part, kinds: Kinds) -> str:
    name = f"part {code(part.check)}" if len(claim.parts) > 1 else "margin"
    text = _margin_text(part.margin, unit_of(claim, part.check, kinds))
    count = supporting(part.check, part.margin.values)
    unit = "repeats" if claim.kind == "timing" else "seeds"
    return f"{name}: {text}, {count} of {part.margin.n} {unit} support it"


def _control_facts(claim: ClaimRecord) -> list[str]:
    control = claim.control
    if control is None:
        return []
    changed = ", ".join(
        f"{arm} {name}={value}"
        for arm, overrides in control.overrides.items()
        for name, value in overrides.items()
    )
    fact = f"control ({control.kind}{': ' + escape(changed) if changed else ''}): "
    fact += control_state(claim)
    for part in control.parts:
        at = f" at {code(part.check)}" if len(control.parts) > 1 else ""
        fact += f"; margin {_margin_text(part.margin)}{at}"
    if control.difference is not None:
        where = difference_part(claim) if len(claim.parts) > 1 else None
        fact += f"; difference {_margin_text(control.difference)}"
        fact += f" at {code(where)}" if where else ""
    return [fact]
