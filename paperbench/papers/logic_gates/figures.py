"""Pictures of what the quick tier has trained."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path

from paperbench.figures import Kept, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from paperbench.figures import Array

COLOURS = {"residual": "#0072B2", "gaussian": "#D55E00"}  # told apart by the colour-blind
GATES = (
    "false", "a and b", "a and not b", "a", "b and not a", "b", "a xor b", "a or b",
    "nor", "xnor", "not b", "b implies a", "not a", "a implies b", "nand", "true",
)  # fmt: skip
# What a gate is drawn as, and where it has a ring, which negates: at a, at b, at its output.
SYMBOLS = (
    "0", "and", "and b", "a", "and a", "b", "xor", "or",
    "or out", "xor out", "b out", "or b", "a out", "or a", "and out", "1",
)  # fmt: skip
ROBOT = {
    "head": ("round", "square", "octagon"),
    "body": ("round", "square", "octagon"),
    "smiles": ("yes", "no"),
    "holds a": ("sword", "balloon", "flag"),
    "jacket": ("red", "yellow", "green", "blue"),
    "tie": ("yes", "no"),
}
BITS = [f"{what}: {value}" for what, values in ROBOT.items() for value in values]
N_THRESHOLDS = 3  # of a pixel, in the quick tier
Node = tuple[int, int]  # the layer, 0 for inputs, and the place in it
Pin = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, width, height
W, H, SWEEPS = 0.17, 0.13, 12  # half a gate, inches; sweeps that put gates near their neighbours
_TRIANGLE = [(-1, 1), (1, 0), (-1, -1), (-1, 1)]
_CURVED = [(-1, 1), (0.3, 1), (1, 0), (0.3, -1), (-1, -1), (-0.4, 0), (-1, 1)]
OUTLINES = {
    "and": [(0, 1), (-1, 1), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1)],
    **dict.fromkeys(("or", "xor"), _CURVED),
    **dict.fromkeys("ab", _TRIANGLE),
}
CODES = {
    "and": [1, 2, 2, 2, 3, 3, 3, 3],
    **dict.fromkeys(("or", "xor"), [1, 3, 3, 3, 3, 3, 3]),
    **dict.fromkeys("ab", [1, 2, 2, 2]),
}
FILLS = {"and": "#56B4E9", "or": "#F0E442", "xor": "#CC79A7", "a": "white", "b": "white"}


@dataclass(frozen=True)
class Circuit:
    """Gates and wires that a run kept: kinds (n_layers, n_gates), wires (n_layers, 2, n_gates)."""

    kinds: Array
    wires: Array

    @staticmethod
    def of(kept: Kept, arm: str) -> Circuit:
        """The circuit of seed 0."""
        return Circuit(kept.array(arm, "kinds").astype(int), kept.array(arm, "wires").astype(int))

    def symbol(self, node: Node) -> str:
        """What the gate is drawn as."""
        return SYMBOLS[self.kinds[node[0] - 1, node[1]]]

    def read_by(self, node: Node) -> dict[str, Node]:
        """What the gate reads, by its input `a` or `b`; not what it reads and ignores."""
        layer, place = node
        if layer == 0 or self.symbol(node) in "01":
            return {}
        sources = {pin: (layer - 1, int(self.wires[layer - 1, i, place])) for i, pin in _PINS}
        shape = self.symbol(node).split()[0]
        return {shape: sources[shape]} if shape in sources else sources

    def behind(self, roots: Sequence[Node]) -> list[list[Node]]:
        """Everything that these gates depend on, layer by layer, each as it is first reached."""
        layers: list[list[Node]] = [[] for _ in range(len(self.kinds) + 1)]

        def visit(node: Node) -> None:
            if node not in layers[node[0]]:
                layers[node[0]].append(node)
                for source in self.read_by(node).values():
                    visit(source)

        for root in roots:
            visit(root)
        return layers

    def outputs(self, bits: Array) -> Array:
        """What the last gates say, (n, n_gates), to n rows of bits."""
        h = bits.astype(int)
        for kinds, (first, second) in zip(self.kinds, self.wires, strict=True):
            h = (kinds >> (3 - 2 * h[:, first] - h[:, second])) & 1
        return h


_PINS = ((0, "a"), (1, "b"))


@figure(
    "relaxed-and-hard",
    experiment="deep",
    caption="Test accuracy of eight layers while they train, of seed 0: of the mixtures that are "
    "trained (dashed) and of their likeliest gates (solid). From wires (residual) a network learns "
    "at once, but it takes far longer to settle on gates than to be right as mixtures.",
)
def relaxed_and_hard(kept: Kept) -> Figure:
    """Accuracy against steps, of both starts."""
    picture = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = picture.subplots()
    for arm, colour in COLOURS.items():
        for name, style, what in (("soft_acc", "--", "relaxed"), ("hard_acc", "-", "hard")):
            steps, accuracy = kept.curve(arm, name)
            axes.plot(steps, accuracy, style, color=colour, label=f"{arm}, {what}")
    axes.set(xlabel="optimiser steps", ylabel="test accuracy", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    return picture


@figure(
    "gradient-by-layer",
    experiment="first-gradient",
    caption="Norm of the gradient of each layer's logits before training, one line a seed. "
    "Gaussian mixtures lose a factor of four to five a layer on the way down, in the mean of the "
    "seven steps; wires (residual) nothing.",
)
def gradient_by_layer(kept: Kept) -> Figure:
    """Gradient norms, first layer to last."""
    picture = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = picture.subplots()
    for arm, colour in COLOURS.items():
        for i, seed in enumerate(sorted(kept.runs[arm])):
            layers, norms = kept.curve(arm, "gradient_norm", seed=seed)
            label = f"{arm} start" if i == 0 else None
            axes.semilogy(layers, norms, "o-", color=colour, alpha=0.7, markersize=4, label=label)
    axes.set(xlabel="layer, from the inputs", ylabel="gradient norm (nats per unit of logit)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return picture


@figure(
    "gates-chosen",
    experiment="deep",
    caption="Which gates the eight layers hold after training, seed 0. From Gaussian logits all "
    "sixteen are in use, and none is more than a tenth of all gates: XOR and its negation are rare "
    "in the middle, and in the last layers those that read one input are commonest. From wires "
    "(residual) three gates in four still pass a on, a few more in the first layers.",
)
def gates_chosen(kept: Kept) -> Figure:
    """A share for each gate and layer, side by side for both starts."""
    picture = Figure(figsize=(7, 4.6), layout="constrained")
    both = picture.subplots(1, 2, sharey=True)
    for axes, arm in zip(both, COLOURS, strict=True):
        counts = kept.array(arm, "gate_counts")  # (n_layers, 16)
        share = 100 * counts.T / counts.sum(1)
        image = axes.imshow(np.sqrt(share), cmap="cividis", vmin=0, vmax=10, aspect="auto")
        axes.set(title=f"{arm} start", xlabel="layer, from the inputs")
        axes.set_xticks(range(len(counts)), range(1, len(counts) + 1))
        axes.set_yticks(range(16), GATES)
    scale = picture.colorbar(image, ax=both, label="share of the layer's gates (%)")
    scale.set_ticks(np.sqrt([0, 5, 25, 50, 100]).tolist(), labels=["0", "5", "25", "50", "100"])
    return picture


def _places(circuit: Circuit, layers: list[list[Node]]) -> dict[Node, tuple[float, float]]:
    """Where every gate stands, in [0, 1]: layers from the left, each gate near its neighbours."""
    rank = {node: (i + 0.5) / len(layer) for layer in layers for i, node in enumerate(layer)}
    links: dict[Node, list[Node]] = {node: [] for node in rank}
    for node in rank:
        for source in circuit.read_by(node).values():
            links[node].append(source)
            links[source].append(node)
    for _ in range(SWEEPS):
        for layer in layers:
            layer.sort(key=lambda node: np.mean([rank[each] for each in links[node]]))
            rank |= {node: (i + 0.5) / len(layer) for i, node in enumerate(layer)}
    return {node: (node[0] / len(circuit.kinds), 1 - y) for node, y in rank.items()}


def _draw_gate(axes: Axes, symbol: str, x: float, y: float) -> dict[str, tuple[float, float]]:
    """Draw one symbol and return where its inputs and its output are; one inch is 1."""
    shape, *rings = symbol.split()
    pins = {"a": (x - W, y + H / 2), "b": (x - W, y - H / 2), "out": (x + W, y)}
    if shape in "01":
        axes.text(x, y, shape, ha="center", va="center", zorder=4)
        axes.add_patch(Rectangle((x - H, y - H), 2 * H, 2 * H, fc="white", ec="black", zorder=3))
        return pins | {"out": (x + H, y)}
    if shape in "ab":
        pins[shape] = (x - W, y)
    if "or" in shape:  # its back is hollow
        pins |= {pin: (x - 0.8 * W, pins[pin][1]) for pin in "ab"}
    vertices = np.array(OUTLINES[shape]) * (W, H) + (x, y)
    outline = Path(vertices, CODES[shape])
    axes.add_patch(PathPatch(outline, fc=FILLS[shape], ec="black", lw=0.8, zorder=3))
    if shape == "xor":
        back = Path(vertices[-3:] - (0.05, 0), [1, 3, 3])
        axes.add_patch(PathPatch(back, fc="none", lw=0.8, zorder=3))
    for ring in rings:
        pin = pins[ring]
        axes.add_patch(Circle(pin, 0.035, fc="white", ec="black", lw=0.8, zorder=4))
    return pins


def _draw_circuit(axes: Axes, circuit: Circuit, roots: list[Node], size: Box) -> dict[Node, Pin]:
    """Draw what the roots depend on into a box, in inches; return where inputs and roots are."""
    layers = circuit.behind(roots)
    left, bottom, width, height = size
    outputs: dict[Node, Pin] = {}
    for node, (x, y) in _places(circuit, layers).items():
        place = left + x * width, bottom + y * height
        if node[0] == 0:
            outputs[node] = place
            continue
        pins = _draw_gate(axes, circuit.symbol(node), *place)
        outputs[node] = pins["out"]
        for pin, source in circuit.read_by(node).items():
            start, end = outputs[source], pins[pin]
            middle = (start[0] + end[0]) / 2
            bent = Path([start, (middle, start[1]), (middle, end[1]), end], [1, 4, 4, 4])
            axes.add_patch(PathPatch(bent, fc="none", ec="#666666", lw=0.9, zorder=1))
    return {node: pin for node, pin in outputs.items() if node[0] == 0 or node in roots}


def _sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure, and axes on which one inch is 1."""
    picture = Figure(figsize=(width, height))
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return picture, axes


@figure(
    "circuit-of-a-rule",
    experiment="rule",
    caption="Three gates of a trained network and all that they depend on, seed 0. The rule to be "
    "learned: the jacket is red, or head and body have the same shape. Of the gates that vote "
    "that it holds, these come nearest to saying that the jacket is red, or that both or neither "
    "have some one shape; in brackets, for how many of the 432 robots they say just that. Two "
    "always do; the third looks at the sword as well. A D is AND, a curved back OR, a doubled one "
    "XOR; a triangle hands on, a ring negates, 0 is always off.",
)
def circuit_of_a_rule(kept: Kept) -> Figure:
    """Three gates of the last layer, and all behind them."""
    circuit = Circuit.of(kept, "logic")
    robots = np.array(list(itertools.product(*(range(len(values)) for values in ROBOT.values()))))
    bits = np.hstack([np.eye(len(v))[robots[:, i]] for i, v in enumerate(ROBOT.values())])
    said, n_gates = circuit.outputs(bits), circuit.kinds.shape[1]
    n_layers, voters = len(circuit.kinds), range(n_gates // 2, n_gates)
    roots: list[Node] = []
    labels = []
    for i, shape in enumerate(ROBOT["head"]):
        asked = (robots[:, 4] == 0) | ((robots[:, 0] == i) == (robots[:, 1] == i))
        right = (said == asked[:, None]).mean(0)
        best = min(voters, key=lambda gate: (-right[gate], _size(circuit, gate), gate))
        roots.append((n_layers, best))
        labels.append(f"jacket red, or {shape}\nboth or neither ({100 * right[best]:.0f} %)")
    picture, axes = _sheet(7, 4.0)
    for node, (x, y) in _draw_circuit(axes, circuit, roots, (1.25, 0.1, 3.55, 3.8)).items():
        if node[0]:
            _label(axes, x, y, labels[roots.index(node)])
        else:
            axes.text(x - 0.05, y, BITS[node[1]], ha="right", va="center")
    return picture


def _size(circuit: Circuit, gate: int) -> int:
    """How many gates and inputs a last gate depends on, itself included."""
    return sum(map(len, circuit.behind([(len(circuit.kinds), gate)])))


@figure(
    "circuits-of-digits",
    experiment="digits",
    caption="Of every digit the gate that tells it best from the others, and of these the three "
    "with the smallest circuits, seed 0. Each looks at three pixels and no more; in brackets, how "
    "well that does on test images: the mean of the share of the digit's own that it votes for "
    "and the share of others that it does not. An input is whether one pixel, marked in its "
    "image, is at least so dark. Gates as in circuit-of-a-rule.",
)
def circuits_of_digits(kept: Kept) -> Figure:
    """Three gates of the last layer, and all behind them."""
    circuit, votes = Circuit.of(kept, "logic"), kept.array("logic", "votes").reshape(10, -1)
    best = [digit * votes.shape[1] + int(votes[digit].argmax()) for digit in range(10)]
    chosen = sorted(sorted(best, key=lambda gate: _size(circuit, gate))[:3])
    roots = [(len(circuit.kinds), gate) for gate in chosen]
    picture, axes = _sheet(7, 4.4)
    for node, (x, y) in _draw_circuit(axes, circuit, roots, (1.3, 0.1, 4.1, 4.2)).items():
        if node[0]:
            digit, place = divmod(node[1], votes.shape[1])
            _label(axes, x, y, f"votes for {digit} ({100 * votes[digit, place]:.0f} %)")
        else:
            _draw_pixel(axes, node[1], x - 0.24, y)
    return picture


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot([x, x + 0.2], [y, y], color="#666666", lw=0.9)
    axes.text(x + 0.25, y, text, va="center")


def _draw_pixel(axes: Axes, bit: int, x: float, y: float) -> None:
    """An image of 8 x 8 with the one pixel that a bit is about, and the threshold."""
    pixel, level = divmod(bit, N_THRESHOLDS)
    row, column = divmod(pixel, 8)
    cell = 0.045
    left, top = x - 4 * cell, y + 4 * cell
    axes.add_patch(Rectangle((left, top), 8 * cell, -8 * cell, fc="#EEEEEE", ec="#999999", lw=0.5))
    mark = left + column * cell, top - row * cell
    axes.add_patch(Rectangle(mark, cell, -cell, fc="#D55E00", ec="none"))
    told = f"at least {level + 1}/{N_THRESHOLDS + 1}"
    axes.text(left - 0.06, y, told, ha="right", va="center", fontsize=8)
