import pytest


@pytest.fixture
def sha256(load, edit):
    def _sha256(*edits):
        file = load(edit(*edits))
        return file.claim_sha256(file.claims["shrinks-gap"])

    return _sha256


@pytest.mark.parametrize(
    "change",
    [
        ("> 0.02", "> 0.03"),
        ("shrinks the gap.", "closes the gap."),
        ("plain: {dropout: 0}", "plain: {dropout: 0.1}"),
        ("steps: 600", "steps: 601"),
        ("hidden: 256", "hidden: 257"),
        ("mask: frozen", "mask: off"),
        ("    because: U", "    looks: [3, 5, 9]\n    because: U"),
        ("    because: U", "    alpha: [0.005, 0.0075, 0.01]\n    because: U"),
        ("    because: U", "    control_kind: null-data\n    because: U"),
        ("    because: U", "    expect: fail\n    because: U"),
        ("    because: U", "    exempt: {plain: why}\n    because: U"),
        ("    because: U", "    budget: why\n    because: U"),
        (
            "    because: U",
            "    anchor: {arm: plain, params: {}, check: plain.loss < 1}\n    because: U",
        ),
        ("run: dropout/overfit", "run: dropout/floorless"),
    ],
)
def test_what_decides_a_claim_changes_its_hash(sha256, change):
    assert sha256(change) != sha256()


@pytest.mark.parametrize(
    "change",
    [
        ("schema_version: 1", "# a comment\nschema_version: 1"),
        ("{hidden: 256, label_noise: 0.2}", "{label_noise: 0.2, hidden: 256}"),
        (
            "    experiment: overfit\n    check: plain.gap - dropout.gap > 0.02\n",
            "    check: 'plain.gap - dropout.gap > 0.02'\n    experiment: overfit\n",
        ),
        (
            "check: plain.gap - dropout.gap > 0.02",
            "check: >\n      plain.gap - dropout.gap\n      > 0.02",
        ),
        ("because: Units are absent", "because: Half of them are absent"),
        ("    because: U", "    reported: 1.25%\n    source: {page: 3}\n    because: U"),
        ("    because: U", "    looks: [3, 5, 8]\n    because: U"),
    ],
)
def test_what_only_explains_or_orders_does_not_change_the_hash(sha256, change):
    assert sha256(change) == sha256()
