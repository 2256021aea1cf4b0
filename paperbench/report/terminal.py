"""The table of verdicts in a terminal, and the same as plain text at 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from paperbench.judge.numbers import format_margin
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.holm import Family, family_of
from paperbench.report.numbers import Kinds, decisive_margin
from paperbench.report.words import (
    STYLES,
    control_text,
    expectation,
    one_line,
    outcome_of,
    support_cell,
    verdict_word,
)

__all__ = [
    "VerdictTable",
    "format_margin",
    "heading",
    "plain_table",
    "summary_line",
    "verdict_table",
]

PLAIN_WIDTH = 80
PAPER_WIDTH = 28  # of the cell that quotes the paper, before it is cut
_HEADERS = ("claim", "verdict", "margin [interval]", "holds", "control", "paper")


class VerdictTable:
    """Boxes where the terminal is wide enough, otherwise plain text of at most 80 columns."""

    def __init__(self, paper: PaperRecord, kinds: Kinds | None = None) -> None:
        self.paper, self.kinds = paper, kinds or {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if console.is_terminal and not options.ascii_only:
            lines = _boxed(self.paper, self.kinds)
            if max(line.cell_len for line in lines) <= options.max_width:
                yield Text("\n").join(lines)
                return
        text = plain_table(self.paper, self.kinds, width=min(PLAIN_WIDTH, options.max_width))
        yield _coloured(text)


def verdict_table(paper: PaperRecord, kinds: Kinds | None = None) -> VerdictTable:
    """The verdicts of one paper for `Console.print`. kinds: what each metric measures."""
    return VerdictTable(paper, kinds)


def plain_table(paper: PaperRecord, kinds: Kinds | None = None, *, width: int = PLAIN_WIDTH) -> str:
    """The verdicts of one paper as text without colour, no line longer than `width`."""
    lines, family = [], family_of(paper)
    indent = " " * 14
    for claim in paper.claims:
        _, _, margin, held, control, reported = _cells(claim, family, kinds or {})
        exact = "  (exact)" if claim.kind == "exact" else ""
        lines.append(f"{_marked(claim, family):<14}{claim.claim}{exact}")
        if claim.verdict is not None:
            facts = [
                f"margin {margin}" if margin != "−" else "",
                f"holds {held}" if held != "−" else "",
                f"control {control}",
            ]
            lines += _fold_facts(filter(None, facts), indent, width)
        if reported:
            lines += _fold(f"paper: {one_line(claim.reported or '')}", indent, width)
        for note in _notes(claim):
            lines += _fold(note, indent, width)
    if family is not None:
        lines += _fold(_holm_line(family), "", width)
    return "\n".join(lines)


def heading(paper: PaperRecord) -> str:
    """Whose verdicts follow, where there are those of several papers."""
    return f"{paper.paper} · {one_line(paper.title)}"


def summary_line(
    papers: Iterable[PaperRecord], *, elapsed: str, where: Sequence[str], asked: str = ""
) -> Text:
    """`5 as expected, 0 not · 2 m 41 s · results/quick-cpu/fox.md · look closer: ...`.

    asked: options that the hint needs to find these verdicts.
    """
    named = [
        (f"{paper.paper}/{claim.claim}", outcome_of(claim), claim.verdict)
        for paper in papers
        for claim in paper.claims
    ]
    judged = [(name, found) for name, found, verdict in named if verdict is not None]
    counts = {
        key: sum(found == key for _, found in judged)
        for key in ("as expected", "unexpected", "inconclusive", "error")
    }
    text = Text(f"{counts['as expected']} as expected, ")
    text.append(f"{counts['unexpected']} not", style="red" if counts["unexpected"] else "")
    if counts["inconclusive"]:
        text.append(f", {counts['inconclusive']} undecided", style="yellow")
    if counts["error"]:
        text.append(f", {counts['error']} errored", style="red")
    readings = len(named) - len(judged)
    if readings:
        text.append(f", {readings} reading{'s' if readings > 1 else ''} not tried")
    text.append(f" · {elapsed}")
    for path in where[:3]:
        text.append(f" · {path}")
    if len(where) > 3:
        text.append(f" and {len(where) - 3} more")
    worst = sorted(judged, key=lambda one: _URGENCY[one[1]])
    if worst and where:
        text.append(f" · look closer: paperbench why {worst[0][0]}{asked}")
    return text


_URGENCY = {"error": 0, "unexpected": 1, "inconclusive": 2, "as expected": 3}


def _cells(claim: ClaimRecord, family: Family | None, kinds: Kinds) -> tuple[str, ...]:
    """One text for each of the headers."""
    exact = "  exact" if claim.kind == "exact" else ""
    margin = decisive_margin(claim, kinds)
    control = "−" if claim.verdict is None else control_text(claim)
    return (
        claim.claim,
        _marked(claim, family) + exact,
        margin,
        support_cell(claim),
        control,
        one_line(claim.reported or ""),
    )


def _marked(claim: ClaimRecord, family: Family | None) -> str:
    """The verdict; `PASS °` when it does not hold in the family."""
    lost = family is not None and claim.claim in family.lost
    return f"{verdict_word(claim)} °" if lost else verdict_word(claim)


def _holm_line(family: Family) -> str:
    return family.line().replace("; not: ", "; not (°): ")


def _notes(claim: ClaimRecord) -> list[str]:
    """What stands below a claim's row: what was expected, and what its margins look like."""
    note = expectation(claim)
    warnings = [f"warning: {one_line(text)}" for text in claim.warnings]
    return [*([note] if note else []), *warnings]


def _boxed(paper: PaperRecord, kinds: Kinds) -> list[Text]:
    family = family_of(paper)
    rows = [_cells(claim, family, kinds) for claim in paper.claims]
    rows = [(*row[:-1], _cut(row[-1], PAPER_WIDTH)) for row in rows]
    widths = [max(cell_len(row[i]) for row in [_HEADERS, *rows]) for i in range(len(_HEADERS))]
    inner = sum(widths) + 3 * len(widths) - 1
    lines = [_rule("┌", "┬", "┐", widths), _row(_HEADERS, widths), _rule("├", "┼", "┤", widths)]
    for claim, row in zip(paper.claims, rows, strict=True):
        lines.append(_row(row, widths, STYLES[verdict_word(claim)]))
        style = "dim" if claim.as_expected else "red"
        if outcome_of(claim) == "inconclusive":
            style = "yellow"
        for note in _notes(claim):
            colour = "yellow" if note.startswith("warning: ") else style
            for text in textwrap.wrap(note, inner - 4):
                lines.append(Text.assemble("│   ", (_pad(text, inner - 4), colour), " │"))
    lines.append(_rule("└", "┴", "┘", widths))
    return lines if family is None else [*lines, Text(_holm_line(family))]


def _row(cells: Sequence[str], widths: Sequence[int], verdict_style: str = "") -> Text:
    line = Text("│")
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        line.append(" ")
        line.append(_pad(cell, width), style=verdict_style if i == 1 else "")
        line.append(" │")
    return line


def _rule(left: str, middle: str, right: str, widths: Sequence[int]) -> Text:
    return Text(left + middle.join("─" * (width + 2) for width in widths) + right)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else text[: width - 1].rstrip() + "…"


def _fold(text: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _fold_facts(facts: Iterable[str], indent: str, width: int) -> list[str]:
    """Facts side by side, on as few lines as they need; one that is longer is folded."""
    lines: list[str] = []
    for fact in facts:
        if lines and len(lines[-1]) + 2 + len(fact) <= width:
            lines[-1] += f"  {fact}"
        else:
            lines += _fold(fact, indent, width)
    return lines


def _coloured(text: str) -> Text:
    """The plain table with its verdicts in colour, where there is colour."""
    coloured = Text(text)
    position = 0
    for line in text.splitlines(keepends=True):
        word = line.split(" ", 1)[0].strip()
        if word in STYLES:
            coloured.stylize(STYLES[word], position, position + len(word))
        position += len(line)
    return coloured
