import importlib
import typing

import pytest

from paperbench import registry
from paperbench.errors import UsageError
from paperbench.registry import experiments, find, read_experiments


def test_what_is_parsed_is_what_is_registered():
    """The static reading of every experiment agrees with its live signature and decorator."""
    import inspect

    for info in experiments().values():
        function = info.load()
        live = inspect.signature(function).parameters
        names = [n for n, p in live.items() if p.kind is inspect.Parameter.KEYWORD_ONLY]
        assert list(info.parameters) == names, info.name
        assert info.defaults == {n: live[n].default for n in names}, info.name
        assert dict(info.metrics) == function.experiment_metrics, info.name
        assert dict(info.chance) == function.experiment_chance, info.name
        assert function.experiment_name == info.name
        module = importlib.import_module(info.module)
        hints = typing.get_type_hints(function, vars(module))
        for name, parameter in info.parameters.items():
            if typing.get_origin(hints[name]) is typing.Literal:
                assert parameter.choices == typing.get_args(hints[name]), info.name


def test_an_unknown_experiment_gets_the_nearest_name():
    with pytest.raises(UsageError) as caught:
        find("trial/fitt")
    assert "no experiment is registered as `trial/fitt`" in str(caught.value)
    assert "did you mean `trial/fit`?" in str(caught.value)


@pytest.fixture
def fresh_registry(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.experiments.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    registry.experiments.cache_clear()


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("@experiment('trial/fit', metrics={})\ndef fit(run): ...\n", "already registered"),
        (None, "has no source file"),
    ],
)
def test_a_broken_plugin_is_a_warning_that_names_it(fresh_registry, monkeypatch, source, complaint):
    if source is not None:
        (fresh_registry / "broken_plugin.py").write_text(source)
    monkeypatch.setenv("PAPERBENCH_PLUGINS", "trial_experiments,broken_plugin")
    with pytest.warns(
        UserWarning, match="plugin `broken_plugin` of PAPERBENCH_PLUGINS is ignored"
    ) as caught:
        assert "trial/fit" in experiments()
    assert complaint in str(caught[0].message)


@pytest.mark.parametrize(
    ("signature", "complaint"),
    [
        ("run, *, width: int", "needs a type and a default"),
        ("run, *, width=3", "needs a type and a default"),
        ("run, *, width: list = []", "a parameter is int, float, str, bool, None or Literal"),
        ("run, width: int = 3", "takes `run` and keyword-only parameters"),
        ("run, **options", "takes `run` and keyword-only parameters"),
    ],
)
def test_a_signature_that_cannot_be_checked_is_refused(tmp_path, signature, complaint):
    path = tmp_path / "mine.py"
    path.write_text(f"@experiment('a/b', metrics={{}})\ndef b({signature}): ...\n")
    with pytest.raises(UsageError, match=complaint):
        read_experiments("mine", path)


def test_types_and_choices_are_read_from_the_annotation(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "@experiment('a/b', metrics={'x': accuracy})\n"
        "def b(run, *, p: float | None = None, mode: Literal['u', 'v'] = 'u'): ...\n"
    )
    (info,) = read_experiments("mine", path)
    assert info.parameters["p"].accepts(None)
    assert info.parameters["p"].accepts(3)
    assert not info.parameters["p"].accepts(True)
    assert not info.parameters["p"].accepts("3")
    assert info.parameters["mode"].accepts("v")
    assert not info.parameters["mode"].accepts("w")
    assert info.metrics["x"].direction == "higher"


def test_exhibits_are_registered_beside_the_papers():
    info = find("exhibits/random-tokens/language-model")
    assert info.module == "paperbench.exhibits.random_tokens"
    assert info.chance["loss"] == "uniform_loss"
