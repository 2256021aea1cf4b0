"""Parts in the place of components: tried before they train, put there for one run only."""

import sys
from dataclasses import replace

import pytest
import trial_experiments
from trial_experiments import level

from paperbench.components import find_component
from paperbench.engine.execute import execute
from paperbench.engine.interface import Interface, check_parts
from paperbench.engine.parts import in_place, load_part
from paperbench.errors import UsageError
from paperbench.plan import Site, plan_run
from paperbench.registry import find

DRAW = plan_run(
    find("trial/draw"),
    {"mean": 0.0, "spread": 1.0, "seconds": 0.0},
    0,
    Site("quick", "cpu"),
    label="draw",
)


@pytest.fixture
def write(tmp_path):
    """Write a part of the user's; returns what `--with` would make of it."""

    def mine(text, name="mine"):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return {"trial/level": f"{path}:{name}"}

    return mine


HEAD = "import torch\ndef mine(generator, mean, spread):\n    "
LOUD = HEAD + "return torch.tensor(7.0) * spread + mean\n"


def test_a_run_uses_the_part_and_the_next_one_does_not(write):
    plain = execute(DRAW).metrics["value"]
    parts = write(LOUD)
    assert execute(replace(DRAW, parts=parts)).metrics["value"] == 7.0
    assert trial_experiments.level is level
    assert execute(DRAW).metrics["value"] == plain


def test_the_original_comes_back_after_a_crash(write):
    parts = write("def mine(generator, mean, spread):\n    raise ValueError('no')\n")
    outcome = execute(replace(DRAW, parts=parts))
    assert outcome.status == "crashed"
    assert "ValueError: no" in outcome.error
    assert trial_experiments.level is level


def test_a_part_may_build_on_the_original(write):
    parts = write(
        "from trial_experiments import level\n"
        "def mine(generator, mean, spread):\n    return 2 * level(generator, mean, spread)\n"
    )
    once, twice = (execute(replace(DRAW, parts=p)).metrics["value"] for p in ({}, parts))
    assert twice == 2 * once != 0


def test_an_edited_file_is_another_part(write):
    target = write(LOUD)["trial/level"]
    first = load_part(target)
    assert load_part(target) is first
    assert load_part(write(LOUD.replace("7", "8"))["trial/level"]) is not first


def test_a_part_may_import_the_file_beside_it(write, tmp_path):
    (tmp_path / "beside_mine.py").write_text("LEVEL = 3.0\n")
    parts = write(
        "import torch\nfrom beside_mine import LEVEL\n"
        "def mine(generator, mean, spread):\n    return torch.tensor(LEVEL) * spread + mean\n"
    )
    assert execute(replace(DRAW, parts=parts)).metrics["value"] == 3.0
    assert str(tmp_path) not in sys.path


def test_only_names_of_the_papers_modules_are_replaced(write):
    with in_place(write(LOUD)):
        assert trial_experiments.level is not level
        assert sys.modules[__name__].level is level


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def mine(generator, mean):\n    return 1\n", "takes no argument `spread`"),
        (
            "def mine(generator, mean, spread, colour):\n    return 1\n",
            "needs an argument `colour`, which nobody gives it",
        ),
        ("def mine(mean, spread, generator):\n    return 1\n", "in another order"),
        ("def mine(generator, mean, spread):\n    return 1.0\n", "returned a float, not a tensor"),
        (HEAD + "return torch.ones(2)\n", "returned shape (2,), not ()"),
        (HEAD + "return torch.tensor(9.0)\n", "returns 9 for a mean of 0.0 without any spread"),
        (HEAD + "return torch.tensor(float('nan'))\n", "values that are not finite"),
        (
            "def mine(generator, mean, spread):\n    return missing\n",
            "raised NameError: name 'missing' is not defined when called with (",
        ),
        (HEAD + "raise SystemExit(0)\n", "raised SystemExit: 0 when called with ("),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(write, text, fault):
    with pytest.raises(UsageError) as caught:
        check_parts(write(text))
    message = str(caught.value)
    assert message.startswith("error: `mine.py:mine` does not fit component `trial/level`: it ")
    assert fault in message
    assert "mine.py:" in message.splitlines()[1]
    assert "what fits: A function `level(generator, mean, spread)`" in message


def test_what_raises_shows_the_users_own_line(write):
    with pytest.raises(UsageError) as caught:
        check_parts(write("def mine(generator, mean, spread):\n\n    return missing\n"))
    assert "mine.py:3:1" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "import no_such_module\n\ndef mine(generator, mean, spread): ...\n",
            "ModuleNotFoundError",
        ),
        ("mine = 3\n", "has no class or function `mine`"),
        (LOUD + "raise SystemExit(0)\n", "cannot be imported: SystemExit: 0"),
    ],
)
def test_what_cannot_be_loaded_is_refused(write, text, fault):
    with pytest.raises(UsageError, match=fault):
        check_parts(write(text))


def test_what_fits_is_accepted(write):
    check_parts(write(LOUD))
    check_parts(
        write(
            "import torch\ndef mine(*anything, **named):\n"
            "    return torch.tensor(anything[1]) * named.get('factor', 1)\n"
        )
    )


def test_a_part_may_import_the_file_beside_it_as_it_runs(write, tmp_path):
    (tmp_path / "beside_as_it_runs.py").write_text("SEVEN = 7.0\n")
    parts = write(
        HEAD + "from beside_as_it_runs import SEVEN\n    return torch.tensor(SEVEN)*spread\n"
    )
    before = list(sys.path)
    assert execute(replace(DRAW, parts=parts)).metrics["value"] == 7.0
    assert sys.path == before


def test_what_a_part_prints_is_not_what_the_bench_prints(write, capsys):
    parts = write(HEAD + "print('here I am')\n    return torch.tensor(0.0) * spread + mean\n")
    check_parts(parts)
    execute(replace(DRAW, parts=parts))
    out, err = capsys.readouterr()
    assert (out, err.count("here I am")) == ("", 3)


def test_a_gradient_that_does_not_flow_is_a_misfit():
    import torch

    part = Interface(find_component("trial/level"), "trial_components:louder")
    x = part.input(3)
    part.passes_gradients(2 * x, x)
    with pytest.raises(UsageError, match="passes no gradient: its result does not depend"):
        part.passes_gradients(2 * x.detach(), x)
    with pytest.raises(UsageError, match="passes no gradient to input 2"):
        part.passes_gradients(2 * x, x, part.input(3))
    layer = torch.nn.Linear(3, 1)
    with pytest.raises(UsageError, match="passes no gradient to parameter `bias`"):
        part.passes_gradients((layer.weight @ x), x, layer)


def test_a_part_is_in_the_key_of_the_run_and_its_source_too(write):
    def keys():
        parts = write(LOUD)
        run = plan_run(find("trial/draw"), DRAW.params, 0, Site("quick", "cpu", parts), label="")
        return run.key, run.lineage

    key, lineage = keys()
    assert key != DRAW.key and lineage != DRAW.lineage
    assert keys() == (key, lineage)
    (other := write(LOUD.replace("7", "8")))
    run = plan_run(find("trial/draw"), DRAW.params, 0, Site("quick", "cpu", other), label="")
    assert run.key != key and run.lineage == lineage


def test_a_part_of_another_paper_changes_no_key():
    site = Site("quick", "cpu", {"fox/gate": "somewhere:Else"})
    assert plan_run(find("trial/draw"), DRAW.params, 0, site, label="").key == DRAW.key
