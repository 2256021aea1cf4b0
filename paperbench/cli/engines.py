"""What carries runs out for a command, and where it keeps them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paperbench.engine.pool import Engine

LEDGER = Path(".paperbench/ledger.sqlite")


class Replicates(StrEnum):
    """How the seeds of an arm are carried out."""

    auto = "auto"
    together = "together"
    alone = "alone"


def engine_maker(workers: int, replicates: Replicates) -> Callable[[], Engine]:
    """What makes the engine, when the first run must be carried out."""

    def make() -> Engine:
        from paperbench.engine.pool import InProcess, Workers
        from paperbench.engine.speeds import Speeds

        speeds = Speeds(LEDGER.with_name("speeds.jsonl"), replicates.value)
        return Workers(workers, speeds) if workers else InProcess(speeds)

    return make
