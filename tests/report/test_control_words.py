"""What a control is said to have done, where the check has several parts."""

import csv
import io
import re

from records_in_tests import claim, margin, paper

from paperbench.judge.record import Control, Part
from paperbench.report.csv_table import paper_csv
from paperbench.report.explain import explain
from paperbench.report.markdown import paper_table
from paperbench.report.words import control_text, difference_part

NEAR, FAR = "fox.near < 0.9 * base.near", "fox.far < base.far"
OWN = {NEAR: [0.1, 0.2, 0.3], FAR: [5.0, 6.0, 7.0]}


def two_parts(near, far):
    """A claim that is weakest at NEAR; `near` and `far` are its control's margins by seed."""
    own = {check: margin(sum(values) / 3, 0.05, values=values) for check, values in OWN.items()}
    control = {
        NEAR: margin(sum(near) / 3, 0.05, values=near),
        FAR: margin(sum(far) / 3, 0.05, values=far),
    }
    differences = [a - b for a, b in zip(OWN[FAR], far, strict=True)]
    return claim(
        check=f"{NEAR} and {FAR}",
        margin=own[NEAR],
        parts=[Part(check=check, margin=each) for check, each in own.items()],
        control=Control(
            verdict="FAIL",
            kind="ablate",
            parts=[Part(check=check, margin=each) for check, each in control.items()],
            difference=margin(sum(differences) / 3, 0.1, values=differences),
        ),
    )


SAME = two_parts(near=[-9.0, -9.0, -9.0], far=[1.0, 1.0, 2.0])
OTHER = two_parts(near=[0.1, 0.1, 0.1], far=[-1.0, -1.0, -2.0])


def test_a_control_that_does_worst_at_another_part_says_so():
    assert control_text(SAME) == "−9.000 does not pass ✓"
    assert control_text(OTHER) == "−1.333 (another part) does not pass ✓"
    assert control_text(OTHER, half=True) == "−1.333 ± 0.050 (another part) does not pass ✓"


def test_the_part_of_a_difference_is_found_again_and_named():
    assert difference_part(SAME) == difference_part(OTHER) == FAR
    assert f"at `{FAR}`, paired by seed" in " ".join(explain(paper(), OTHER).split())
    lines = paper_table(paper(OTHER)).splitlines()
    (fact,) = [line for line in lines if line.startswith("- control (")]
    margins = r"; margin \+0\.100 .* at `fox\.near .*`; margin −1\.333 .* at `fox\.far .*`"
    assert re.search(rf"{margins}; difference \+7\.333 .* at `{re.escape(FAR)}`$", fact)


def test_a_table_names_the_parts_that_its_margins_are_of():
    (row,) = csv.DictReader(io.StringIO(paper_csv(paper(OTHER))))
    assert (row["part"], row["control_part"], row["difference_part"]) == (NEAR, FAR, FAR)
    (row,) = csv.DictReader(io.StringIO(paper_csv(paper(SAME))))
    assert (row["part"], row["control_part"], row["difference_part"]) == (NEAR, NEAR, FAR)
