"""pydantic's errors in the words of a claim file, at the user's own line."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from paperbench.errors import SpecError, did_you_mean
from paperbench.spec.model import Anchor, Claim, ClaimFile, Experiment, Paper, Source
from paperbench.spec.positions import Loc
from paperbench.spec.quoting import describe, quoted
from paperbench.spec.yaml_nodes import Document

NOT_IN_FILE = {ClaimFile: {"slug", "path"}, Claim: {"name"}}  # fields that the loader fills in

_WANTED = {
    "string_type": "text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "null",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
}


def translate(broken: ValidationError, document: Document) -> list[SpecError]:
    """One SpecError for each place that `broken` complains of."""
    problems: list[SpecError] = []
    wanted: dict[Loc, list[str]] = {}
    for error in broken.errors(include_url=False, include_context=True):
        loc, kind = _place_in_file(error["loc"], document), error["type"]
        if kind == "missing":
            key = str(error["loc"][-1])
            problems.append(
                SpecError(
                    f"{name_place(loc)} lacks the key `{key}`", where=document.positions.key(loc)
                )
            )
        elif kind == "extra_forbidden":
            problems.append(_unknown_key(loc, document))
        elif error["loc"][-1] == "[key]":
            problems.append(
                SpecError(
                    f"{quoted(str(loc[-1]))} cannot be a key here",
                    where=document.positions.key(loc),
                    help=f"use {error.get('ctx', {}).get('expected')}",
                )
            )
        else:
            wanted.setdefault(loc, []).append(_wanted(kind, error))
    for loc, options in wanted.items():
        # A union complains of every member; the complaint that goes deepest is the one meant.
        if not any(other[: len(loc)] == loc and other != loc for other in wanted):
            problems.append(_wrong_type(loc, options, document))
    return problems


def name_place(loc: Loc) -> str:
    """What stands at `loc`, for a sentence."""
    match loc:
        case ():
            return "the file"
        case ("claims" | "experiments", name):
            return f"{str(loc[0]).removesuffix('s')} {quoted(str(name))}"
        case ("claims" | "experiments", _, *rest):
            return f"{quoted('.'.join(map(str, rest)))} of {name_place(loc[:2])}"
        case _:
            return quoted(".".join(map(str, loc)))


def keys_at(loc: Loc) -> list[str]:
    """The keys that may stand in the mapping at `loc`; empty where they are free."""
    model: type[BaseModel]
    match loc:
        case ():
            model = ClaimFile
        case ("paper",):
            model = Paper
        case ("experiments", _):
            model = Experiment
        case ("claims", _):
            model = Claim
        case ("claims", _, "source"):
            model = Source
        case ("claims", _, "anchor"):
            model = Anchor
        case _:
            return []
    return [name for name in model.model_fields if name not in NOT_IN_FILE.get(model, ())]


def _place_in_file(loc: Loc, document: Document) -> Loc:
    """`loc` without what pydantic adds to it: the members of unions, `[key]`, absent keys."""
    place: Loc = ()
    for step in loc:
        if (*place, step) in document.positions.values:
            place = (*place, step)
    return place


def _unknown_key(loc: Loc, document: Document) -> SpecError:
    parent, key = loc[:-1], str(loc[-1])
    return SpecError(
        f"unknown key {quoted(key)} in {name_place(parent)}",
        where=document.positions.key(loc),
        help=did_you_mean(key, keys_at(parent)),
    )


def _wanted(kind: str, error: Any) -> str:
    if kind == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", "")
    return _WANTED.get(kind, str(error["msg"]))


def _wrong_type(loc: Loc, options: list[str], document: Document) -> SpecError:
    value: Any = document.value
    for step in loc:
        value = value[step]
    help = None
    if "text" in options and isinstance(value, int | float):
        help = f'put it in quotes: "{document.positions.source(loc)}"'
    elif "a mapping" in options and value is None:
        help = "write `{}` for a mapping with nothing in it"
    wanted = " or ".join(dict.fromkeys(options))
    return SpecError(
        f"{name_place(loc)} must be {wanted}, and is {describe(value)}",
        where=document.positions.value(loc),
        help=help,
    )
