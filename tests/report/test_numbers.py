import math

import pytest
from records_in_tests import claim, margin, paper

from paperbench.judge.numbers import format_margin
from paperbench.metric_kinds import accuracy, nats
from paperbench.report.numbers import supporting, unit_of


@pytest.mark.parametrize(
    ("mean", "half", "shown"),
    [
        (0.7712, 0.1634, "+0.77 [+0.61, +0.93]"),
        (0.012, 0.0034, "+0.0120 [+0.0086, +0.0154]"),
        (-5057.3, 120.0, "−5,057 [−5,177, −4,937]"),
        (520.0, 0.0, "+520"),
        (0.0, 0.0, "0"),
        (3e-9, 1e-10, "+3.0e−09 [+2.9e−09, +3.1e−09]"),
        (3e9, 1e9, "+3.0e+09 [+2.0e+09, +4.0e+09]"),
        (0.0000004, 0.2, "0.00 [−0.20, +0.20]"),
        (1e-10, 1e-15, "+1.0e−10"),  # no digit tells its ends apart
    ],
)
def test_a_margin_has_the_digits_that_its_interval_supports(mean, half, shown):
    assert format_margin(margin(mean, half)) == shown


def test_an_endless_or_missing_margin_is_shown_as_such():
    assert format_margin(margin(1.5, math.inf)) == "+1.50 [−∞, +∞]"
    assert format_margin(margin(math.nan, math.nan)) == "nan"


def test_a_unit_follows_the_margin():
    assert format_margin(margin(0.5, 0.1), "nats") == "+0.50 [+0.40, +0.60] nats"


@pytest.mark.parametrize(
    ("check", "unit"),
    [
        ("fox.loss < rope.loss", "nats"),
        ("rope.loss - fox.loss > 0.1", "nats"),
        ("exp(fox.loss) < 3", ""),
        ("fox.loss / rope.loss < 1", ""),
        ("fox.loss < rope.acc", "nats"),
        ("fox.other < 1", ""),
        ("not a check", ""),
    ],
)
def test_a_margin_has_a_unit_only_where_its_terms_share_one(check, unit):
    kinds = {"loss": nats, "acc": accuracy}
    expected = "" if "rope.acc" in check else unit
    assert unit_of(claim(check=check), check, kinds) == expected


def test_a_tie_supports_only_what_is_not_strict():
    assert supporting("a.x < b.x", [0.0, 1.0, -1.0]) == 1
    assert supporting("a.x <= b.x", [0.0, 1.0, -1.0]) == 2


def test_kinds_come_from_the_registry_and_only_where_experiments_agree():
    from paperbench.report.numbers import kinds_of

    record = paper(claim(arms={"low": {"value": [1.0], "unheard_of": [1.0]}}), paper="trial")
    assert {name: kind.name for name, kind in kinds_of(record).items()} == {"value": "score"}
