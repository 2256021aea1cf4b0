import pytest

from paperbench.spec.schema import SCHEMA_FILE, claims_schema, schema_text


def test_the_published_schema_is_current():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m paperbench.spec.schema"
    )


def test_the_schema_asks_for_nothing_that_the_loader_fills_in():
    schema = claims_schema()
    claim = schema["$defs"]["Claim"]
    assert set(schema["properties"]) == {"schema_version", "paper", "experiments", "claims"}
    assert schema["required"] == ["schema_version", "paper", "claims"]
    assert claim["required"] == ["statement"]
    assert "name" not in claim["properties"]


def test_the_schema_refuses_unknown_keys():
    schema = claims_schema()
    for name in ("Claim", "Experiment", "Paper", "Source", "Anchor"):
        assert schema["$defs"][name]["additionalProperties"] is False
    assert schema["additionalProperties"] is False


def test_every_reference_of_the_schema_resolves():
    schema = claims_schema()

    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            node = list(node.values())
        for child in node if isinstance(node, list) else ():
            yield from references(child)

    found = set(references(schema))
    assert found == {f"#/$defs/{name}" for name in schema["$defs"]}


def test_the_schema_is_a_json_schema_that_accepts_the_example(write):
    jsonschema = pytest.importorskip("jsonschema")
    from paperbench.spec.yaml_nodes import read_yaml

    jsonschema.Draft202012Validator.check_schema(claims_schema())
    jsonschema.validate(read_yaml(write()).value, claims_schema())
