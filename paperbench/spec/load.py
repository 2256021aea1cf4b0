"""Find claim files and turn them into models; every problem of a file is shown at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from paperbench.errors import Location, SpecError, SpecErrors, UsageError, did_you_mean
from paperbench.spec.model import ClaimFile
from paperbench.spec.positions import Loc, Positions
from paperbench.spec.quoting import quoted
from paperbench.spec.translate import keys_at, name_place, translate
from paperbench.spec.yaml_nodes import Document, read_yaml

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def claims_folder(explicit: Path | None = None) -> Path:
    """The folder of claim files: the one asked for, `./claims`, or the one that is shipped.

    Raises UsageError when the one asked for, or any at all, does not exist.
    """
    if explicit is not None:
        if not explicit.is_dir():
            raise UsageError(
                f"there is no folder {explicit}",
                help="`--claims` takes the folder that holds the claim files",
            )
        return explicit
    package = Path(__file__).resolve().parents[1]
    for folder in (Path("claims"), package / "claims", package.parent / "claims"):
        if folder.is_dir():
            return folder
    raise UsageError(
        "there is no folder `claims` here, and none is shipped with paperbench",
        help="say where the claim files are with `--claims FOLDER`",
    )


def discover(folders: Sequence[Path]) -> list[Path]:
    """Every claim file under `folders`, sorted; a file may stand in place of a folder.

    Raises SpecError for a `.yml` file: it would be left out in silence.
    """
    return [path for path, _ in discover_with_folders(folders)]


def discover_with_folders(folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Every claim file with the folder that its slug counts from, sorted, each once."""
    found: dict[Path, Path] = {}
    for folder in folders:
        if folder.is_file():
            found.setdefault(folder, folder.parent)
            continue
        for path in folder.rglob("*.y*ml"):
            if any(part.startswith(".") for part in path.relative_to(folder).parts):
                continue
            if path.suffix == ".yml":
                raise SpecError(
                    f"{path} would be left out: a claim file ends in `.yaml`",
                    help=f"rename it to {path.with_suffix('.yaml').name}",
                )
            if path.suffix == ".yaml":
                found.setdefault(path, folder)
    return sorted(found.items())


def load_claim_file(path: Path, *, folder: Path | None = None) -> ClaimFile:
    """Read one claim file. Raises SpecError, or SpecErrors with every problem of the file.

    folder: the claims folder, from which the slug counts (`exhibits/random-tokens`); without one
    the slug is the file's stem.
    """
    slug = _slug(path, folder or path.parent)
    document = read_yaml(path)
    problems: list[SpecError] = [*_reserved(document), *_bad_names(document)]
    try:
        # As JSON, because strict models take a list for a tuple there, and text for a path.
        file = ClaimFile.model_validate_json(json.dumps(_complete(document.value, slug, path)))
    except ValidationError as broken:
        problems += translate(broken, document)
    if problems:
        problems.sort(key=_by_place)
        raise SpecErrors(problems)
    file._positions = document.positions
    return file


def _by_place(problem: SpecError) -> tuple[int, int]:
    return (problem.where.line, problem.where.column) if problem.where else (0, 0)


def _slug(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    if path.suffix != ".yaml":
        raise SpecError(f"{quoted(path.name)} does not end in `.yaml`", where=Location(path, 1, 1))
    for part in parts:
        if not _SLUG.fullmatch(part):
            raise SpecError(
                f"{quoted(part)} cannot be a paper's slug",
                where=Location(path, 1, 1),
                help="name the file with a-z, 0-9 and hyphens: `forgetting-transformer.yaml`",
            )
    return "/".join(parts)


def _complete(value: dict[str, Any], slug: str, path: Path) -> dict[str, Any]:
    """The file's values with what the models hold besides: slug, path, each claim's name."""
    complete = {**value, "slug": slug, "path": str(path)}
    claims = value.get("claims")
    if isinstance(claims, dict):
        complete["claims"] = {
            name: {**claim, "name": name} if isinstance(claim, dict) else claim
            for name, claim in claims.items()
        }
    return complete


def _reserved(document: Document) -> Iterator[SpecError]:
    """`slug`, `path` and `name` are fields of the models and no keys of the file."""
    claims = document.value.get("claims")
    written: list[Loc] = [(key,) for key in ("slug", "path") if key in document.value]
    if isinstance(claims, dict):
        written += [
            ("claims", name, "name")
            for name, claim in claims.items()
            if isinstance(claim, dict) and "name" in claim
        ]
    for loc in written:
        yield SpecError(
            f"unknown key `{loc[-1]}` in {name_place(loc[:-1])}",
            where=document.positions.key(loc),
            help=did_you_mean(str(loc[-1]), keys_at(loc[:-1])),
        )


def _bad_names(document: Document) -> Iterator[SpecError]:
    positions, value = document.positions, document.value
    yield from _check_names("claim", value.get("claims"), ("claims",), positions)
    experiments = value.get("experiments")
    yield from _check_names("experiment", experiments, ("experiments",), positions)
    for name, experiment in experiments.items() if isinstance(experiments, dict) else ():
        if isinstance(experiment, dict):
            loc = ("experiments", name, "arms")
            yield from _check_names("arm", experiment.get("arms"), loc, positions)


def _check_names(what: str, mapping: object, loc: Loc, positions: Positions) -> Iterator[SpecError]:
    pattern = _SLUG if what == "claim" else _NAME
    for name in mapping if isinstance(mapping, dict) else ():
        if not pattern.fullmatch(name):
            allowed = "a-z, 0-9 and hyphens" + ("" if what == "claim" else " or underscores")
            yield SpecError(
                f"{quoted(name)} cannot be the name of {_article(what)}",
                where=positions.key((*loc, name)),
                help=f"use {allowed}, a letter or digit first",
            )


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
