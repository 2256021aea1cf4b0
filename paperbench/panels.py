"""The figures that runs described themselves with `run.figure`: one panel for each arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from paperbench.figures import FigureInfo, Kept

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from paperbench.figures import Array

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777", "#000000")
PANEL_INCHES, MOST_COLUMNS = 2.6, 4
LEAST_INCHES = 6.0  # of width: a page shows every picture as wide as its text


def told_figures(paper: str, experiment: str, kept: Kept) -> Iterator[FigureInfo]:
    """The figures that the arms of one experiment described; controls' arms are left out.

    Each is called `<experiment>-<name>`; its caption is that of the first arm that has it.
    """
    by_name: dict[str, dict[str, tuple[int, Mapping[str, Any]]]] = {}
    for arm in kept.runs:
        seeds = sorted(kept.runs[arm])
        if " of " in arm or not seeds:
            continue
        for name, told in kept.told(arm, seed=seeds[0]).items():
            by_name.setdefault(name, {})[arm] = seeds[0], told
    for name, arms in by_name.items():
        _, first = next(iter(arms.values()))
        yield FigureInfo(
            f"{experiment}-{name}".replace("_", "-"),
            paper,
            experiment,
            first["caption"],
            partial(_drawn, name=name, arms=arms),
        )


def _drawn(kept: Kept, name: str, arms: Mapping[str, tuple[int, Mapping[str, Any]]]) -> Figure:
    """All panels; those of one kind of picture share the scale of their colours."""
    from matplotlib.figure import Figure

    panels = [
        (title, values, told)
        for arm, (seed, told) in arms.items()
        for title, values in _panels(
            arm if len(arms) > 1 else "", kept.array(arm, name, seed=seed), told
        )
    ]
    columns = min(MOST_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = (max(LEAST_INCHES, 0.8 + PANEL_INCHES * columns), 0.4 + PANEL_INCHES * rows)
    drawn = Figure(figsize=size, layout="constrained")
    grid = drawn.subplots(rows, columns, squeeze=False).ravel()
    heat = [values for _, values, told in panels if told["draw"] == "heatmap"]
    scale: dict[str, Any] = {
        "vmin": min((float(each.min()) for each in heat), default=0.0),
        "vmax": max((float(each.max()) for each in heat), default=1.0),
    }
    image = None
    for axes, (title, values, told) in zip(grid, panels, strict=False):
        image = _draw(axes, values, told, scale) or image
        axes.set_title(title)
        axes.set(xlabel=told["x"], ylabel=told["y"])
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    if image is not None:
        drawn.colorbar(image, ax=list(grid), shrink=0.8)
    return drawn


def _panels(arm: str, values: Array, told: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """An arm is one panel; of several heat maps each is one. Each with its title.

    arm: empty where there is no other to tell it from.
    """
    if told["draw"] != "heatmap" or values.ndim == 2:
        yield arm, values
        return
    for i, each in enumerate(values):
        label = told["labels"][i] if i < len(told["labels"]) else str(i + 1)
        yield f"{arm}, {label}" if arm else label, each


def _draw(axes: Axes, values: Array, told: Mapping[str, Any], scale: Mapping[str, Any]) -> Any:
    """Draw one panel; return what a bar of colours belongs to, if anything."""
    match told["draw"]:
        case "heatmap":
            return axes.imshow(values, cmap="viridis", aspect="auto", **scale)
        case "images":
            _draw_images(axes, values)
        case "lines":
            for i, line in enumerate(values[1:]):
                label = told["labels"][i] if i < len(told["labels"]) else None
                axes.plot(values[0], line, color=COLOURS[i % len(COLOURS)], label=label)
            if told["labels"]:
                axes.legend()
        case "points":
            colour = values[:, 2] if values.shape[1] > 2 else COLOURS[0]
            axes.scatter(values[:, 0], values[:, 1], s=6, c=colour, cmap="viridis")
    return None


def _draw_images(axes: Axes, images: Array) -> None:
    """As a sheet, as square as their number allows."""
    import numpy as np

    side = int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // side)
    height, width = images.shape[1:]
    sheet = np.full((rows * height, side * width), images.min())
    for i, image in enumerate(images):
        top, left = i // side * height, i % side * width
        sheet[top : top + height, left : left + width] = image
    axes.imshow(sheet, cmap="gray")
    axes.set_xticks([])
    axes.set_yticks([])
