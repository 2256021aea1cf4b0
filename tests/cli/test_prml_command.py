"""`paperbench prml`: what it prints, writes, warns of and refuses."""

import hashlib

import pytest
import yaml
from claims_in_tests import DRAWS, write_claims

from paperbench.cli import run

CLAIM = ("prml", "draws/high-is-higher", "--producer", "lab.example")


@pytest.fixture
def call(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.chdir(tmp_path)
    write_claims(tmp_path)

    def call(*arguments):
        code = run(arguments)
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return call


def test_it_prints_the_bytes_that_are_hashed(call):
    code, out, err = call(*CLAIM)
    assert (code, err) == (0, "")
    manifest = yaml.safe_load(out)
    assert manifest["producer"] == {"id": "lab.example"}
    assert manifest["metric_args"]["check"] == "high.value - low.value > 0.5"


def test_it_writes_the_manifest_with_its_hash_beside_it(call, tmp_path):
    code, out, err = call(*CLAIM, "--output", "published")
    assert (code, out) == (0, b"")
    (path,) = (tmp_path / "published").glob("*.prml")
    identifier = yaml.safe_load(path.read_bytes())["claim_id"]
    assert path.name == f"{identifier}.prml"
    sidecar = path.with_name(f"{identifier}.prml.sha256")
    assert sidecar.read_text() == f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
    assert err == f"wrote published/{path.name} and {sidecar.name}\n"


def test_an_amendment_lies_beside_what_it_follows(call, tmp_path):
    call(*CLAIM, "--output", "published")
    (first,) = (tmp_path / "published").glob("*.prml")
    before = first.read_bytes()
    write_claims(tmp_path, DRAWS.replace("> 0.5", "> 0.6"))
    assert call(*CLAIM, "--output", "published", "--amends", str(first))[0] == 0
    assert first.read_bytes() == before
    (second,) = set((tmp_path / "published").glob("*.prml")) - {first}
    amended = yaml.safe_load(second.read_bytes())
    assert amended["claim_id"] == first.stem
    assert amended["prior_hash"] == hashlib.sha256(before).hexdigest()
    assert second.name.startswith(f"{first.stem}.20")


def test_a_manifest_after_the_verdict_is_warned_of(call):
    assert run(["verify", "-j", "0", CLAIM[1]]) == 0
    call("list")
    code, _, err = call(*CLAIM)
    assert (code, err) == (
        0,
        "warning: results holds a verdict on `draws/high-is-higher` at `quick` already: a manifest "
        "of today registers nothing beforehand\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("prml", "draws/high-is-higher"), 2, "--producer"),
        (("prml", "draws", "--producer", "x"), 2, "error: `draws` names 2 claims\n"),
        (("prml", "draws/nope", "--producer", "x"), 5, "error: no claim matches `draws/nope`\n"),
        (("prml", "draws/low-is-higher", "--producer", "x"), 2, "is expected to fail at `quick`"),
        ((*CLAIM, "--amends", "nope.prml"), 2, "error: nope.prml cannot be read"),
        ((*CLAIM, "--amends", "claims/draws.yaml"), 2, "this is not a PRML manifest in canonical"),
    ],
)
def test_what_cannot_be_done_is_refused(call, arguments, code, said):
    got, out, err = call(*arguments)
    assert (got, out) == (code, b"")
    assert said in err
