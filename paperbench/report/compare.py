"""What changed between two results folders, the most important first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from paperbench.judge.mutation_record import MutationRecord
from paperbench.judge.numbers import format_margin
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.numbers import Kinds, kinds_of
from paperbench.report.standing import Standing, WhyStale, just_judged, standing

Kind = Literal[  # the most important first
    "regressed",
    "aged",
    "gone",
    "bad",
    "other",
    "mended",
    "judged",
    "restated",
    "apart",
    "moved",
    "rebuilt",
    "new",
]
# A rise is a regression. Who is undecided or stale neither holds nor fails.
_BADNESS: dict[Standing, int] = {
    "verified": 0,
    "expected": 0,
    "reading": 0,
    "stale": 1,
    "undecided": 1,
    "unexpected": 2,
    "error": 2,
}


@dataclass(frozen=True)
class Side:
    """One results folder: its verdicts, its mutation trials, and why a verdict does not count."""

    papers: Sequence[PaperRecord]
    mutations: Sequence[MutationRecord] = ()
    why_stale: WhyStale = just_judged


@dataclass(frozen=True)
class Verdict:
    """One side of a change. stale: why it does not count there, if it does not."""

    record: ClaimRecord
    kinds: Kinds
    stale: str | None

    @property
    def standing(self) -> Standing:
        """How it stands on its side."""
        return standing(self.record, stale=self.stale is not None)


@dataclass(frozen=True)
class Change:
    """One claim at one tier on one device; None on the side that has no verdict on it."""

    claim: str  # `<paper>/<claim>`
    tier: str
    device: str
    kind: Kind
    before: Verdict | None
    after: Verdict | None

    @property
    def is_regression(self) -> bool:
        """Whether less holds than before: a claim not as expected any more, stale or gone."""
        if self.kind in ("gone", "aged") and self.before is not None:
            return self.before.standing in ("verified", "expected")
        return self.kind == "regressed"

    @property
    def notes(self) -> list[str]:
        """What else differs: the claim, its code, its interval, its looks; and what is stale."""
        if self.before is None or self.after is None:
            return []
        old, new = self.before.record, self.after.record
        return [
            text
            for text, holds in (
                ("the claim was changed", old.spec_sha256 != new.spec_sha256),
                ("its code was changed", old.code_sha256 != new.code_sha256),
                ("other rules of judging", old.rules != new.rules),
                ("the intervals do not overlap", _disjoint(old, new)),
                (f"{len(old.seeds)} → {len(new.seeds)} seeds", old.seeds != new.seeds),
                ("stale before", self.before.stale is not None),
                ("stale now", self.after.stale is not None),
                ("only read now", new.verdict is None and old.verdict is not None),
            )
            if holds
        ]


@dataclass(frozen=True)
class ScoreChange:
    """What `falsify` found of one paper; None on the side that has no trials of it."""

    paper: str
    tier: str
    device: str
    before: MutationRecord | None
    after: MutationRecord | None


@dataclass(frozen=True)
class Comparison:
    """changes: the most important first. unchanged: how many verdicts are as they were."""

    changes: tuple[Change, ...]
    scores: tuple[ScoreChange, ...]
    unchanged: int

    @property
    def regressions(self) -> int:
        """How many claims hold less than before."""
        return sum(change.is_regression for change in self.changes)


def compare(before: Side, after: Side) -> Comparison:
    """What a reader of `after` must know who knew `before`."""
    old, new = dict(_verdicts(before)), dict(_verdicts(after))
    changes, unchanged = [], 0
    for place in sorted({*old, *new}):
        kind = _kind(old.get(place), new.get(place))
        if kind is None:
            unchanged += 1
        else:
            changes.append(Change(*place, kind, old.get(place), new.get(place)))
    order = get_args(Kind)
    changes.sort(key=lambda change: order.index(change.kind))
    return Comparison(tuple(changes), tuple(_scores(before, after)), unchanged)


def _verdicts(side: Side) -> Iterable[tuple[tuple[str, str, str], Verdict]]:
    for paper in side.papers:
        kinds = kinds_of(paper)
        for record in paper.claims:
            place = f"{paper.paper}/{record.claim}", paper.tier, paper.device
            yield place, Verdict(record, kinds, side.why_stale(paper, record))


def _kind(before: Verdict | None, after: Verdict | None) -> Kind | None:
    """None: the verdict, its margin as it is shown, the claim and its code are the same."""
    if after is None:
        return "gone"
    if before is None:
        return "bad" if _BADNESS[after.standing] else "new"
    # A verdict where there was only a reading is a new one; the other way round it is gone.
    if (before.standing == "reading") != (after.standing == "reading"):
        return _kind(before, None) if after.standing == "reading" else _kind(None, after)
    if before.standing != "stale" and after.standing == "stale":
        return "aged"
    judged = before.standing == "stale" and after.standing != "stale"
    # What is judged again is held against what it was said to be before it became stale.
    stood = standing(before.record) if judged else before.standing
    was, now = _BADNESS[stood], _BADNESS[after.standing]
    if now > was:
        return "regressed"
    if judged:
        return "judged"
    if now < was and now == 0:
        return "mended"
    old, new = before.record, after.record
    if (old.verdict, old.expected) != (new.verdict, new.expected) or now != was:
        return "other"
    if old.spec_sha256 != new.spec_sha256:
        return "restated"
    if _disjoint(old, new):
        return "apart"
    if _shown(old) != _shown(new):
        return "moved"
    return "rebuilt" if old.code_sha256 != new.code_sha256 else None


def _disjoint(old: ClaimRecord, new: ClaimRecord) -> bool:
    """Whether the intervals share no value.

    Those of two different claims compare nothing, and the range of an exact one is no interval.
    """
    a, b = old.margin, new.margin
    if a is None or b is None or old.kind == "exact" or old.spec_sha256 != new.spec_sha256:
        return False
    return a.high < b.low or b.high < a.low


def _shown(record: ClaimRecord) -> str:
    return "" if record.margin is None else format_margin(record.margin)


def _scores(before: Side, after: Side) -> Iterable[ScoreChange]:
    old, new = (
        {(each.paper, each.tier, each.device): each for each in side.mutations}
        for side in (before, after)
    )
    for place in sorted({*old, *new}):
        if _score(old.get(place)) != _score(new.get(place)):
            yield ScoreChange(*place, old.get(place), new.get(place))


def _score(record: MutationRecord | None) -> tuple[int, int, tuple[str, ...]] | None:
    if record is None:
        return None
    return record.killed, record.applied, tuple(record.names_of("survived"))
