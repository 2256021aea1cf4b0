"""The replaceable parts of the papers' models, and the registered ways to break them.

A component is a class or function of a paper's model that another may stand in for: a mutation,
which `falsify` tries, or a part of the user's own (`verify --with dropout/mask=mine.py:Mine`). Both
are found as experiments are, by reading `papers/<paper>/components.py` without importing it.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from paperbench.errors import Location, UsageError, did_you_mean
from paperbench.registry import plugin_modules

Thing = TypeVar("Thing")
Parts = Mapping[str, str]  # component -> target: `package.module:Name` or `/folder/file.py:Name`


@dataclass(frozen=True)
class MutationInfo:
    """One registered part that is broken on purpose. name: unique within its component."""

    component: str
    name: str
    target: str
    summary: str
    path: Path
    line: int

    @property
    def full_name(self) -> str:
        """`fox/gate:stuck-open`."""
        return f"{self.component}:{self.name}"


@dataclass(frozen=True)
class ComponentInfo:
    """One replaceable part.

    original: what it is, as `module:Name`. function: the one in `module` that tries a part, see
    `engine.interface`.
    """

    name: str
    original: str
    module: str
    function: str
    summary: str
    path: Path
    line: int
    mutations: tuple[MutationInfo, ...] = ()

    @property
    def paper(self) -> str:
        """The paper's slug, the first half of the name."""
        return self.name.partition("/")[0]

    def is_at_home_in(self, module: str) -> bool:
        """Whether names of that module mean the part: those of the paper's package.

        Of a plugin that is no package, the file that registers the component and the original's.
        A file that only registers components keeps the original, on which its mutations build.
        """
        own = self.original.partition(":")[0]
        if module == self.module:
            return module == own
        package = self.module.rpartition(".")[0]
        return module == own if not package else f"{module}.".startswith(f"{package}.")


def component(name: str, *, original: object) -> Callable[[Thing], Thing]:
    """Register a replaceable part; what is decorated tries whether another part fits.

    name: `<paper>/<component>`, literal. original: the class or function that others stand in
    for, imported by this file or defined in it. The decorated function takes an
    `engine.interface.Interface`, and its docstring says what a part must do.
    """
    return lambda thing: thing


def mutation(component: str, name: str) -> Callable[[Thing], Thing]:
    """Register a broken part in the place of `component`. Its docstring says what is broken."""
    return lambda thing: thing


@cache
def components() -> Mapping[str, ComponentInfo]:
    """Every registered component by name: built in, then plugins.

    Raises UsageError for what is registered twice, or breaks a component that there is not.
    """
    found: dict[str, ComponentInfo] = {}
    mutations: list[MutationInfo] = []
    for module, path in _modules():
        for each in read_components(module, path):
            if isinstance(each, MutationInfo):
                mutations.append(each)
            elif each.name in found:
                raise UsageError(f"component `{each.name}` is registered twice", where=_place(each))
            else:
                found[each.name] = each
    by_component: dict[str, dict[str, MutationInfo]] = {name: {} for name in found}
    for each in mutations:
        if each.component not in found:
            raise UsageError(
                f"mutation `{each.name}` breaks `{each.component}`, which is no component",
                where=_place(each),
                help=did_you_mean(each.component, found, label="components"),
            )
        if each.name in by_component[each.component]:
            raise UsageError(f"mutation `{each.full_name}` is registered twice", where=_place(each))
        by_component[each.component][each.name] = each
    return {
        name: ComponentInfo(**{**vars(info), "mutations": tuple(by_component[name].values())})
        for name, info in found.items()
    }


def components_of(paper: str) -> list[ComponentInfo]:
    """The components whose name begins with the paper's slug, in the order of its file."""
    return [info for info in components().values() if info.paper == paper]


def find_component(name: str) -> ComponentInfo:
    """The component called `name`, or the only one of the paper called so."""
    known = components()
    if name in known:
        return known[name]
    of_paper = components_of(name)
    if len(of_paper) == 1:
        return of_paper[0]
    raise UsageError(
        f"no component is registered as `{name}`",
        help=did_you_mean(name, known, label="registered"),
    )


def read_part(text: str) -> tuple[str, str]:
    """Read `COMPONENT=TARGET` of the command line as (component, target).

    TARGET: `file.py:Name`, `package.module:Name`, or the name of a registered mutation. Nothing is
    imported; raises UsageError for what does not exist.
    """
    name, equals, target = text.partition("=")
    if not equals or not target:
        raise UsageError(
            f"`{text}` names no part", help="write COMPONENT=TARGET: dropout/mask=mine.py:Mine"
        )
    info = find_component(name)
    mutated = {each.name: each.target for each in info.mutations}
    if target in mutated:
        return info.name, mutated[target]
    place, colon, attribute = target.rpartition(":")
    if not colon:
        raise UsageError(
            f"`{target}` is no part",
            help="write file.py:Name or package.module:Name, or name a mutation; "
            + did_you_mean(target, mutated, label="mutations"),
        )
    if place.endswith(".py"):
        return info.name, f"{_check_file(Path(place).expanduser(), attribute)}:{attribute}"
    if not _is_module(place):
        file = Path(f"{place}.py")
        raise UsageError(
            f"there is no module `{place}`",
            help=f"did you mean the file, `{file}:{attribute}`?"
            if file.is_file()
            else "is its package installed?",
        )
    return info.name, target


def part_name(target: str) -> str:
    """A target as a person names it: `mine.py:Mine`, not where the file lies."""
    place, _, attribute = target.rpartition(":")
    if place.endswith(".py"):
        return f"{Path(place).name}:{attribute}"
    for info in components().values():
        for each in info.mutations:
            if each.target == target:
                return each.name
    return target


def read_components(module: str, path: Path) -> Iterator[ComponentInfo | MutationInfo]:
    """Parse a module's source and yield what it registers, in its order, without importing it."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    defined: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                defined[alias.asname or alias.name] = f"{node.module}:{alias.name}"
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        defined[node.name] = f"{module}:{node.name}"
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name):
                if decorator.func.id == "component":
                    yield _read_component(node, decorator, defined, module, path)
                if decorator.func.id == "mutation":
                    yield _read_mutation(node, decorator, module, path)


def _read_component(
    node: ast.FunctionDef | ast.ClassDef,
    decorator: ast.Call,
    defined: Mapping[str, str],
    module: str,
    path: Path,
) -> ComponentInfo:
    options = {keyword.arg: keyword.value for keyword in decorator.keywords}
    original = options.get("original")
    if not isinstance(original, ast.Name) or original.id not in defined:
        raise UsageError(
            "`original=` names a class or function that this file imports or defines",
            where=Location(path, decorator.lineno, decorator.col_offset + 1),
        )
    return ComponentInfo(
        name=_literals(decorator, path, 1)[0],
        original=defined[original.id],
        module=module,
        function=node.name,
        summary=_summary(node),
        path=path,
        line=node.lineno,
    )


def _read_mutation(
    node: ast.FunctionDef | ast.ClassDef, decorator: ast.Call, module: str, path: Path
) -> MutationInfo:
    component, name = _literals(decorator, path, 2)
    return MutationInfo(component, name, f"{module}:{node.name}", _summary(node), path, node.lineno)


def _literals(decorator: ast.Call, path: Path, count: int) -> list[str]:
    values = [each.value for each in decorator.args if isinstance(each, ast.Constant)]
    if len(values) != count or len(decorator.args) != count:
        raise UsageError(
            f"@{ast.unparse(decorator.func)} takes {count} literal name{'s' * (count > 1)}",
            where=Location(path, decorator.lineno, decorator.col_offset + 1),
        )
    return [str(value) for value in values]


def _summary(node: ast.FunctionDef | ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def _modules() -> Iterator[tuple[str, Path]]:
    papers = Path(__file__).parent / "papers"
    for path in sorted(papers.glob("*/components.py")):
        yield f"paperbench.papers.{path.parent.name}.components", path
    for _, module in plugin_modules():
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            continue  # `experiments` warns of it
        if spec is not None and spec.origin is not None:
            yield module, Path(spec.origin)


def _check_file(path: Path, attribute: str) -> Path:
    """The absolute path of a file that defines `attribute`; raises UsageError otherwise."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as broken:
        raise UsageError(f"{path} cannot be read: {broken}") from None
    try:
        tree = ast.parse(text)
    except SyntaxError as broken:
        where = Location(path, broken.lineno or 1, broken.offset or 1)
        raise UsageError(f"{path} is not valid Python: {broken.msg}", where=where) from None
    defined, imported = _top_level_names(tree)
    if attribute not in {*defined, *imported}:
        raise UsageError(
            f"{path} defines no `{attribute}`",
            help=did_you_mean(attribute, defined, label="it has"),
        )
    return path.resolve()


def _top_level_names(tree: ast.Module) -> tuple[list[str], list[str]]:
    """What a file defines, and what it imports by name."""
    defined: list[str] = []
    imported: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.append(node.name)
        elif isinstance(node, ast.Assign):
            defined += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.ImportFrom):
            imported += [alias.asname or alias.name for alias in node.names]
    return defined, imported


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _place(info: ComponentInfo | MutationInfo) -> Location:
    return Location(info.path, info.line, 1)
