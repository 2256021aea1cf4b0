"""A small valid claim file over the trial experiments, for tests to write down and bend."""

DRAWS = """\
schema_version: 1
paper: {title: Drawing numbers, authors: [Gosset, Fisher], year: 1908, url: https://example.org}
experiments:
  draws:
    run: trial/draw
    params: {spread: 0.01}
    arms:
      low: {mean: 0.0}
      high: {mean: 1.0}
    tiers:
      smoke: {}
      quick: {}
claims:
  high-is-higher:
    statement: The high arm draws higher numbers.
    experiment: draws
    check: high.value - low.value > 0.5
    control: {high: {mean: 0.01}}
    because: Its mean is higher by one, a hundred times the spread.
  low-is-higher:
    statement: The low arm draws higher numbers.
    experiment: draws
    check: low.value > high.value
    control: {low: {mean: -1.0}}
    expect: fail
    reason: It is the other way round.
"""


def write_claims(folder, text=DRAWS, name="draws"):
    """Write `<folder>/claims/<name>.yaml` and return the claims folder."""
    claims = folder / "claims"
    claims.mkdir(exist_ok=True)
    (claims / f"{name}.yaml").write_text(text)
    return claims
