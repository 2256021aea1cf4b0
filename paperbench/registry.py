"""Which experiments exist, read from their source without importing it.

`list`, `validate` and `show` must know every experiment's parameters and metrics and may not
import torch. So an experiment is found by parsing its module: the decorator's arguments and the
signature are literals. The module itself is imported only by `load`, in the process that trains.
A test compares what is parsed here with the live functions.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from paperbench.errors import UsageError, did_you_mean
from paperbench.metric_kinds import KINDS, MetricKind

PLUGIN_GROUP = "paperbench.papers"
Scalar = int | float | str | bool | None


@dataclass(frozen=True)
class Parameter:
    """One keyword-only argument of an experiment function."""

    name: str
    types: frozenset[str]  # of int, float, str, bool, None
    default: Scalar
    choices: tuple[Scalar, ...] = ()  # from Literal[...]; empty when free

    def accepts(self, value: Scalar) -> bool:
        """Return whether `value` has this parameter's type (an int serves as a float)."""
        if self.choices:
            return value in self.choices and type(value) in {type(c) for c in self.choices}
        name = "None" if value is None else type(value).__name__
        return name in self.types or (name == "int" and "float" in self.types)

    def describe(self) -> str:
        """Return the type as a person would write it."""
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        return " or ".join(sorted(self.types))


@dataclass(frozen=True)
class ExperimentInfo:
    """What the source says of one registered experiment.

    `chance` maps a metric to the metric of the same experiment that a trivial predictor reaches.
    """

    name: str
    module: str
    function: str
    path: Path
    line: int
    summary: str
    parameters: Mapping[str, Parameter]
    metrics: Mapping[str, MetricKind]
    chance: Mapping[str, str] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Scalar]:
        """The parameters' default values, in the order of the signature."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def load(self) -> Callable[..., Any]:
        """Import the module and return the experiment function. Imports torch."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.function)
        return function


def experiment(
    name: str, *, metrics: Mapping[str, MetricKind], chance: Mapping[str, str] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that trains one arm.

    name: `<paper>/<experiment>`. metrics: what the function returns, by name. chance: for a
    metric, the metric that holds the score of a trivial predictor on the same data; an arm that
    does not beat it makes a claim VACUOUS. All arguments must be literals: they are read from the
    source.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        function.experiment_name = name  # type: ignore[attr-defined]
        function.experiment_metrics = dict(metrics)  # type: ignore[attr-defined]
        function.experiment_chance = dict(chance or {})  # type: ignore[attr-defined]
        return function

    return register


@cache
def experiments() -> Mapping[str, ExperimentInfo]:
    """Return every registered experiment by name: built in, then plugins.

    Plugins are modules named by the entry point group `paperbench.papers` or, comma-separated, by
    the environment variable PAPERBENCH_PLUGINS. One that cannot be read, or takes a name that is
    taken, is a warning that names it.
    """
    found: dict[str, ExperimentInfo] = {}
    for module, path in _builtin_modules():
        _add(found, read_experiments(module, path))
    for origin, module in plugin_modules():
        try:
            module_spec = importlib.util.find_spec(module)
            if module_spec is None or module_spec.origin is None:
                raise UsageError(f"module `{module}` has no source file")
            _add(found, read_experiments(module, Path(module_spec.origin)))
        except (Exception, SystemExit) as broken:  # in any way; `list` must still work
            reason = broken.message if isinstance(broken, UsageError) else repr(broken)
            warnings.warn(f"plugin `{module}` of {origin} is ignored: {reason}", stacklevel=2)
    return found


def find(name: str) -> ExperimentInfo:
    """Return the experiment called `name`; raises UsageError with the nearest name."""
    known = experiments()
    if name not in known:
        raise UsageError(
            f"no experiment is registered as `{name}`",
            help=did_you_mean(name, known, label="registered"),
        )
    return known[name]


def read_experiments(module: str, path: Path) -> list[ExperimentInfo]:
    """Parse a module's source and return the experiments it registers, without importing it."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return [
        _read_experiment(node, decorator, module, path)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and _tail(decorator.func) == "experiment"
    ]


def _builtin_modules() -> Iterator[tuple[str, Path]]:
    package = Path(__file__).parent
    for path in sorted((package / "papers").glob("*/experiments*.py")):
        yield f"paperbench.papers.{path.parent.name}.{path.stem}", path
    for path in sorted((package / "exhibits").glob("[!_]*.py")):
        yield f"paperbench.exhibits.{path.stem}", path


def plugin_modules() -> Iterator[tuple[str, str]]:
    """(where it is named, module) of every plugin: installed packages, then PAPERBENCH_PLUGINS."""
    yield from _installed_plugins()
    for module in os.environ.get("PAPERBENCH_PLUGINS", "").split(","):
        if module.strip():
            yield "PAPERBENCH_PLUGINS", module.strip()


@cache
def _installed_plugins() -> tuple[tuple[str, str], ...]:
    """Those of installed packages, whose metadata are looked through once in a process."""
    return tuple(
        (entry.dist.name if entry.dist else "an unnamed package", entry.value)
        for entry in entry_points(group=PLUGIN_GROUP)
    )


def _add(found: dict[str, ExperimentInfo], new: list[ExperimentInfo]) -> None:
    for info in new:
        if info.name in found:
            raise UsageError(
                f"experiment `{info.name}` of {info.module} is already registered "
                f"by {found[info.name].module}"
            )
        found[info.name] = info


def _read_experiment(
    node: ast.FunctionDef, decorator: ast.Call, module: str, path: Path
) -> ExperimentInfo:
    place = f"{path}:{node.lineno}"
    if len(decorator.args) != 1 or not isinstance(decorator.args[0], ast.Constant):
        raise UsageError(f"{place}: @experiment takes one literal name")
    options = {keyword.arg: keyword.value for keyword in decorator.keywords}
    arguments = node.args
    if len(arguments.args) != 1 or arguments.vararg or arguments.kwarg:
        raise UsageError(f"{place}: an experiment takes `run` and keyword-only parameters")
    parameters = {}
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None or argument.annotation is None:
            raise UsageError(f"{place}: parameter `{argument.arg}` needs a type and a default")
        types, choices = _read_types(argument.annotation, place)
        parameters[argument.arg] = Parameter(
            argument.arg, types, ast.literal_eval(default), choices
        )
    metrics = {name: KINDS[_tail(kind)] for name, kind in _items(options["metrics"], place)}
    chance = {
        name: ast.literal_eval(floor)
        for name, floor in (_items(options["chance"], place) if "chance" in options else ())
    }
    for name, floor in chance.items():
        if name not in metrics or floor not in metrics:
            raise UsageError(f"{place}: chance pair `{name}: {floor}` names no metric")
    return ExperimentInfo(
        name=str(decorator.args[0].value),
        module=module,
        function=node.name,
        path=path,
        line=node.lineno,
        summary=(ast.get_docstring(node) or "").split("\n\n")[0],
        parameters=parameters,
        metrics=metrics,
        chance=chance,
    )


def _items(node: ast.expr, place: str) -> list[tuple[str, ast.expr]]:
    if not isinstance(node, ast.Dict):
        raise UsageError(f"{place}: metrics and chance are literal dictionaries")
    return [
        (ast.literal_eval(key), value)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is not None
    ]


def _read_types(node: ast.expr, place: str) -> tuple[frozenset[str], tuple[Scalar, ...]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = _read_types(node.left, place), _read_types(node.right, place)
        return left[0] | right[0], left[1] + right[1]
    if isinstance(node, ast.Subscript) and _tail(node.value) == "Literal":
        values = ast.literal_eval(node.slice)
        choices = values if isinstance(values, tuple) else (values,)
        return frozenset(type(choice).__name__ for choice in choices), choices
    name = "None" if isinstance(node, ast.Constant) and node.value is None else _tail(node)
    if name not in {"int", "float", "str", "bool", "None"}:
        raise UsageError(f"{place}: a parameter is int, float, str, bool, None or Literal[...]")
    return frozenset({name}), ()


def _tail(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
