"""Where numbers come from: the environments of the runs that a verdict rests on, as one.

Imports nothing heavy: a results file is put together from what earlier calls stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from paperbench.ledger import FinishedRun

Environment = Mapping[str, Any]
_PROBE = "determinism"


def origin_of(runs: Iterable[FinishedRun]) -> dict[str, Any]:
    """The environment of a claim's runs; empty when none of them is done.

    A name on which they differ holds the list of what they say. `determinism`: `bitwise` and the
    `probes` of the processes that carried the runs out, each with its processor and torch.
    """
    environments = [run.environment for run in runs if run.status == "done"]
    return combined({**each, _PROBE: _probe_of(each)} for each in environments)


def combined(environments: Iterable[Environment]) -> dict[str, Any]:
    """Several environments as one, names in order; of those that hold nothing, nothing."""
    known = [each for each in environments if each]
    names = sorted({name for each in known for name in each} - {_PROBE})
    merged = {name: _agreed(each[name] for each in known if name in each) for name in names}
    if "dirty" in merged:
        merged["dirty"] = merged["dirty"] is not False
    if any(_PROBE in each for each in known):
        merged[_PROBE] = _determinism(each.get(_PROBE) for each in known)
    return merged


def _probe_of(run: Environment) -> dict[str, Any]:
    """What one run says, in the form of what many say."""
    if _PROBE not in run:  # carried out before there was a probe, or where there can be none
        return {"bitwise": None, "probes": []}
    probe = {name: run.get(name) for name in ("processor", "torch")}
    return {"bitwise": run[_PROBE] is not None, "probes": [{**probe, "digest": run[_PROBE]}]}


def _determinism(found: Iterable[Environment | None]) -> dict[str, Any]:
    """Bitwise the same unless a process did not repeat itself, or two of a kind disagree."""
    parts = [part or {"bitwise": None, "probes": []} for part in found]
    distinct = {tuple(probe.values()): probe for part in parts for probe in part["probes"]}
    probes = [distinct[key] for key in sorted(distinct, key=str)]
    kinds = {(probe["processor"], probe["torch"]) for probe in probes}
    if len(kinds) < len(probes) or any(probe["digest"] is None for probe in probes):
        bitwise: bool | None = False
    else:
        bitwise = None if any(part["bitwise"] is None for part in parts) else True
    return {"bitwise": bitwise, "probes": probes}


def _agreed(values: Iterable[Any]) -> Any:
    """What all say, or the list of what they say, lists taken apart."""
    distinct: list[Any] = []
    for value in values:
        distinct += [
            one for one in (value if isinstance(value, list) else [value]) if one not in distinct
        ]
    return distinct[0] if len(distinct) == 1 else sorted(distinct, key=str)
