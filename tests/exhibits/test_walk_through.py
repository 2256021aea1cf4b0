"""What the walk-through quotes is what the bench says, and what it tells of is so."""

import re
from pathlib import Path

from paperbench.judge.record import read_record
from paperbench.report.explain import explain
from paperbench.report.numbers import kinds_of
from paperbench.report.terminal import plain_table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "exhibit-random-tokens.md"
TEXT = PAGE.read_text()
CLAIMS = (ROOT / "claims" / "exhibits" / "random-tokens.yaml").read_text()
RECORD = read_record(ROOT / "results" / "quick-cpu" / "exhibits" / "random-tokens.json")


def quoted(command):
    """The lines that the page shows below a command; `...` stands for lines left out."""
    (block,) = re.findall(rf"```text\n\$ {re.escape(command)}\n(.*?)```", TEXT, flags=re.DOTALL)
    return block.splitlines()


def stands_in(lines, screen):
    """Whether the lines stand in the screen, in this order and with nothing between but `...`."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else f"{re.escape(line)} *\n" for line in lines
    )
    return re.fullmatch(pattern, f"{screen}\n") is not None


def test_what_verify_prints_is_quoted_as_it_is():
    lines = quoted("paperbench verify 'exhibits/*'")
    screen = "...\n" + plain_table(RECORD, kinds_of(RECORD))
    assert stands_in(lines, screen), screen
    assert {claim.claim for claim in RECORD.claims} == {
        line.split()[1] for line in lines if line.startswith(("VACUOUS", "INCONCLUSIVE"))
    }
    assert not stands_in([line.replace("ppl_16x is 5", "ppl_16x is 4") for line in lines], screen)


def test_what_why_prints_is_quoted_as_it_is():
    lines = quoted("paperbench why exhibits/random-tokens/flat-to-16x")
    screen = explain(RECORD, RECORD.find("flat-to-16x"), kinds_of(RECORD))
    assert stands_in(lines, screen), screen
    assert not stands_in(lines[1:], screen)


def test_the_claim_that_is_shown_stands_in_the_claim_file():
    (shown,) = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    assert shown in CLAIMS


def test_every_link_leads_somewhere_and_every_claim_that_is_named_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert "://" in target or (PAGE.parent / target).exists(), target
    fox = (ROOT / "claims" / "fox.yaml").read_text()
    there = TEXT.split("| here | there |")[1]
    named = re.findall(r"^\|[^|]+\| `([a-z0-9-]+)`", there, flags=re.MULTILINE)
    assert len(named) == 7
    assert [name for name in named if f"\n  {name}:\n" not in fox] == []
