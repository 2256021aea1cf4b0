"""Formulas of the notes as MathML: all those of the papers, and nothing that is none."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import paperbench
from paperbench.report.site.maths import FormulaError, formula
from paperbench.report.site.notes import article
from paperbench.report.site.source import index_sources

PAPERS = Path(paperbench.__file__).parent / "papers"
NOTES = sorted(PAPERS.glob("*/NOTES.md"))


def mathml(latex, display=False):
    return formula(latex, display=display).mathml


def text_of(latex):
    return "".join(ElementTree.fromstring(mathml(latex)).itertext())


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.parent.name)
def test_every_formula_of_the_notes_is_shown(path):
    notes = path.read_text()
    sources = {each.name: each.read_text() for each in path.parent.glob("*.py")}
    shown = article(notes, index_sources(sources), {})
    assert "formula-text" not in shown.html  # what could not be shown
    prose = re.sub(r"```.*?```|`[^`]*`", "", notes, flags=re.DOTALL)
    assert (
        shown.html.count("<math")
        == prose.count("$$") // 2 + len(re.findall(r"(?<!\$)\$(?!\$)", prose)) // 2
    )
    assert set(re.findall(r"\\tag\{(\d+)\}", notes)) <= shown.equations
    assert not re.search(r"\\[a-z]+", "".join(re.findall(r"<math.*?</math>", shown.html)))
    for each in re.findall(r"<math.*?</math>", shown.html, flags=re.DOTALL):
        ElementTree.fromstring(each)


def test_a_tag_is_the_number_and_no_part_of_the_formula():
    shown = formula(r"a = b \tag{3}", display=True)
    assert shown.tag == "3"
    assert "3" not in shown.mathml and 'display="block"' in shown.mathml


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\arg\max_a Q", "argmaxaQ"),
        (r"W \mathrel{+}= v", "W+=v"),
        (r"\mathrm{relu}(x)", "relu(x)"),
        (r"\mathbf p", "𝐩"),
        (r"\mathcal H \mathbb R", "ℋℝ"),
        (r"c_\text{puct}", "cpuct"),
        (r"r \sim P", "r∼P"),
        (r"\begin{cases} a & x > 0 \\ b & x < 0 \end{cases}", "{ax>0bx<0"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(abcd)"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a=bc=d"),
    ],
)
def test_what_browsers_or_the_library_lack_is_put_in(latex, text):
    assert text_of(latex).replace("\u2009", "") == text


def test_names_are_one_word_and_functions_stand_apart():
    assert "<mi>relu</mi>" in mathml(r"\mathrm{relu}(x)")
    assert mathml(r"\log x").count("<mspace") == 1
    assert "mspace" not in mathml(r"\log(x)")
    assert 'form="prefix"' in mathml("f(-x)")
    assert 'form="prefix"' not in mathml("a - x")


def test_sums_carry_their_limits():
    assert "<munderover>" in mathml(r"\sum_{i=1}^n x_i", display=True)
    assert "<msub>" in mathml("x_i")


def test_columns_of_an_alignment_are_told_to_the_style_sheet():
    shown = mathml(r"\begin{aligned} a &= b \end{aligned}")
    assert 'class="right"' in shown and "columnalign" not in shown


@pytest.mark.parametrize("latex", [r"\frobnicate x", r"a & b", r"\left( x"])
def test_what_is_no_formula_is_refused(latex):
    with pytest.raises(FormulaError):
        formula(latex, display=False)


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{&#x3c;script>alert(1)&#x3c;/script>}",
        r"\href{javascript:alert(1)}{x}",
        r'\style{x"onclick="alert(1)}{y}',
        r'\color{"><script>}{x}',
        r"\class{chip}{x}",
    ],
)
def test_a_formula_cannot_become_a_page(latex):
    shown = mathml(latex)
    elements = list(ElementTree.fromstring(shown).iter())
    assert {element.tag for element in elements} <= {"math", "mrow", "mi", "mtext", "mstyle"}
    assert not [name for element in elements for name in dict(element.items()) if name != "display"]
