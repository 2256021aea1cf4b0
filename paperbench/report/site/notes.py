"""The notes on a paper as an article: Markdown to HTML, formulas, and links into the source.

Nothing of the Markdown becomes markup that it does not ask for in Markdown: HTML in it is text, a
picture is not loaded, and a link leads to the web, to the source, or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from paperbench.report.site.maths import FormulaError, formula
from paperbench.report.site.source import Line, SourceIndex

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_REFERENCE = re.compile(
    r"(?<![\w)\]])\((?P<number>\d+)\)"
    r"|\barXiv:(?P<paper>\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7})"
)
_ROW = re.compile(r"^\((\d+)\)$")
_LEADS = re.compile(r"\(\d+\)")
_CALL = re.compile(r"\(.*\)$")
_RESULTS = re.compile(r"(?:^|/)results/[a-z]+-[a-z]+/([a-z0-9-]+)\.md$")
_TAGGED = re.compile(r"\\tag\{(\d+)\}")
_FILE = re.compile(r"[\w-]+\.py")
# A table that folds is no table to some browsers, so that each part says what it is.
_ROLES = {
    "thead_open": "rowgroup",
    "tbody_open": "rowgroup",
    "tr_open": "row",
    "th_open": "columnheader",
    "td_open": "cell",
}


@dataclass(frozen=True)
class Article:
    """Notes as HTML. headings: (id, words) of its sections; equations: the numbers that it has."""

    html: str
    headings: Sequence[tuple[str, str]]
    equations: set[str]


@dataclass
class _Writing:
    """What the rules know of the page that they write."""

    index: SourceIndex
    claims: Mapping[str, str]
    tagged: set[str]
    equations: set[str] = field(default_factory=set)  # those written so far
    where: dict[str, list[Line]] = field(default_factory=dict)  # number -> what a table says
    headings: list[tuple[str, str]] = field(default_factory=list)


def article(markdown: str, index: SourceIndex, claims: Mapping[str, str]) -> Article:
    """The notes as HTML, without their title. claims: name -> id on the page."""
    parser = _parser()
    tokens = parser.parse(markdown)
    writing = _Writing(index, claims, set(_TAGGED.findall(markdown)))
    if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    _mark(tokens, writing)
    html = str(parser.renderer.render(tokens, parser.options, {"writing": writing}))
    return Article(html, writing.headings, writing.equations)


def inline(markdown: str) -> str:
    """One line with formulas and code and nothing else, a caption say."""
    parser = _parser()
    return str(parser.renderInline(markdown, {"writing": _Writing(SourceIndex(), {}, set())}))


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.use(dollarmath_plugin, allow_space=False, double_inline=True)
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _mark(tokens: Sequence[Token], writing: _Writing) -> None:
    """Go through the page once: headings get ids, code its targets, rows their numbers."""
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
            words = tokens[i + 1].content
            if token.tag == "h3":
                anchor = _anchor(words, [each for each, _ in writing.headings])
                token.attrSet("id", anchor)
                writing.headings.append((anchor, words.replace("`", "")))
        elif token.type == "heading_close":
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        elif token.type == "inline":
            _mark_inline(token.children or [], writing)
        elif token.type == "table_open":
            _mark_table(tokens[i:])
        elif token.type == "tr_open":
            _mark_row(tokens[i:], writing)


def _anchor(words: str, taken: Sequence[str]) -> str:
    """An id for a section that no other one has."""
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    anchor, again = f"Notes-{slug}", 2
    while anchor in taken:
        anchor, again = f"Notes-{slug}-{again}", again + 1
    return anchor


def _mark_inline(children: Sequence[Token], writing: _Writing) -> None:
    """Code that names something of the source gets its line; in a link it stays as it is."""
    depth, file = 0, ""
    for child in children:
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type == "code_inline":
            child.meta["target"] = "" if depth else _target(child.content, file, writing)
            child.meta["line"] = _line(child.content, file, writing)
            if _FILE.fullmatch(child.content):
                file = child.content
        elif child.type == "link_open":
            _resolve(child, writing)
        child.meta["in link"] = depth > 0


def _line(code: str, file: str, writing: _Writing) -> Line | None:
    """Where what the code names is defined. file: that was named before it, where names repeat."""
    name = _CALL.sub("", code)
    names = writing.index.names
    return names.get(f"{file}:{name}") or names.get(name)


def _target(code: str, file: str, writing: _Writing) -> str:
    if code in writing.claims:
        return writing.claims[code]
    line = _line(code, file, writing)
    return line.anchor if line else ""


def _resolve(link: Token, writing: _Writing) -> None:
    """A link to the web stays; one to a file of the source or to a results page leads there."""
    href = str(link.attrGet("href") or "")
    results = _RESULTS.search(href)
    if re.match(r"https?://", href):
        link.attrSet("rel", "noreferrer")
    elif href in writing.index.names:
        link.attrSet("href", f"#{writing.index.names[href].anchor}")
    elif results:
        link.attrSet("href", f"{results[1]}.html")
    else:
        link.attrs.pop("href", None)


def _mark_table(table: Sequence[Token]) -> None:
    """One whose rows begin with numbers of equations folds where the page is narrow.

    A column without a name has an empty cell above it, not an empty heading.
    """
    end = next(i for i, token in enumerate(table) if token.type == "table_close")
    for i, token in enumerate(table[:end]):
        if token.type == "tr_open" and _LEADS.match(table[i + 2].content):
            table[0].meta["folds"] = True
        elif token.type == "th_open" and not table[i + 1].content:
            token.tag = table[i + 2].tag = "td"
        if token.type in _ROLES:
            token.attrSet("role", "cell" if token.tag == "td" else _ROLES[token.type])


def _mark_row(row: Sequence[Token], writing: _Writing) -> None:
    """A row that begins with `(3)` is that equation, or says where its code is."""
    end = next(i for i, token in enumerate(row) if token.type == "tr_close")
    cells = [token for token in row[:end] if token.type == "inline"]
    match = _ROW.match(cells[0].content) if cells else None
    if match is None:
        return
    number = match[1]
    for cell in cells[1:]:
        _mark_inline(cell.children or [], writing)
    lines = [
        child.meta["line"]
        for cell in cells[1:]
        for child in cell.children or []
        if child.type == "code_inline" and child.meta["line"] and ".py" not in child.content
    ]
    if number in writing.tagged:
        writing.where.setdefault(number, []).extend(lines)
        return
    row[0].attrSet("id", f"Eq-{number}")
    row[0].attrSet("class", "equation-row")
    writing.tagged.add(number)  # the first row with a number is the equation
    writing.equations.add(number)
    last = next(token for token in reversed(row[:end]) if token.type == "td_close")
    last.meta["lines"] = writing.index.equations.get(number, [])


def _text(_: Any, tokens: Sequence[Token], i: int, __: Any, env: dict[str, Any]) -> str:
    """Text in which `(3)` leads to equation 3, where there is one, and `arXiv:...` to arXiv."""
    writing: _Writing = env["writing"]
    shown = escape(tokens[i].content, quote=False)
    if tokens[i].meta.get("in link"):
        return shown

    def link(match: re.Match[str]) -> str:
        if match["paper"]:
            address = f"https://arxiv.org/abs/{match['paper']}"
            return f'<a href="{address}" rel="noreferrer">{match[0]}</a>'
        known = match["number"] in writing.tagged
        return f'<a href="#Eq-{match["number"]}">{match[0]}</a>' if known else match[0]

    return _REFERENCE.sub(link, shown)


def _code(_: Any, tokens: Sequence[Token], i: int, __: Any, env: dict[str, Any]) -> str:
    code = f"<code>{escape(tokens[i].content, quote=False)}</code>"
    target = tokens[i].meta.get("target")
    return f'<a class="name" href="#{escape(target)}">{code}</a>' if target else code


def _fence(_: Any, tokens: Sequence[Token], i: int, __: Any, ___: Any) -> str:
    """A block of code; one that is wide can be scrolled, by the keyboard too."""
    return (
        '<pre tabindex="0" role="group" aria-label="code"><code>'
        f"{escape(tokens[i].content, quote=False)}</code></pre>\n"
    )


def _math(_: Any, tokens: Sequence[Token], i: int, __: Any, ___: Any) -> str:
    """A formula in a line; one that is wider than the page can be scrolled."""
    return f'<span class="formula-in-line">{_shown(tokens[i].content, display=False)[0]}</span>'


def _display(_: Any, tokens: Sequence[Token], i: int, __: Any, env: dict[str, Any]) -> str:
    """A formula on its own line, its number at the right, and under it the code of it."""
    writing: _Writing = env["writing"]
    shown, number = _shown(tokens[i].content, display=True)
    body = f'<div class="formula" tabindex="0" role="group" aria-label="formula">{shown}</div>'
    if number is None:
        return f'<div class="equation">{body}</div>\n'
    anchor = f' id="Eq-{escape(number)}"' if number not in writing.equations else ""
    writing.equations.add(number)
    lines = writing.index.equations.get(number) or writing.where.get(number, [])
    return (
        f'<div class="equation"{anchor}>{body}<span class="number">({escape(number)})</span>'
        f"{_code_lines(lines)}</div>\n"
    )


def _cell_end(_: Any, tokens: Sequence[Token], i: int, __: Any, ___: Any) -> str:
    return f"{_code_lines(tokens[i].meta.get('lines', []))}</td>\n"


def _table(_: Any, tokens: Sequence[Token], i: int, __: Any, ___: Any) -> str:
    folds = ' class="folds"' if tokens[i].meta.get("folds") else ""
    return (
        '<div class="wide" tabindex="0" role="group" aria-label="table">'
        f'<table role="table"{folds}>\n'
    )


def _table_end(_: Any, __: Any, ___: int, ____: Any, _____: Any) -> str:
    return "</table></div>\n"


def _code_lines(lines: Sequence[Line]) -> str:
    """The lines of code that an equation is computed by."""
    shown = "".join(
        f'<li><a href="#{escape(line.anchor)}">'
        f'<span class="where">{escape(line.file)}:{line.number}</span>'
        f"{f' <code>{escape(line.code, quote=False)}</code>' if line.code else ''}</a></li>"
        for line in lines
    )
    return f'<ul class="code-lines">{shown}</ul>' if shown else ""


def _shown(latex: str, *, display: bool) -> tuple[str, str | None]:
    """The formula and its number; as the text that it is where it cannot be shown."""
    try:
        return formula(latex, display=display)
    except FormulaError:
        return f'<code class="formula-text">{escape(latex, quote=False)}</code>', None


_RULES: dict[str, Callable[..., str]] = {
    "text": _text,
    "code_inline": _code,
    "fence": _fence,
    "code_block": _fence,
    "math_inline": _math,
    "math_inline_double": _display,
    "math_block": _display,
    "math_block_label": _display,
    "td_close": _cell_end,
    "table_open": _table,
    "table_close": _table_end,
}
