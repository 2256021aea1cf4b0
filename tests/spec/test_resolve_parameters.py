import pytest

from paperbench.errors import UsageError
from paperbench.spec import resolve_parameters


@pytest.fixture
def resolve(load, make_info):
    experiment = load().experiments["overfit"]
    return lambda *arguments: resolve_parameters(make_info(), experiment, *arguments)


def test_a_later_layer_wins_over_an_earlier_one(load, edit, make_info):
    def resolved(*edits, overrides=None):
        experiment = load(edit(*edits)).experiments["overfit"]
        return resolve_parameters(make_info(), experiment, "plain", "quick", overrides)["hidden"]

    in_params = ("hidden: 256", "hidden: 1")
    in_tier = ("steps: 600", "steps: 600, hidden: 2")
    in_arm = ("dropout: 0}", "dropout: 0, hidden: 3}")
    assert resolved(("hidden: 256, ", "")) == 128
    assert resolved(in_params) == 1
    assert resolved(in_params, in_tier) == 2
    assert resolved(in_params, in_tier, in_arm) == 3
    assert resolved(in_params, in_tier, in_arm, overrides={"hidden": 4}) == 4


def test_every_parameter_is_there_in_the_order_of_the_signature(resolve):
    assert list(resolve("plain", "quick").items()) == [
        ("data", "digits"),
        ("hidden", 256),
        ("label_noise", 0.2),
        ("dropout", 0.0),
        ("mask", "random"),
        ("steps", 600),
    ]


def test_an_integer_for_a_float_becomes_a_float(resolve):
    resolved = resolve("plain", "full")
    assert [type(resolved[name]) for name in ("label_noise", "dropout", "hidden")] == [
        float,
        float,
        int,
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("plan", "quick"),
            "error: experiment `dropout/overfit` has no arm `plan`\n"
            "help: did you mean `plain`? arms: dropout, plain",
        ),
        (
            ("plain", "huge"),
            "error: experiment `dropout/overfit` has no tier `huge`\n"
            "help: tiers: full, quick, smoke",
        ),
        (
            ("plain", "quick", {"hiden": 1}),
            "error: unknown parameter `hiden` for experiment `dropout/overfit`\n"
            "help: did you mean `hidden`? parameters: data, dropout, hidden, label_noise, mask, "
            "steps",
        ),
    ],
)
def test_an_unknown_name_is_refused(resolve, arguments, message):
    with pytest.raises(UsageError) as caught:
        resolve(*arguments)
    assert str(caught.value) == message
