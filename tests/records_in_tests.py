"""Verdict records made by hand, as the judge would write them, for tests of what shows them."""

from paperbench.judge.mutation_record import MutationRecord
from paperbench.judge.record import (
    RULES,
    ClaimRecord,
    Control,
    Guard,
    Margin,
    PaperRecord,
    Part,
    Support,
)

VALUES = {"fox": [6.17, 6.19, 6.03], "transformer": [6.97, 6.86, 6.97]}


def margin(mean=0.8, half=0.38, n=3, alpha=0.005, values=None):
    return Margin(
        mean=mean,
        low=mean - half,
        high=mean + half,
        alpha=alpha,
        n=n,
        values=[mean] * n if values is None else values,
    )


def claim(name="ppl-below-baseline", **changes):
    """A PASS of two arms over three seeds with its control, changed as asked."""
    check = changes.pop("check", "fox.val_ppl < transformer.val_ppl")
    own = changes.pop("margin", margin(values=[0.8, 0.67, 0.94]))
    base = ClaimRecord(
        claim=name,
        statement="FoX reaches a lower perplexity than a Transformer.",
        kind="margin",
        check=check,
        verdict="PASS",
        expected="PASS",
        as_expected=True,
        summary="the check holds over 3 seeds",
        margin=own,
        parts=[Part(check=check, margin=own)] if own else [],
        look=1,
        looks=[3, 5, 8],
        seeds=[0, 1, 2],
        arms={arm: {"val_ppl": values} for arm, values in VALUES.items()},
        control=Control(
            verdict="FAIL",
            kind="ablate",
            parts=[Part(check=check, margin=margin(-6.9, 0.4))],
            difference=margin(7.7, 0.5),
            overrides={"fox": {"gate": "open"}},
            detail="the control does not pass: -6.9 [-7.3, -6.5]",
        ),
        guards=[
            Guard(name="chance", ok=True, detail="fox.val_ppl 6.03 against bigram_ppl 10.1"),
            Guard(name="budget", ok=True, detail="same steps"),
        ],
        source="section 4.2, figure 2",
        reported="lower at 760M",
        because="the gate forgets",
        spec_sha256="0" * 64,
        runs=["a", "b"],
        seconds={"fox": 7.0, "transformer": 6.0},
        rules=RULES,
        support=Support(holds=3, n=3, low=0.256, high=1.0, level=0.95),
        p_value=0.0005,
    )
    return ClaimRecord(**{**dict(base), **changes})


def undecided(name="data-dependent-on-text", **changes):
    """An INCONCLUSIVE that was expected, without a control run."""
    own = margin(0.005, 0.025, n=8, alpha=0.0125)
    return claim(
        name,
        **{
            "verdict": "INCONCLUSIVE",
            "expected": "INCONCLUSIVE",
            "margin": own,
            "look": 3,
            "reason": "short text lacks resets",
            "summary": "the interval still spans zero",
            "control": Control(verdict="NOT RUN", kind="ablate"),
            "reported": "better",
            "seeds": list(range(8)),
            "support": Support(holds=5, n=8, low=0.25, high=0.93, level=0.95),
            "p_value": 0.34,
            "arms": {},
            "next_step": "about 40 seeds would decide it",
            **changes,
        },
    )


def reading(name="an-essay"):
    return ClaimRecord(
        claim=name,
        statement="Read it.",
        kind="reading",
        check=None,
        verdict=None,
        expected="PASS",
        as_expected=True,
        summary="read, not tried",
        spec_sha256="0" * 64,
    )


def paper(*claims, **changes):
    return PaperRecord(
        **{
            "paper": "fox",
            "title": "Forgetting Transformer",
            "tier": "quick",
            "device": "cpu",
            "environment": {
                "paperbench": "0.1.0",
                "torch": "2.4.0",
                "python": "3.11.9",
                "processor": "A CPU",
                "commit": "0123456789abcdef",
                "dirty": False,
                "data": {"python-docs": "f" * 64},
            },
            "generated": "2026-01-02T03:04:05+00:00",
            "claims": list(claims),
            **changes,
        }
    )


def mutations(**changes):
    """What `falsify` found of the paper of `paper()`: nothing, but for the changes."""
    return MutationRecord(
        **{
            "paper": "fox",
            "title": "Forgetting Transformer",
            "tier": "quick",
            "device": "cpu",
            "environment": {},
            "generated": "2026-01-02T03:04:05+00:00",
            **changes,
        }
    )
