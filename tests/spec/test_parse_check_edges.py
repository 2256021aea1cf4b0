import pytest

from paperbench.spec.check import CheckSyntaxError, parse_check


@pytest.mark.parametrize("arm", ["with", "lambda", "lr-1", "2x", "no-gate", "in", "a--b", "x_1-b"])
def test_an_arm_may_have_any_name_that_a_claim_file_allows(arm):
    check = parse_check(f"0.5 * {arm}.loss < 1e-3 + other.loss")
    assert check.arms() == [arm, "other"]
    assert [check.text[one.column : one.column + one.length] for one in check.metrics()] == [
        f"{arm}.loss",
        "other.loss",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.x < 1e400", "this number is too large"),
        ("a.x < 1" + "0" * 400, "this number is too large"),
        ("(a.x\n< 1)", "a check is one line of at most 500 characters, all of them ASCII"),
        ("a.x < 1\x00", "a check is one line of at most 500 characters, all of them ASCII"),
        ("1and a.x < 2", "this is not a comparison that can be parsed"),
        ("'\\d' < a.x", "this is not a comparison that can be parsed"),
        ("(" * 400 + "a.x < 1", "this is not a comparison that can be parsed"),
    ],
)
def test_a_check_that_tries_the_parser_is_refused(text, message):
    with pytest.raises(CheckSyntaxError) as caught:
        parse_check(text)
    assert caught.value.message == message


def test_a_difference_without_spaces_says_how_to_write_it():
    with pytest.raises(CheckSyntaxError) as caught:
        parse_check("a.x-b.x < 1")
    assert caught.value.help == "write `arm.metric`; a difference needs spaces: `a.x - b.x`"
