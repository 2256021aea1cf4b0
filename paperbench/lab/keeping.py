"""What a run keeps beside its metrics, to be looked at: arrays, pictures, attention."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from paperbench.errors import RunError

Array = Tensor | np.ndarray[Any, Any]
Kept = dict[str, Any]  # shape: list of int; float32 or uint8: base64 of the little-endian numbers
Picture = Literal["heatmap", "lines", "points", "images"]
MOST_BYTES = 240_000  # a run: 60,000 float32 numbers, or 240,000 weights of attention
_AXES = {"heatmap": (2, 3), "lines": (2,), "points": (2,), "images": (3,)}


class Keeping:
    """What of a run is for eyes. Nothing here changes its numbers. Keep it for seed 0 alone."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def keep(self, name: str, array: Array) -> None:
        """Keep an array with the finished run, as float32, for `figures.py` to draw from.

        Raises RunError when a run keeps more than MOST_BYTES.
        """
        values = np.ascontiguousarray(torch.as_tensor(array).detach().cpu(), dtype="<f4")
        self._put(name, {"shape": list(values.shape), "float32": _text(values)})

    def figure(
        self,
        name: str,
        array: Array,
        *,
        draw: Picture,
        caption: str,
        x: str = "",
        y: str = "",
        labels: Sequence[str] = (),
    ) -> None:
        """Keep an array and say how to draw it: one picture, with a panel for each arm.

        draw: `heatmap`: (rows, columns), or several: (panels, rows, columns). `lines`: (1 + lines,
        points), the first row is x. `points`: (points, 2), or with a class or value as third
        column. `images`: (images, height, width). caption: what to see. x, y: names of the axes,
        with units. labels: of the lines, or of the panels of one arm.

        Raises RunError for an array of another shape, or when a run keeps more than MOST_BYTES.
        """
        values = torch.as_tensor(array)
        if values.dim() not in _AXES[draw]:
            raise RunError(
                f"figure `{name}`: an array of shape {tuple(values.shape)} cannot be drawn as "
                f"{draw}",
                help=f"it takes {' or '.join(map(str, _AXES[draw]))} axes",
            )
        self.keep(name, values)
        told = {"draw": draw, "caption": caption, "x": x, "y": y, "labels": list(labels)}
        self.kept[name]["figure"] = told

    def attention(
        self,
        name: str,
        weights: Array,
        *,
        queries: Sequence[str],
        keys: Sequence[str] | None = None,
        decay: Array | None = None,
        caption: str = "",
    ) -> None:
        """Keep the attention paid on one example, to be looked at token by token.

        weights: (layers, heads, queries, keys), each in [0, 1]; kept to 1/255. queries, keys: the
        tokens; keys are the queries where it is self-attention. decay: of the same shape, what a
        forget gate leaves of each pair. name: of the example, the same in every arm.

        Raises RunError when the shapes disagree, a weight lies outside [0, 1], or the run keeps
        more than MOST_BYTES.
        """
        columns = list(queries if keys is None else keys)
        parts = {"weights": torch.as_tensor(weights).detach().cpu()}
        if decay is not None:
            parts["decay"] = torch.as_tensor(decay).detach().cpu()
        for part, values in parts.items():
            if values.dim() != 4 or list(values.shape[2:]) != [len(queries), len(columns)]:
                raise RunError(
                    f"attention `{name}`: {part} have shape {tuple(values.shape)}, but there are "
                    f"{len(queries)} queries and {len(columns)} keys",
                    help="shape them (layers, heads, queries, keys)",
                )
            if not bool(((values >= -1e-5) & (values <= 1 + 1e-5)).all()):
                raise RunError(f"attention `{name}`: {part} lie outside [0, 1]")
        self._put(
            f"attention/{name}",
            {
                "shape": list(parts["weights"].shape),
                **{part: _text(_bytes(values)) for part, values in parts.items()},
                "queries": list(queries),
                "keys": columns,
                "caption": caption,
            },
        )

    def _put(self, name: str, kept: Kept) -> None:
        others = [each for other, each in self.kept.items() if other != name]
        if sum(map(_size, [*others, kept])) > MOST_BYTES:
            raise RunError(
                f"with `{name}`, {'x'.join(map(str, kept['shape']))}, the run keeps more than "
                f"{MOST_BYTES // 1000} kB",
                help="keep fewer examples, of seed 0 alone",
            )
        self.kept[name] = kept


def _size(kept: Kept) -> int:
    """Bytes of the numbers."""
    each = {"float32": 4, "weights": 1, "decay": 1}
    return math.prod(kept["shape"]) * sum(each[name] for name in kept.keys() & each.keys())


def _bytes(values: Tensor) -> np.ndarray[Any, Any]:
    return (values.double().clamp(0, 1) * 255).round().to(torch.uint8).contiguous().numpy()


def _text(values: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()
