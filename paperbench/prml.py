"""A claim as a PRML v0.1 manifest: the pre-registration format that the `falsify` tool reads.

PRML holds one comparison of one number with a threshold. Here that number is the lower end of the
interval on the paired margin, which is above 0 where the bench says that a check holds; everything
else that decides a verdict is stated in `metric_args` and bound by the claim's own hash.
Specification: https://spec.falsify.dev/v0.1 (sections in the comments).
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from paperbench.datasets import DATASETS
from paperbench.errors import Location, UsageError
from paperbench.judge.looks import looks_of
from paperbench.registry import Scalar, find
from paperbench.sources import code_sha256
from paperbench.spec.model import Claim, ClaimFile, Tier
from paperbench.spec.quoting import quoted
from paperbench.spec.resolve import resolve_parameters
from paperbench.spec.yaml_nodes import read_yaml

METRIC = "paperbench/margin-lower-bound"
Manifest = Mapping[str, Any]
_NOTES = (
    "The metric is the smallest lower end, over the comparisons of the check, of the interval on "
    "the mean margin, paired by seed, at the look that decides; for an exact check it is the "
    "smallest margin of any seed. The seeds are 0, 1, ... up to the look's number; `seed` is the "
    "first of them. A verdict of PASS asks for more than this format can hold: guards against "
    "chance, unequal budgets and identical arms, and the control, on which the same check must "
    "not hold."
)


@dataclass(frozen=True)
class Earlier:
    """The manifest that an amendment follows: what it says, and the SHA-256 of its bytes."""

    manifest: Manifest
    sha256: str


def manifest_of(
    file: ClaimFile,
    claim: Claim,
    tier: Tier,
    *,
    producer: str,
    created_at: datetime,
    earlier: Earlier | None = None,
) -> Manifest:
    """The manifest of a claim at one tier.

    producer: a DNS name, an ORCID or a GitHub handle. created_at: in UTC; seconds count. earlier:
    the manifest that this one amends, whose `claim_id` it keeps. Raises UsageError for a claim
    that the format cannot express, and for an amendment of another claim.
    """
    name = f"{file.slug}/{claim.name}"
    _refuse_inexpressible(file, claim, tier, name)
    spec_sha256 = file.claim_sha256(claim)
    stated = {
        "version": "prml/0.1",
        "claim_id": claim_id(created_at, f"{producer} {name} {tier} {spec_sha256}"),
        "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metric": METRIC,
        "comparator": _comparator(claim, name),
        "threshold": 0.0,
        "seed": 0,
        "producer": {"id": producer},
        "notes": unicodedata.normalize("NFC", f"{' '.join(claim.statement.split())} {_NOTES}"),
        **_measured(file, claim, tier, {"claim": name, "spec_sha256": spec_sha256}),
    }
    if earlier is not None:
        stated |= _amendment(earlier, stated)
    _refuse_unportable(stated)
    return stated


def canonical(manifest: Manifest) -> str:
    """The one text of a manifest, in UTF-8 the bytes that are hashed (section 3)."""
    # What the specification calls canonical is what this emitter writes; a line is never folded.
    text: str = yaml.safe_dump(
        manifest, sort_keys=True, default_flow_style=False, allow_unicode=True, width=float("inf")
    )
    return text


def manifest_sha256(manifest: Manifest) -> str:
    """The hash that is published beside a manifest (section 4)."""
    return hashlib.sha256(canonical(manifest).encode()).hexdigest()


def read_manifest(path: Path) -> Earlier:
    """A manifest to amend. Raises SpecError, or UsageError when it is not in canonical form."""
    value = read_yaml(path).value
    text = canonical(value)
    if path.read_bytes() != text.encode() or not isinstance(value.get("claim_id"), str):
        raise UsageError(
            "this is not a PRML manifest in canonical form, so it has no hash to refer to",
            where=Location(path, 1, 1),
            help="name a file that `paperbench prml --output FOLDER` wrote",
        )
    return Earlier(value, manifest_sha256(value))


def claim_id(created_at: datetime, subject: str) -> str:
    """A UUIDv7 whose random part is the hash of its subject (RFC 9562, section 5.7).

    The same claim registered in the same second has the same one, and no two others share one.
    """
    milliseconds = int(created_at.timestamp()) * 1000
    drawn = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:10], "big")
    random_a, random_b = (drawn >> 62) & 0xFFF, drawn & (2**62 - 1)
    value = milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b
    return str(uuid.UUID(int=value))


def _refuse_inexpressible(file: ClaimFile, claim: Claim, tier: Tier, name: str) -> None:
    if claim.kind == "reading":
        raise UsageError(
            f"`{name}` is a reading: it compares nothing, and a manifest is one comparison"
        )
    if tier == "smoke":
        raise UsageError("`smoke` proves that the code runs: there is no verdict to register")
    if not claim.asked_at(tier) or tier not in file.experiment_of(claim).tiers:
        raise UsageError(
            f"`{name}` is not asked at `{tier}`",
            help=f"`paperbench show {file.slug}` lists the tiers; `--tier` names one",
        )
    expected = claim.expected(tier)
    if expected != "pass":
        raise UsageError(
            f"`{name}` is expected {'to fail' if expected == 'fail' else 'to stay undecided'} at "
            f"`{tier}`, and a manifest says what is claimed to hold",
            help="state what you expect instead as a claim of its own",
        )


def _comparator(claim: Claim, name: str) -> str:
    """An exact `==` or `<=` holds at a margin of 0; every other kind asks for more than 0."""
    strict = {part.operator in ("<", ">") for part in claim.parsed_check().parts}
    if claim.kind == "exact" and len(strict) > 1:
        raise UsageError(
            f"`{name}` joins strict comparisons with others, and a manifest has one comparator",
            help="make two claims of it",
        )
    return ">=" if claim.kind == "exact" and strict == {False} else ">"


def _measured(
    file: ClaimFile, claim: Claim, tier: Tier, identity: Mapping[str, str]
) -> dict[str, Any]:
    """`dataset` and `metric_args`: what is compared, on what, and by which code."""
    experiment = file.experiment_of(claim)
    info, check = find(experiment.run), claim.parsed_check()
    arms = {arm: resolve_parameters(info, experiment, arm, tier) for arm in check.arms()}
    dataset, what_is_hashed = _dataset(arms, experiment.run, identity["claim"])
    looks = looks_of(claim, seeds=None)
    arguments = {
        **identity,
        "kind": claim.kind,
        "tier": tier,
        "experiment": experiment.run,
        "code_sha256": code_sha256(experiment.run),
        "dataset_hash": what_is_hashed,
        "check": claim.check,
        "arms": arms,
        "control": claim.control,
        "control_kind": claim.control_kind if claim.control else {},
        "anchor": claim.anchor.model_dump() if claim.anchor else {},
        # The format has no lists (section 3.1).
        "looks": ", ".join(str(look.n) for look in looks),
        "alpha": {} if claim.kind == "exact" else ", ".join(f"{look.alpha:g}" for look in looks),
    }
    return {"dataset": dataset, "metric_args": _without_empty(arguments)}


def _dataset(
    arms: Mapping[str, Mapping[str, Scalar]], run: str, name: str
) -> tuple[dict[str, str], str]:
    """The dataset that the arms read, and what its hash is of."""
    named = {
        str(params["data"]) if params.get("data") in DATASETS else "" for params in arms.values()
    }
    if len(named) > 1:
        raise UsageError(
            f"the arms of `{name}` do not all read the same data, and a manifest names one dataset"
        )
    (data,) = named
    if not data:
        return (
            {"id": f"generated by {run}", "hash": code_sha256(run)},
            "of the code that generates the data, as code_sha256",
        )
    dataset = DATASETS[data]
    what = "of the file's bytes" if dataset.embedded else "of lines `<file> <sha256 of its bytes>`"
    return {"id": data, "hash": dataset.sha256()}, what


def _amendment(earlier: Earlier, stated: Manifest) -> dict[str, str]:
    """The keys by which a manifest follows another one (section 6)."""
    before = earlier.manifest
    arguments = before.get("metric_args")
    named = arguments.get("claim") if isinstance(arguments, dict) else None
    own = stated["metric_args"]["claim"]
    if named != own:
        raise UsageError(f"the manifest to amend is not of `{own}` but of {quoted(str(named))}")
    if str(before.get("created_at")) > stated["created_at"]:
        raise UsageError(f"the manifest to amend is dated in the future: {before['created_at']}")
    return {"claim_id": before["claim_id"], "prior_hash": earlier.sha256}


def _without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without empty mappings at any depth: the format has no way to write one (section 3.1)."""
    kept = {
        key: _without_empty(item) if isinstance(item, Mapping) else item
        for key, item in value.items()
    }
    return {key: item for key, item in kept.items() if item != {}}


def _refuse_unportable(manifest: Manifest) -> None:
    """Texts that tools write differently: not in NFC, or with what cannot be printed."""
    for text in _texts(manifest):
        if not text.isprintable() or not unicodedata.is_normalized("NFC", text):
            raise UsageError(
                f"{quoted(text)} ({json.dumps(text)}) holds a character that a manifest may not",
                help="write it in Unicode's composed form (NFC), without control characters",
            )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, str):
        yield value
