import subprocess
import sys
from pathlib import Path

import pytest

from paperbench.errors import SpecError, UsageError
from paperbench.spec import claims_folder, discover, load_claim_file

PAPER = "schema_version: 1\npaper: {title: T, authors: [A], year: 2014, url: u}\n"


def test_a_claim_file_becomes_a_model(load):
    file = load()
    claim = file.claims["shrinks-gap"]
    assert (file.slug, file.path, file.paper.authors) == (
        "dropout",
        Path("dropout.yaml"),
        ("Srivastava", "Hinton"),
    )
    assert (claim.name, claim.looks, claim.control) == (
        "shrinks-gap",
        (3, 5, 8),
        {"dropout": {"mask": "frozen"}},
    )
    assert file.experiments["overfit"].tiers["full"] == {"steps": 20000, "label_noise": 0}


def test_lists_become_tuples_and_integers_serve_as_numbers(load, edit):
    claim = load(
        edit(
            (
                "    because:",
                "    looks: [2, 4]\n    alpha: [0.01, 0.01]\n"
                "    control_factor: 10\n    expect: {quick: fail}\n"
                "    reason: small\n    because:",
            )
        )
    ).claims["shrinks-gap"]
    assert (claim.looks, claim.alpha, claim.control_factor) == ((2, 4), (0.01, 0.01), 10.0)
    assert (claim.expected("quick"), claim.expected("full")) == ("fail", "pass")


TYPO = """\
error: unknown key `statment` in claim `shrinks-gap`
  --> dropout.yaml:20:5
20 |     statment: Dropout shrinks the gap.
   |     ^^^^^^^^
   = help: did you mean `statement`? known: alpha, anchor, because, budget, check, control, \
control_factor, control_kind, exempt, expect, experiment, kind, looks, reason, reported, source, \
statement, tiers"""
MISSING = """\
error: claim `shrinks-gap` lacks the key `statement`
  --> dropout.yaml:19:3
19 |   shrinks-gap:
   |   ^^^^^^^^^^^"""


def test_every_problem_of_a_file_is_shown_at_once(refusal, edit):
    assert refusal(edit(("statement: D", "statment: D"))) == f"{MISSING}\n\n{TYPO}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "schema_version: 1",
            "schema_version: 2",
            """\
error: `schema_version` must be 1, and is the number 2
 --> dropout.yaml:1:17
1 | schema_version: 2
  |                 ^""",
        ),
        (
            "  year: 2014",
            "  arxiv: 2503.02130\n  year: 2014",
            """\
error: `paper.arxiv` must be text, and is the number 2503.0213
 --> dropout.yaml:5:10
5 |   arxiv: 2503.02130
  |          ^^^^^^^^^^
  = help: put it in quotes: "2503.02130\"""",
        ),
        (
            "  year: 2014",
            "  yaer: 1\n  year: 2014",
            """\
error: unknown key `yaer` in `paper`
 --> dropout.yaml:5:3
5 |   yaer: 1
  |   ^^^^
  = help: did you mean `year`? known: arxiv, authors, title, url, venue, year""",
        ),
        (
            "  year: 2014",
            "  year: soon",
            """\
error: `paper.year` must be an integer, and is the text "soon"
 --> dropout.yaml:5:9
5 |   year: soon
  |         ^^^^""",
        ),
        (
            "[Srivastava, Hinton]",
            "Srivastava",
            """\
error: `paper.authors` must be a list, and is the text "Srivastava"
 --> dropout.yaml:4:12
4 |   authors: Srivastava
  |            ^^^^^^^^^^""",
        ),
        (
            "plain: {dropout: 0}",
            "plain:",
            """\
error: `arms.plain` of experiment `overfit` must be a mapping, and is empty
  --> dropout.yaml:12:13
12 |       plain:
   |             ^
   = help: write `{}` for a mapping with nothing in it""",
        ),
        (
            "hidden: 256",
            "hidden: [256]",
            """\
error: `params.hidden` of experiment `overfit` must be an integer or a number or text or true or \
false, and is a list
  --> dropout.yaml:10:22
10 |     params: {hidden: [256], label_noise: 0.2}
   |                      ^""",
        ),
        (
            "      full:",
            "      ful:",
            """\
error: `ful` cannot be a key here
  --> dropout.yaml:17:7
17 |       ful: {steps: 20000, label_noise: 0}
   |       ^^^
   = help: use 'smoke', 'quick' or 'full'""",
        ),
        (
            "    because: U",
            "    expect: {quick: fial}\n    because: U",
            """\
error: `expect.quick` of claim `shrinks-gap` must be pass, fail or inconclusive, and is the text \
"fial"
  --> dropout.yaml:25:21
25 |     expect: {quick: fial}
   |                     ^^^^""",
        ),
        (
            "    because: U",
            "    source: {fig: 4}\n    because: U",
            """\
error: unknown key `fig` in `source` of claim `shrinks-gap`
  --> dropout.yaml:25:14
25 |     source: {fig: 4}
   |              ^^^
   = help: did you mean `figure`? known: equation, figure, note, page, section, table""",
        ),
        (
            "    because: U",
            "    looks: [3, 5.5]\n    because: U",
            """\
error: `looks.1` of claim `shrinks-gap` must be an integer, and is the number 5.5
  --> dropout.yaml:25:16
25 |     looks: [3, 5.5]
   |                ^^^""",
        ),
        (
            "    because: U",
            "    kind: margni\n    because: U",
            """\
error: `kind` of claim `shrinks-gap` must be margin, exact, timing, rate or reading, and is the \
text "margni"
  --> dropout.yaml:25:11
25 |     kind: margni
   |           ^^^^^^""",
        ),
        (
            "  shrinks-gap:",
            "  Shrinks Gap:",
            """\
error: `Shrinks Gap` cannot be the name of a claim
  --> dropout.yaml:19:3
19 |   Shrinks Gap:
   |   ^^^^^^^^^^^
   = help: use a-z, 0-9 and hyphens, a letter or digit first""",
        ),
        (
            "      plain: {",
            "      ../plain: {",
            """\
error: `../plain` cannot be the name of an arm
  --> dropout.yaml:12:7
12 |       ../plain: {dropout: 0}
   |       ^^^^^^^^
   = help: use a-z, 0-9 and hyphens or underscores, a letter or digit first""",
        ),
        (
            "  overfit:\n",
            "  over fit:\n",
            """\
error: `over fit` cannot be the name of an experiment
 --> dropout.yaml:8:3
8 |   over fit:
  |   ^^^^^^^^
  = help: use a-z, 0-9 and hyphens or underscores, a letter or digit first""",
        ),
        (
            "schema_version: 1\n",
            "schema_version: 1\nslug: other\n",
            """\
error: unknown key `slug` in the file
 --> dropout.yaml:2:1
2 | slug: other
  | ^^^^
  = help: known: claims, experiments, paper, schema_version""",
        ),
    ],
)
def test_a_wrong_key_or_type_is_shown_at_its_place(refusal, edit, old, new, message):
    assert refusal(edit((old, new))) == message


def test_a_claim_names_itself_by_its_key_alone(refusal, edit):
    message = refusal(edit(("    because: U", "    name: other\n    because: U")))
    assert message.startswith(
        "error: unknown key `name` in claim `shrinks-gap`\n  --> dropout.yaml:25:5"
    )


def test_a_missing_section_is_named(refusal):
    assert refusal(PAPER) == (
        "error: the file lacks the key `claims`\n --> dropout.yaml:1:1\n"
        "1 | schema_version: 1\n  | ^"
    )


def test_no_is_a_claim_and_not_a_boolean(load):
    assert list(load(PAPER + "claims: {no: {statement: s, kind: reading}}\n").claims) == ["no"]


@pytest.mark.parametrize(
    "name", ["Dropout.yaml", "a b.yaml", "..yaml", "-x.yaml", "a_b.yaml", "a\n.yaml"]
)
def test_a_file_name_that_is_no_slug_is_refused(write, name):
    with pytest.raises(SpecError, match="cannot be a paper's slug"):
        load_claim_file(write(name=name))


def test_a_slug_counts_from_the_claims_folder(write):
    path = write(name="claims/exhibits/random-tokens.yaml")
    assert load_claim_file(path, folder=Path("claims")).slug == "exhibits/random-tokens"
    assert load_claim_file(path).slug == "random-tokens"


def test_discover_sorts_files_and_skips_hidden_folders(write):
    for name in (
        "claims/fox.yaml",
        "claims/exhibits/a.yaml",
        "claims/.old/b.yaml",
        "claims/notes.md",
    ):
        write(name=name)
    found = discover([Path("claims"), Path("claims/fox.yaml")])
    assert [str(path) for path in found] == ["claims/exhibits/a.yaml", "claims/fox.yaml"]


def test_discover_does_not_leave_out_a_file_in_silence(write):
    write(name="claims/fox.yml")
    with pytest.raises(SpecError) as caught:
        discover([Path("claims")])
    assert str(caught.value) == (
        "error: claims/fox.yml would be left out: a claim file ends in `.yaml`\n"
        "help: rename it to fox.yaml"
    )


def test_the_claims_folder_is_the_one_asked_for_then_the_one_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        claims_folder(Path("mine"))
    assert str(caught.value) == (
        "error: there is no folder mine\n"
        "help: `--claims` takes the folder that holds the claim files"
    )
    Path("mine").mkdir()
    assert claims_folder(Path("mine")) == Path("mine")
    Path("claims").mkdir()
    assert claims_folder() == Path("claims")


def test_reading_claims_imports_neither_torch_nor_numpy():
    code = (
        "import sys, paperbench.spec; "
        "sys.exit(bool({'torch', 'numpy', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
