"""YAML to validated claim files, with file, line and column for every error. Knows no torch."""

from paperbench.spec.load import claims_folder, discover, load_claim_file
from paperbench.spec.model import Claim, ClaimFile, Experiment, Tier
from paperbench.spec.problems import Problem
from paperbench.spec.resolve import resolve_parameters
from paperbench.spec.select import Selected, select
from paperbench.spec.validate import load_and_validate, validate

__all__ = [
    "Claim",
    "ClaimFile",
    "Experiment",
    "Problem",
    "Selected",
    "Tier",
    "claims_folder",
    "discover",
    "load_and_validate",
    "load_claim_file",
    "resolve_parameters",
    "select",
    "validate",
]
