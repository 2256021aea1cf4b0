"""What a site is made of: verdicts, and whatever is known of their papers beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paperbench.judge.mutation_record import MutationRecord
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.staleness import Current, Today, why_mutations_stale, why_stale
from paperbench.spec.model import ClaimFile
from paperbench.spec.select import is_exhibit

_MARKUP = re.compile(r"[$`*\\{}]")
_SENTENCE = re.compile(r".*?\.(?=\s+[A-Z])")
_VIEW_BOX = re.compile(
    r"""<svg\b[^>]*\bviewBox=["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+(\d+(?:\.\d+)?)[\s,]+(\d+(?:\.\d+)?)"""
)
_TIERS = ("quick", "full", "smoke")


@dataclass(frozen=True, order=True)
class Place:
    """A tier on a class of device: where a verdict was made."""

    rank: int
    device: str
    tier: str

    @classmethod
    def of(cls, record: PaperRecord | MutationRecord) -> Place:
        """Where a record was made."""
        return cls(_TIERS.index(record.tier), record.device, record.tier)

    @classmethod
    def named(cls, name: str) -> Place:
        """The place that a folder of `results/` is called after: `quick-cpu`."""
        tier, _, device = name.partition("-")
        return cls(_TIERS.index(tier), device, tier)

    @property
    def slug(self) -> str:
        """`quick-cpu`, as the folder is called."""
        return f"{self.tier}-{self.device}"

    @property
    def words(self) -> str:
        """`quick, cpu`."""
        return f"{self.tier}, {self.device}"


@dataclass(frozen=True)
class Picture:
    """A figure of an experiment. svg: its text."""

    name: str
    caption: str
    svg: str

    @property
    def told(self) -> str:
        """What it shows, where it cannot be seen: its caption's first sentence, as plain text."""
        plain = " ".join(_MARKUP.sub("", self.caption).split())
        first = _SENTENCE.match(plain)
        return (first[0] if first else plain) or self.name.replace("-", " ")

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in the units of its view box, so that room is kept for it; or None."""
        box = _VIEW_BOX.search(self.svg)
        width, height = (round(float(box[i])) for i in (1, 2)) if box else (0, 0)
        return (width, height) if width > 0 and height > 0 else None


@dataclass(frozen=True)
class PaperContent:
    """One paper. notes: Markdown. sources: of its package, text by name, to be read in this order.

    recordings: as stored, by place. What there is none of is empty or None.
    """

    slug: str
    records: Sequence[PaperRecord] = ()
    mutations: Sequence[MutationRecord] = ()
    file: ClaimFile | None = None
    notes: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[Place, Sequence[Picture]] = field(default_factory=dict)
    recordings: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The paper's title; of its newest record where there is no claim file."""
        if self.file is not None:
            return self.file.paper.title
        return self.records[0].title if self.records else self.slug

    @property
    def is_exhibit(self) -> bool:
        """Whether it is no paper, and counts nowhere."""
        return is_exhibit(self.slug)

    @property
    def page(self) -> str:
        """The file of its page, relative to the site."""
        return f"{self.slug}_.html" if self.slug == "index" else f"{self.slug}.html"


@dataclass(frozen=True)
class SiteContent:
    """Every paper, and what stands today, by which a verdict may be stale (None: not known)."""

    papers: Sequence[PaperContent]
    current: Current | None = None
    today: Today | None = None

    def why_stale(self, record: PaperRecord, claim: ClaimRecord) -> str | None:
        """Why a verdict does not count today, or None."""
        return why_stale(record, claim, self.current)

    def why_mutations_stale(self, record: MutationRecord) -> str | None:
        """Why trials do not count today, or None."""
        return None if self.today is None else why_mutations_stale(record, self.today)
