r"""LaTeX of the notes as MathML, which a browser shows without a script and reads aloud.

latex2mathml parses; what browsers lack (`mathvariant`, `columnalign`, the spaces of an operator) is
put in here, and nothing but the elements and attributes listed is written: a formula is text that
somebody wrote, and `\text{<b>}` or `\href` must not become a page's own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from html import escape, unescape
from typing import NamedTuple
from xml.etree.ElementTree import Element

_TAG = re.compile(r"\\tag\{([^{}]*)\}")
_UNKNOWN = re.compile(r"\\[A-Za-z]")
_REWRITES = (
    (re.compile(r"\\arg\s*\\(max|min)(?![a-z])"), r"\\arg\1"),
    (re.compile(r"\\(begin|end)\{aligned\}"), r"\\\1{align*}"),
    (re.compile(r"\\math(?:rel|bin|ord|open|close)\{([^{}])\}"), r"\1"),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ELEMENTS = _words(
    "math mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup "
    "mtable mtd mtext mtr munder munderover"
)
_ATTRIBUTES = _words(
    "accent displaystyle fence form linethickness lspace movablelimits rspace scriptlevel "
    "stretchy width"
)
_LIMITS = {"msub": "munder", "msubsup": "munderover", "msup": "mover"}
_BIG = frozenset("∑∏⋃⋂⨁")
_FUNCTIONS = _words("arccos arcsin arctan cos det exp ln log sin sinh sqrt tan tanh Pr")
_WITH_LIMITS = _words("max min inf sup lim argmax argmin")
_ALPHABETS = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "bold-italic": "BOLD ITALIC",
    "script": "SCRIPT",
    "bold-script": "BOLD SCRIPT",
    "double-struck": "DOUBLE-STRUCK",
    "fraktur": "FRAKTUR",
    "sans-serif": "SANS-SERIF",
    "monospace": "MONOSPACE",
}
_OPENING, _CLOSING = frozenset("([{⟨‖|"), frozenset(")]}⟩!")
_SYMBOLS = frozenset("∂∇∅∞")  # letters that the operator dictionary takes for operators
_SIGNS = frozenset("+−-±∓")
_THIN = "0.167em"


class FormulaError(ValueError):
    """A formula is not LaTeX that can be shown."""


class Formula(NamedTuple):
    """A formula as MathML, and the number that it is tagged with."""

    mathml: str
    tag: str | None


def formula(latex: str, *, display: bool) -> Formula:
    r"""One formula; display: on a line of its own. Raises FormulaError for what cannot be shown.

    `\tag{3}` becomes `tag`: where an equation's number stands is the page's business.
    """
    tags = _TAG.findall(latex)
    return Formula(_mathml(_TAG.sub("", latex).strip(), display), tags[0] if tags else None)


@cache
def _mathml(latex: str, display: bool) -> str:
    from latex2mathml.converter import convert_to_element

    for pattern, replacement in _REWRITES:
        latex = pattern.sub(replacement, latex)
    try:
        root = convert_to_element(latex, display="block" if display else "inline")
    except Exception as broken:  # the parser has a dozen exceptions of its own
        raise FormulaError(f"{type(broken).__name__}: {broken}") from broken
    _mend(root)
    body = "".join(_write(child) for child in root)
    shown = 'display="block"' if display else 'display="inline"'
    return f"<math {shown}>{body}</math>"


def _mend(element: Element) -> None:
    """Turn what browsers do not know into what they do, from the leaves up."""
    for child in element:
        _mend(child)
    if element.tag == "mi" and _text(element) == "~":  # it comes as a name; it is a relation
        element.tag, element.text = "mo", "∼"
    elif element.tag == "mo":
        _mend_operator(element)
    elif element.tag == "mover" and unescape(element[-1].text or "") in "~^":
        element[-1].set("stretchy", "false")
        element[-1].text = {"~": "˜"}.get(element[-1].text or "", element[-1].text)
        element.set("accent", "true")
    elif element.tag in _LIMITS and _takes_limits(element[0]):
        element.tag = _LIMITS[element.tag]
        element[0].set("movablelimits", "true")
    elif element.tag in ("mrow", "math", "mtd", "mstyle"):
        _join(element)
        _space(element)


def _mend_operator(operator: Element) -> None:
    text = _text(operator)
    if operator.get("minsize"):  # \\big: as high as what stands beside it
        operator.set("stretchy", "true" if text in _OPENING | _CLOSING else "false")
    if text == "|" or text in _SYMBOLS or (text.isalpha() and len(text) > 1 and text != "mod"):
        operator.set("lspace", "0")
        operator.set("rspace", "0")


def _text(element: Element) -> str:
    return unescape(element.text or "").replace("\u2009", "")


def _takes_limits(base: Element) -> bool:
    return base.tag == "mo" and (_text(base) in _BIG or _text(base) in _WITH_LIMITS)


def _join(row: Element) -> None:
    r"""`\mathrm{relu}` comes letter by letter and is one name; so is `+=` one operator."""
    joined: list[Element] = []
    for child in row:
        before = joined[-1] if joined else None
        if before is not None and _is_letter(before) and _is_letter(child):
            before.text = (before.text or "") + (child.text or "")
        elif (
            before is not None
            and (before.tag, child.tag) == ("mo", "mo")
            and (_text(before) in _SIGNS and _text(child) == "=")
        ):
            before.text = _text(before) + "="
        else:
            joined.append(child)
    row[:] = joined


def _is_letter(element: Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal"


def _space(row: Element) -> None:
    """A thin space between a function and what is no bracket, as TeX sets it; a sign is a sign."""
    children, spaced = list(row), list[Element]()
    for i, child in enumerate(children):
        before = children[i - 1] if i else None
        after = children[i + 1] if i + 1 < len(children) else None
        if child.tag == "mo" and _text(child) in _SIGNS and _is_no_operand(before):
            child.set("form", "prefix")
        if _is_function(child) and before is not None and _is_operand(before):
            spaced.append(Element("mspace", width=_THIN))
        spaced.append(child)
        if (
            _is_function(child)
            and after is not None
            and (_is_ordinary(after) or _is_function(after))
        ):
            spaced.append(Element("mspace", width=_THIN))
    row[:] = spaced


def _base(element: Element) -> Element:
    while len(element) and element.tag in ("msub", "msup", "msubsup", "munder", "munderover"):
        element = element[0]
    return element


def _is_function(element: Element) -> bool:
    base = _base(element)
    name = _text(base)
    return base.tag in ("mi", "mo") and (
        name in _FUNCTIONS or (base.tag == "mo" and len(name) > 1 and name.isalpha())
    )


def _is_no_operand(before: Element | None) -> bool:
    """Whether what stands before a sign (nothing, `(`, `=`) makes it one of a number."""
    return before is None or (before.tag == "mo" and not _is_operand(before))


def _is_operand(element: Element) -> bool:
    """Whether a term ends with the element."""
    return _is_ordinary(element) or _text(_base(element)) in _CLOSING


def _is_ordinary(element: Element) -> bool:
    """Whether it is a letter, a number, a fraction, or built on one."""
    base = _base(element)
    if base.tag == "mo":
        return _text(base) in _SYMBOLS
    return base.tag != "mspace" and not _is_function(element)


def _write(element: Element) -> str:
    """One element as text, with nothing in it that is not on the lists above."""
    content = "".join(_write(child) for child in element)
    if element.tag not in _ELEMENTS:
        return content
    text = unescape(element.text or "")
    variant = element.get("mathvariant", "")
    if element.tag != "mtext" and _UNKNOWN.search(text):
        raise FormulaError(f"`{text}` is not known")
    if element.tag == "mi" and text == "&":
        raise FormulaError("`&` outside of a table")
    if variant in _ALPHABETS:
        text = "".join(_styled(character, _ALPHABETS[variant]) for character in text)
    attributes = {name: value for name, value in element.items() if name in _ATTRIBUTES}
    if variant == "normal" and len(text) == 1:
        attributes["mathvariant"] = "normal"
    if element.get("columnalign") in ("left", "right"):
        attributes["class"] = str(element.get("columnalign"))
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{element.tag}{written}>{escape(text, quote=False)}{content}</{element.tag}>"


def _styled(character: str, alphabet: str) -> str:
    """The letter of another alphabet: `p` in bold is U+1D429."""
    name = unicodedata.name(character, "")
    letter = re.sub(r"^(LATIN|GREEK) |LETTER ", "", name)
    for style in (f"MATHEMATICAL {alphabet} {letter}", f"{alphabet} {letter}"):
        try:
            return unicodedata.lookup(style)
        except KeyError:
            continue
    return character
