"""Whether the data files that a call needs are there, before anything trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` imports the module of every command
    from paperbench.ledger import Ledger
    from paperbench.plan import PlannedRun
    from paperbench.verify import Options, Selected


def refuse_missing_data(selected: list[Selected], options: Options, ledger: Ledger) -> None:
    """Raise DataError now rather than in every run, for what the first look must train."""
    from paperbench.datasets import DATASETS, read_file
    from paperbench.plan import finished

    runs = {run.key: run for run in _first_runs(selected, options) if run.data_names}
    cached = {} if options.fresh else ledger.get_many(runs)
    waiting = [run for key, run in runs.items() if not finished(run, cached.get(key))]
    for name in sorted({name for run in waiting for name in run.data_names}):
        for file in DATASETS[name].files:
            read_file(name, file.name)


def _first_runs(selected: list[Selected], options: Options) -> Iterator[PlannedRun]:
    from paperbench.plan import plan_claim

    for file, claim in selected:
        if claim.kind != "reading":
            yield from plan_claim(file, claim, options.site, seeds=1).every()
