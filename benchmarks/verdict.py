"""Time from claims to verdicts, against the loop that a user would write.

`python -m benchmarks.verdict [paper ...]`: about ten minutes for three papers. The plain loop is
one process with torch's default threads that calls the experiment of every arm, control and anchor
for 8 seeds, one after the other, each distinct run once. One seed of it is carried out and the time
is taken eight times: seeds cost the same. The bench starts from nothing, in a folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEEDS, SAMPLED = 8, 1
CLAIMS = Path(__file__).parents[1] / "claims"
PAPERS = ("dropout", "fox", "seq2seq")


def main(papers: tuple[str, ...] = PAPERS) -> None:
    print("| paper | runs of the loop | loop s | runs of the bench | bench s | ratio |")
    print("|---|---|---|---|---|---|")
    total = [0.0, 0.0]
    for paper in papers:
        loop = [float(x) for x in _child(["-m", "benchmarks.verdict", "--loop", paper]).split()]
        started = time.perf_counter()
        n_runs = _verify(paper)
        bench = time.perf_counter() - started
        total = [total[0] + loop[1], total[1] + bench]
        print(
            f"| {paper} | {loop[0]:.0f} | {loop[1]:.0f} | {n_runs} | {bench:.0f} "
            f"| {loop[1] / bench:.2f} |",
            flush=True,
        )
    print(f"| together | | {total[0]:.0f} | | {total[1]:.0f} | {total[0] / total[1]:.2f} |")


def plain_loop(paper: str) -> None:
    """Print how many runs the whole loop has and how long it takes, scaled from SAMPLED seeds."""
    started = time.perf_counter()
    from paperbench.lab import Run
    from paperbench.plan import Site, plan_claim
    from paperbench.registry import find
    from paperbench.spec import load_claim_file

    file = load_claim_file(CLAIMS / f"{paper}.yaml")
    runs = {
        run.key: run
        for claim in file.claims.values()
        if claim.kind != "reading" and claim.asked_at("quick")
        for run in plan_claim(file, claim, Site("quick", "cpu"), seeds=SAMPLED).every()
    }
    imported = time.perf_counter() - started
    started = time.perf_counter()
    for run in runs.values():
        experiment = find(run.experiment).load()
        experiment(Run(seed=run.seed, data_name=run.data_name), **run.params)
    scale = SEEDS / SAMPLED
    print(len(runs) * scale, imported + scale * (time.perf_counter() - started))


def _verify(paper: str) -> int:
    """Verify from nothing; how many runs that took."""
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [sys.executable, "-m", "paperbench", "verify", paper, "--tier", "quick"],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
        )
        if ended.returncode not in (0, 1):
            raise SystemExit(ended.stderr)
        return ended.stdout.count("\n  ran ")


def _child(arguments: list[str]) -> str:
    return subprocess.run(
        [sys.executable, *arguments], env=_environment(), check=True, capture_output=True, text=True
    ).stdout


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": root, "PYTHONWARNINGS": "ignore"}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loop"]:
        plain_loop(sys.argv[2])
    else:
        main(tuple(sys.argv[1:]) or PAPERS)
