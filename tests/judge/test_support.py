from itertools import product

import pytest
from judge_cases import claim

from paperbench.judge.record import Margin, Part
from paperbench.judge.statistics import rate_interval
from paperbench.judge.support import support_of

LOOKS = (3, 5, 8)


def part(text, values):
    margin = Margin(mean=0, low=0, high=0, alpha=0.005, n=len(values), values=values)
    return Part(check=text, margin=margin)


def counted(check, *values, n_looks=3):
    parsed = claim(check).parsed_check()
    parts = [part(one.text, column) for one, column in zip(parsed.parts, values, strict=True)]
    return support_of(parsed, parts, n_looks)


def test_a_seed_supports_the_check_when_every_part_holds_on_it():
    found = counted("a.x > b.x and a.y >= b.y", [1.0, 1.0, -1.0, 1.0], [1.0, -1.0, 1.0, 0.0])
    assert (found.holds, found.n, found.level) == (2, 4, 0.95)
    assert counted("a.x > b.x", [0.0, float("nan"), 1.0]).holds == 1


def test_the_bound_is_clopper_and_pearsons_at_the_looks_share_of_the_error():
    assert counted("a.x > b.x", [1.0] * 8).low == pytest.approx((0.05 / 3) ** (1 / 8))
    assert counted("a.x > b.x", [1.0] * 8, n_looks=1).low == pytest.approx(0.05 ** (1 / 8))
    none = counted("a.x > b.x", [-1.0] * 8)
    assert (none.low, none.high) == (0, pytest.approx(1 - (0.05 / 3) ** (1 / 8)))


def worst_case(share, alpha):
    """The chance that the bound on the count's own side is wrong at any look: exact, all paths."""

    def errs(holds, n):
        _, low, high = rate_interval(holds, n, alpha)
        return low > share if 2 * holds >= n else high < share

    wrong = 0.0
    for path in product((0, 1), repeat=LOOKS[-1]):
        if any(errs(sum(path[:n]), n) for n in LOOKS):
            wrong += share ** sum(path) * (1 - share) ** (len(path) - sum(path))
    return wrong


def test_the_bound_covers_whatever_made_the_looking_stop():
    shares = [i / 40 for i in range(1, 40)]
    assert max(worst_case(share, 0.05 / 3) for share in shares) <= 0.05
    # Undivided, somebody who stops where it suits them would be wrong more often.
    assert max(worst_case(share, 0.05) for share in shares) > 0.05
