from pathlib import Path

import pytest

from paperbench.errors import NothingSelected
from paperbench.spec import load_claim_file, select

EXHIBIT = "exhibits/random-tokens/ppl-flat"
HEAD = "schema_version: 1\npaper: {title: T, authors: [A], year: 2014, url: u}\nclaims:\n"


@pytest.fixture
def files(write):
    def file(name, *claims):
        text = HEAD + "".join(f"  {claim}: {{statement: s, kind: reading}}\n" for claim in claims)
        return load_claim_file(write(text, f"claims/{name}.yaml"), folder=Path("claims"))

    return [
        file("dropout", "gap"),
        file("fox", "ppl-below", "gate-cost"),
        file("exhibits/random-tokens", "ppl-flat"),
    ]


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        ([], ["dropout/gap", "fox/ppl-below", "fox/gate-cost"]),
        (["all"], ["dropout/gap", "fox/ppl-below", "fox/gate-cost"]),
        (["*"], ["dropout/gap", "fox/ppl-below", "fox/gate-cost"]),
        (["fox"], ["fox/ppl-below", "fox/gate-cost"]),
        (["fox/gate-cost"], ["fox/gate-cost"]),
        (["fox/*"], ["fox/ppl-below", "fox/gate-cost"]),
        (["*/ppl-*"], ["fox/ppl-below"]),
        (["exhibits"], [EXHIBIT]),
        (["exhibits/*/ppl-*"], [EXHIBIT]),
        (["all", "exhibits/*"], ["dropout/gap", "fox/ppl-below", "fox/gate-cost", EXHIBIT]),
        (["exhibits/*"], [EXHIBIT]),
        (["exhibits/random-tokens"], [EXHIBIT]),
        (["fox/gate-cost", "dropout", "fox/g*"], ["dropout/gap", "fox/gate-cost"]),
    ],
)
def test_a_selector_names_claims_in_the_order_of_the_files(files, selectors, names):
    assert [one.name for one in select(files, selectors)] == names


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (
            "foxx",
            "error: no claim matches `foxx`\n"
            "help: did you mean `fox`? papers: dropout, exhibits/random-tokens, fox",
        ),
        (
            "fox/ppl-bellow",
            "error: no claim matches `fox/ppl-bellow`\n"
            "help: did you mean `ppl-below`? claims of `fox`: gate-cost, ppl-below",
        ),
        (
            "droput/gap",
            "error: no claim matches `droput/gap`\n"
            "help: did you mean `dropout`? papers: dropout, exhibits/random-tokens, fox",
        ),
        (
            "FOX",
            "error: no claim matches `FOX`\nhelp: papers: dropout, exhibits/random-tokens, fox",
        ),
    ],
)
def test_a_selector_that_names_nothing_says_what_there_is(files, selector, message):
    with pytest.raises(NothingSelected) as caught:
        select(files, ["fox", selector])
    assert (str(caught.value), caught.value.exit_code) == (message, 5)


def test_nothing_to_select_from_is_not_a_success():
    with pytest.raises(NothingSelected) as caught:
        select([])
    assert str(caught.value) == (
        "error: there is no claim to select\n"
        "help: is this the right folder? `--claims FOLDER` names another"
    )
