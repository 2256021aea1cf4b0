"""JUnit XML: what every CI server shows. A test suite a paper, a test case a claim.

The dialect is the one that Jenkins validates strictly: no attribute and no element beyond it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from math import fsum
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from paperbench.errors import Location
from paperbench.judge.record import ClaimRecord, PaperRecord
from paperbench.report.numbers import Kinds, kinds_of
from paperbench.report.standing import (
    Places,
    Standing,
    WhyStale,
    evidence,
    just_judged,
    sentence,
    standing,
)
from paperbench.report.words import one_line, swapped_text, verdict_word

# XML 1.0 has no way to write these, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def junit_xml(
    papers: Sequence[PaperRecord], places: Places | None = None, why_stale: WhyStale = just_judged
) -> str:
    """The whole file, with one test suite for each record.

    FAIL, VACUOUS and a PASS that nobody expected are failures, ERROR is an error; what was expected
    to fail, what is undecided, stale, exploratory or only read is a skip, whose type says which.
    The time of a test case is what the training of its arms took, when it was carried out.
    """
    root = Element("testsuites", name="paperbench")
    several = Counter(paper.paper for paper in papers)
    for paper in papers:
        place = f".{paper.tier}-{paper.device}" if several[paper.paper] > 1 else ""
        _add_suite(root, paper, f"{paper.paper}{place}", places or {}, why_stale)
    _count(root, "failures", "errors")
    for element in root.iter():
        element.text = element.text and _ILLEGAL.sub("", element.text)
        element.attrib = {name: _ILLEGAL.sub("", text) for name, text in element.attrib.items()}
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_suite(
    root: Element, paper: PaperRecord, name: str, places: Places, why_stale: WhyStale
) -> None:
    suite = SubElement(root, "testsuite", name=name, timestamp=paper.generated[:19])
    where = [places[full] for full in _names(paper) if full in places]
    if where:
        suite.set("file", where[0].path.as_posix())
    properties = SubElement(suite, "properties")
    for key, value in _properties(paper).items():
        SubElement(properties, "property", name=key, value=value)
    kinds = kinds_of(paper)
    for full, claim in zip(_names(paper), paper.claims, strict=True):
        seconds = fsum(claim.seconds.values())
        case = SubElement(suite, "testcase", classname=name, name=claim.claim)
        case.set("time", f"{seconds:.3f}")
        _judge(case, claim, kinds, places.get(full), why_stale(paper, claim))
    _count(suite, *_COUNTED)


def _judge(
    case: Element, claim: ClaimRecord, kinds: Kinds, where: Location | None, stale: str | None
) -> None:
    """Nothing for what is verified, else the one child that says what is not."""
    found = standing(claim, stale=stale is not None)
    if found == "verified" and not claim.exploratory:
        return
    tag = {"error": "error", "unexpected": "failure"}.get(found, "skipped")
    child = SubElement(case, tag, type=_type(found, claim), message=_message(found, claim, stale))
    lines = evidence(claim, kinds)
    if where is not None:
        lines.append(f"at       {where}")
    child.text = "\n".join([sentence(claim), *lines])


def _type(found: Standing, claim: ClaimRecord) -> str:
    if claim.exploratory and found in ("verified", "expected"):
        return "EXPLORATORY"
    match found:
        case "unexpected":
            return "UNEXPECTED PASS" if claim.verdict == "PASS" else verdict_word(claim)
        case "expected":
            return f"EXPECTED {verdict_word(claim)}"
        case "stale" | "reading":
            return found.upper()
    return verdict_word(claim)


def _message(found: Standing, claim: ClaimRecord, stale: str | None) -> str:
    if stale is not None and found == "stale":
        return f"{stale}: this verdict does not count until it is judged again"
    if claim.exploratory:
        return f"exploratory, on other seeds than those of its looks: {sentence(claim)}"
    if found == "expected":
        return f"expected {verdict_word(claim)}: {one_line(claim.reason or claim.summary)}"
    return sentence(claim)


def _properties(paper: PaperRecord) -> dict[str, str]:
    """Where the verdicts come from: tier, device, commit and versions."""
    known = paper.environment
    commits = known.get("commit") or []
    commit = ", ".join(map(str, commits if isinstance(commits, list) else [commits]))
    if commit and known.get("dirty"):
        commit += " with uncommitted changes"
    versions = {name: known.get(name) for name in ("paperbench", "torch", "python")}
    found = {
        "title": one_line(paper.title),
        "tier": paper.tier,
        "device": paper.device,
        "commit": commit,
        **{name: one_line(str(value)) for name, value in versions.items() if value},
        "parts": swapped_text(paper) if paper.parts else "",
    }
    return {name: value for name, value in found.items() if value}


def _names(paper: PaperRecord) -> list[str]:
    return [f"{paper.paper}/{claim.claim}" for claim in paper.claims]


def _count(element: Element, *counted: str) -> None:
    """Set the totals of the test cases below an element."""
    cases = list(element.iter("testcase"))
    tags = Counter(child.tag for child in chain.from_iterable(cases))
    element.set("tests", str(len(cases)))
    for name in counted:
        element.set(name, str(tags[_COUNTED[name]]))
    element.set("time", f"{fsum(float(case.get('time', 0)) for case in cases):.3f}")
