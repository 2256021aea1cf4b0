"""The run: what an experiment is given. Seed, device, randomness, data, progress, budget."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from paperbench.errors import DataError, RunError
from paperbench.lab.data import load_data
from paperbench.lab.keeping import Keeping

if TYPE_CHECKING:
    from paperbench.lab.training import Fit, Training

Module = TypeVar("Module", bound=nn.Module)
Metrics = Mapping[str, float | list[float]]
ReportProgress = Callable[[int, int, dict[str, float]], None]  # step, steps, what to show
REPORT_SECONDS = 0.2  # a person reads five updates a second at most


class Diverged(RunError):
    """A loss or a metric became NaN or infinite."""


class OutOfTime(RunError):
    """A run went over its time limit."""


class Company(Protocol):
    """Other replicates of the arm, under way in the same process."""

    def train(self, training: Training[Any]) -> Fit[Any] | None:
        """Wait until every one of them trains or has ended; None: train alone after all."""


class Run(Keeping):
    """One replicate of one arm.

    seed: the replicate; arms with the same seed share data order and initialisation.
    device: where tensors live. time_limit: seconds, None for no limit. data_names: the datasets
    that the parameters name, all that `data` hands out: the run's key covers their checksums.
    company: those it may train together with. away: seconds, since its start, that went to others.
    together: whether it trained as one with them.
    """

    def __init__(
        self,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        data_names: Sequence[str] = (),
        time_limit: float | None = None,
        report: ReportProgress | None = None,
        company: Company | None = None,
    ):
        super().__init__()
        self.seed = seed
        self.device = torch.device(device)
        self.data_names = tuple(data_names)
        self.curves: dict[str, list[list[float]]] = {}
        self.budget: dict[str, float] = {}
        self.company = company
        self.away = 0.0
        self.together = False
        self._report = report
        self._reported = 0.0
        self._deadline = None if time_limit is None else time.monotonic() + time_limit

    def generator(self, purpose: str) -> torch.Generator:
        """A CPU generator of its own for `purpose`: drawing from one never shifts another."""
        return torch.Generator().manual_seed(derive_seed(self.seed, purpose))

    def rng(self, purpose: str) -> np.random.Generator:
        """A NumPy generator of its own for `purpose`."""
        return np.random.default_rng(derive_seed(self.seed, purpose))

    def data(self, name: str) -> Any:
        """The dataset `name`: the value of the parameter `data`, or of one called `..._data`."""
        if name not in self.data_names:
            named = " and ".join(f"`{each}`" for each in self.data_names) or "none"
            raise DataError(
                f"the run reads dataset `{name}`, but its parameters name {named}",
                help="name it in the parameter `data`, or in one whose name ends in `_data`",
            )
        return load_data(name)

    def build(self, factory: Callable[[], Module]) -> Module:
        """Build a module whose tensors depend on (seed, tensor's owner) alone.

        Every submodule with `reset_parameters` is initialised again under a seed derived from its
        name, children before parents, so that an arm with one more layer than another still starts
        from the same weights everywhere else. A parent's `reset_parameters` may rescale children.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.seed, "build"))
            module = factory()
            for name, part in reversed(list(module.named_modules())):
                reset = getattr(part, "reset_parameters", None)
                if callable(reset):
                    torch.manual_seed(derive_seed(self.seed, f"init/{name}"))
                    reset()
        return module.to(self.device)

    def to_device(self, batch: Any) -> Any:
        """Move a tensor, or a tuple, list or dict of them, from the CPU to the run's device."""
        if self.device.type == "cpu":
            return batch
        if isinstance(batch, Tensor):
            pinned = batch.pin_memory() if self.device.type == "cuda" else batch
            return pinned.to(self.device, non_blocking=True)
        if isinstance(batch, dict):
            return {key: self.to_device(value) for key, value in batch.items()}
        if isinstance(batch, tuple | list):
            return type(batch)(self.to_device(value) for value in batch)
        return batch

    def record(self, series: str, step: int, value: float) -> None:
        """Add one point to a curve, e.g. `loss`."""
        self.curves.setdefault(series, []).append([step, float(value)])

    def spend(self, **amounts: float) -> None:
        """Add to the budget: `parameters`, `examples`, `steps`, `flops`.

        `train` does this; a hand-written loop calls it, so that arms can be compared.
        """
        for name, amount in amounts.items():
            self.budget[name] = self.budget.get(name, 0.0) + amount

    def progress(self, step: int, steps: int, **shown: float) -> None:
        """Tell whoever watches; raises OutOfTime past the limit, Diverged on a value not finite."""
        now = time.monotonic()
        if self._deadline is not None and now - self.away > self._deadline:
            raise OutOfTime(f"over the time limit at step {step} of {steps}")
        for name, value in shown.items():
            if not math.isfinite(value):
                raise Diverged(f"{name} is {value} at step {step}")
        if self._report is not None and (now - self._reported > REPORT_SECONDS or step == steps):
            self._reported = now
            self._report(step, steps, shown)


def derive_seed(seed: int, purpose: str) -> int:
    """A 63-bit seed from a replicate's number and a purpose; the same on every machine."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
