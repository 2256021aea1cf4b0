"""Whether the same seed gives bitwise the same numbers: found out by training twice."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.engine.isolation import isolated

STEPS = 3
_VOCAB, _BATCH, _SEQ, _D, _HEADS = 61, 8, 24, 64, 4
_DIGEST_CHARACTERS = 16


class _Network(nn.Module):
    """The parts that the papers use, each once: what is not repeatable in one shows in the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(_VOCAB, _D)
        self.gates = nn.Linear(2 * _D, 4 * _D)
        self.qkv = nn.Linear(_D, 3 * _D)
        self.forget = nn.Linear(_D, _HEADS)
        self.norm = nn.LayerNorm(_D)
        self.feed_forward = nn.Sequential(nn.Linear(_D, 512), nn.GELU(), nn.Linear(512, _D))
        self.output = nn.Linear(_D, _VOCAB)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, seq) -> logits (batch, seq, vocab_size)."""
        x = F.dropout(self.embed(tokens), 0.2)  # (batch, seq, d_model)
        x = x + self._recurrence(x)
        x = x + self._attention(self.norm(x))
        logits: Tensor = self.output(F.dropout(x + self.feed_forward(x), 0.2))
        return logits

    def _recurrence(self, x: Tensor) -> Tensor:
        hidden = cell = x.new_zeros(len(x), _D)
        outputs = []
        for moment in x.unbind(1):
            gates = self.gates(torch.cat((moment, hidden), -1)).chunk(4, -1)
            write, keep, read = (gate.sigmoid() for gate in gates[:3])
            cell = keep * cell + write * gates[3].tanh()
            hidden = read * cell.tanh()
            outputs.append(hidden)
        return torch.stack(outputs, 1)

    def _attention(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, _HEADS, -1)).permute(2, 0, 3, 1, 4)
        fused = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        log_forget = F.logsigmoid(self.forget(x)).mT.cumsum(-1)  # (batch, n_heads, seq)
        scores = q @ k.mT + log_forget[..., :, None] - log_forget[..., None, :]
        written = F.softmax(scores, -1) @ v  # (batch, n_heads, seq, d_head)
        mixed: Tensor = fused + written
        return mixed.transpose(1, 2).flatten(2)


def probe(device: str) -> str | None:
    """Train a tiny network twice in this process; a digest of its parameters' bytes, or None.

    None: the two differ in some bit. Processes on the same processor with the same torch should
    agree on the digest. Raises RuntimeError where the device lacks an operation.
    """
    first = _train(device)
    return first if _train(device) == first else None


@cache
def probed(device: str) -> dict[str, str | None]:
    """What a run's environment says of its process: `determinism`, from one `probe` a device.

    Empty where the device cannot carry the probe out: then nothing is known, and no run is lost.
    """
    try:
        return {"determinism": probe(device)}
    except RuntimeError:
        return {}


@dataclass(frozen=True)
class Comparison:
    """What `probe` found in this process and in a fresh one."""

    here: str | None
    worker: str | None

    @property
    def bitwise(self) -> bool:
        """Whether both repeated themselves, and each other."""
        return self.here is not None and self.here == self.worker

    def text(self, device: str) -> str:
        """One line for a person."""
        if self.bitwise:
            return f"bitwise the same here and in a worker ({device}, probe {self.here})"
        if self.here is not None and self.worker is not None:
            return f"a worker gets other numbers: {self.worker}, here {self.here} ({device})"
        found = {"here": self.here, "in a worker": self.worker}
        where = " and ".join(place for place, digest in found.items() if digest is None)
        return f"the same seed gives other numbers each time {where} ({device})"

    def mend(self) -> str:
        """What to do where it is not bitwise the same; else empty."""
        if self.bitwise:
            return ""
        if self.here is not None and self.worker is not None:
            return "the margins stay valid; for equal bits train in one place: `verify --workers 0`"
        return (
            "the margins stay valid, but a run cannot be repeated exactly: is another torch "
            "build, or `--device cpu`, any better?"
        )


def compare_with_a_worker(device: str) -> Comparison:
    """Probe here and in a new process. Raises RuntimeError when one of them cannot."""
    spawn = multiprocessing.get_context("spawn")  # as the engine's workers are started
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:  # BrokenProcessPool: a RuntimeError
        worker = pool.submit(probe, device)  # imports torch while this process trains
        return Comparison(probe(device), worker.result())


def _train(device: str) -> str:
    with isolated(seed=0):
        model = _Network().to(device)
        updates = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
        for _ in range(STEPS):
            tokens = torch.randint(_VOCAB, (_BATCH, _SEQ + 1)).to(device)
            logits = model(tokens[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
            loss.backward()  # type: ignore[no-untyped-call]
            updates.step()
            updates.zero_grad()
        return _digest(model)


def _digest(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:_DIGEST_CHARACTERS]
