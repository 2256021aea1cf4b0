"""Which claims a command is about: `fox`, `fox/ppl-below-baseline`, `*/ppl-*`, `all`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from paperbench.errors import NothingSelected, did_you_mean
from paperbench.spec.model import Claim, ClaimFile
from paperbench.spec.quoting import quoted

EXHIBITS = "exhibits"


def is_exhibit(slug: str) -> bool:
    """Return whether a claim file is an exhibit: it shows what the bench refuses, and no paper.

    Exhibits lie in `claims/exhibits/`. They are verified only when asked for by that name, and
    counted in no summary.
    """
    return slug.startswith(f"{EXHIBITS}/")


class Selected(NamedTuple):
    """One claim and the file it stands in."""

    file: ClaimFile
    claim: Claim

    @property
    def name(self) -> str:
        """`<paper>/<claim>`, as a selector names it."""
        return f"{self.file.slug}/{self.claim.name}"


def select(files: Sequence[ClaimFile], selectors: Iterable[str] = ()) -> list[Selected]:
    """The claims that any selector names, each once, in the order of the files.

    A selector is a paper, a paper and a claim, or a pattern of `*`, `?` and `[...]` over either;
    `all`, or none at all, selects everything but the exhibits, which only a selector that begins
    with `exhibits` names. Raises NothingSelected for one that names nothing.
    """
    every = [Selected(file, claim) for file in files for claim in file.claims.values()]
    if not every:
        raise NothingSelected(
            "there is no claim to select",
            help="is this the right folder? `--claims FOLDER` names another",
        )
    chosen: set[str] = set()
    for selector in dict.fromkeys(selectors) or ["all"]:
        matching = {one.name for one in every if matches(selector, one.name)}
        if not matching:
            raise NothingSelected(
                f"no claim matches {quoted(selector)}", help=_what_there_is(selector, every)
            )
        chosen |= matching
    return [one for one in every if one.name in chosen]


def matches(selector: str, name: str) -> bool:
    """Return whether a selector means the claim called `name`, `<paper>/<claim>`."""
    paper = name.rpartition("/")[0]
    if is_exhibit(paper) and not selector.startswith(EXHIBITS):
        return False
    return selector in ("all", paper.partition("/")[0]) or any(
        fnmatchcase(one, selector) for one in (paper, name)
    )


def _what_there_is(selector: str, every: list[Selected]) -> str:
    """The claims of the paper that the selector names, else the papers."""
    paper, _, claim = selector.rpartition("/")
    claims = [one.claim.name for one in every if one.file.slug == paper]
    if claims:
        return did_you_mean(claim, claims, label=f"claims of `{paper}`")
    papers = sorted({one.file.slug for one in every})
    return did_you_mean(
        selector if "/" not in selector else paper or selector, papers, label="papers"
    )
