"""The JSON schema of a claim file, for editors; made from the models, so that it cannot drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paperbench.spec.model import Claim, ClaimFile
from paperbench.spec.translate import NOT_IN_FILE

SCHEMA_FILE = Path(__file__).with_name("claims.schema.json")


def claims_schema() -> dict[str, Any]:
    """The schema of `claims/*.yaml`, without the fields that the loader fills in."""
    schema = ClaimFile.model_json_schema()
    for model, node in ((ClaimFile, schema), (Claim, schema["$defs"]["Claim"])):
        for name in NOT_IN_FILE[model]:
            del node["properties"][name]
            node["required"].remove(name)
    title = "A paperbench claim file"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": title,
        "description": "One paper's claims, the experiments they run, and their controls.",
    }


def schema_text() -> str:
    """The schema as the text of claims.schema.json."""
    return json.dumps(claims_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":  # python -m paperbench.spec.schema
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
