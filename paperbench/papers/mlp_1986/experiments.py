"""What is trained and measured. The claims about it are in claims/mlp-1986.yaml."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from paperbench.lab import Metrics, Run, accuracy, error, experiment, fraction, steps
from paperbench.papers.mlp_1986.measures import (
    antisymmetry,
    explained_by_one_unit,
    is_powers_of_two,
    is_right,
    share_right,
    shortcut_accuracy,
)
from paperbench.papers.mlp_1986.model import (
    Array,
    Error,
    Learns,
    Momentum,
    backward,
    central_differences,
    forward,
    initial_weights,
    lenient_squared_error,
    logistic,
    squared_error,
)
from paperbench.papers.mlp_1986.tasks import (
    GENERATION,
    NATION,
    all_patterns,
    family_facts,
    is_odd,
    is_symmetric,
    reads_larger,
)

THRESHOLD_UNIT = 0.75  # the best balanced accuracy of one threshold on symmetry or XOR: NOTES.md


def _sweep(
    run: Run,
    weights: Sequence[Array],
    x: Array,
    targets: Array,
    rule: Momentum,
    sweeps: int,
    *,
    error: Error = squared_error,
    learns: Learns = "all",
    counted: Array | float = 1.0,
    connected: Array | float = 1.0,
    watch: Callable[[int, Array], None] = lambda sweep, y: None,
) -> None:
    """Change the weights in place, `sweeps` times through all cases.

    counted: (nets, cases, 1), 0 for cases that are not trained on. connected: 0 for weights of the
    first layer that there are not. watch: is told the outputs before every sweep.
    """
    for sweep in range(sweeps):
        activities = forward(weights, x)
        watch(sweep, activities[-1])
        errors, delta = error(activities[-1], targets)
        gradients = backward(weights, activities, delta * counted, learns)
        gradients[0] *= connected
        rule.update(weights, gradients)
        if sweep % max(1, sweeps // 100) == 0:
            mean = float((errors * counted).sum()) / len(weights[0])
            run.record("error", sweep, mean)
            run.progress(sweep, sweeps, error=mean)
    run.spend(
        parameters=sum(int(np.count_nonzero(w[0])) for w in weights),
        steps=sweeps,
        examples=sweeps * targets.shape[-2],
    )


@experiment(
    "mlp-1986/boolean",
    metrics={
        "solved_share": fraction,
        "solved_early_share": fraction,
        "median_sweeps": steps,
        "balanced_acc": accuracy,
        "threshold_unit_acc": accuracy,
        "mirrored_share": fraction,
        "powers_share": fraction,
    },
    chance={"balanced_acc": "threshold_unit_acc"},
)
def boolean(
    run: Run,
    *,
    task: Literal["symmetry", "xor", "larger", "arbitrary"] = "symmetry",
    n_inputs: int = 6,
    hidden: int = 2,
    learns: Literal["all", "output"] = "all",
    nets: int = 16,
    sweeps: int = 20000,
    early: int = 1425,
    epsilon: float = 0.1,
    alpha: float = 0.9,
    spread: float = 0.3,
) -> Metrics:
    """Train `nets` starts of one small network on all patterns of a Boolean function.

    task: `larger` is one that a single threshold unit can do; `arbitrary` draws as many patterns to
    be answered with 1 as are symmetric, for each net its own. hidden: 0 for none. early: sweeps
    that are also asked about. A net has solved the task when every output is on its side of 1/2.
    """
    x = all_patterns(n_inputs)
    targets = _targets(run, task, x, nets)  # (nets, 2^n_inputs, 1)
    sizes = [n_inputs, hidden, 1] if hidden else [n_inputs, 1]
    weights = initial_weights(run.rng("weights"), nets, sizes, spread)
    first = np.full(nets, sweeps)  # the sweep by which a net had solved the task

    def watch(sweep: int, y: Array) -> None:
        if sweep % 5 == 0 or sweep == early:
            solved = ((y > 0.5) == (targets > 0.5)).all((1, 2))
            first[solved & (first > sweep)] = sweep
            if sweep % max(1, sweeps // 100) == 0:
                run.record("solved", sweep, solved.mean())

    rule = Momentum(epsilon, alpha)
    _sweep(run, weights, x, targets, rule, sweeps, learns=learns, watch=watch)
    right = (forward(weights, x)[-1] > 0.5) == (targets > 0.5)
    solved = right.all((1, 2))
    balanced = np.mean([right[targets == side].mean() for side in (0.0, 1.0)])
    incoming = weights[0][:, 1:]
    if run.seed == 0:
        run.keep("incoming", weights[0])
        run.keep("outgoing", weights[-1])
    return {
        "solved_share": float(solved.mean()),
        "solved_early_share": float((first <= early).mean()),
        "median_sweeps": float(np.median(first)),
        "balanced_acc": float(balanced),
        "threshold_unit_acc": THRESHOLD_UNIT,
        "mirrored_share": float((antisymmetry(incoming) > 0.95).mean()),
        "powers_share": float(is_powers_of_two(incoming).mean()),
    }


def _targets(run: Run, task: str, x: Array, nets: int) -> Array:
    if task == "arbitrary":
        row = is_symmetric(x)
        return run.rng("function").permuted(np.tile(row, (nets, 1, 1)), axis=1)
    functions = {"symmetry": is_symmetric, "xor": is_odd, "larger": reads_larger}
    return np.tile(functions[task](x), (nets, 1, 1))


@experiment(
    "mlp-1986/family",
    metrics={
        "train_acc": accuracy,
        "test_acc": accuracy,
        "shortcut_acc": accuracy,
        "all_right_share": fraction,
        "nation_r2": fraction,
        "generation_r2": fraction,
    },
    chance={"test_acc": "shortcut_acc"},
)
def family(
    run: Run,
    *,
    facts: Literal["true", "shuffled"] = "true",
    learns: Literal["all", "output"] = "all",
    held_out: int = 4,
    nets: int = 16,
    sweeps: int = 3000,
) -> Metrics:
    """Train `nets` networks on the family trees, each without `held_out` facts of its own.

    facts: `shuffled` deals the answers out anew. Persons and relations are coded by six units each,
    which meet in twelve, then six, then the 24 persons. A fact is right when the largest output is
    an answer to it.
    """
    person, relation, answers = family_facts()
    if facts == "shuffled":
        answers = run.rng("shuffle").permutation(answers)
    x = np.concatenate([np.eye(24)[person], np.eye(12)[relation]], 1)  # (facts, 36)
    rank = run.rng("held out").permuted(np.tile(np.arange(len(x)), (nets, 1)), axis=1)
    seen = (rank >= held_out).astype(float)  # (nets, facts)
    weights = initial_weights(run.rng("weights"), nets, [36, 12, 12, 6, 24], 0.3)
    connected = np.ones((37, 12))
    connected[1:25, 6:] = connected[25:, :6] = 0  # persons to six units, relations to the others
    weights[0] *= connected
    rule = Momentum(0.005, 0.5, decay=0.002)

    def watch(sweep: int, y: Array) -> None:
        if sweep == 20:
            rule.epsilon, rule.alpha = 0.05, 0.95
        if sweep % max(1, sweeps // 100) == 0:
            run.record("train_acc", sweep, share_right(y, answers, seen))
            run.record("test_acc", sweep, share_right(y, answers, 1 - seen))

    _sweep(
        run,
        weights,
        x,
        answers,
        rule,
        sweeps,
        error=lenient_squared_error,
        learns=learns,
        counted=seen[..., None],
        connected=connected,
        watch=watch,
    )
    y = forward(weights, x)[-1]
    codes = logistic(weights[0][:, :1, :6] + weights[0][:, 1:25, :6])  # (nets, people, 6)
    if run.seed == 0:
        run.keep("codes", codes)
    nation = (person >= 12).astype(np.intp)
    return {
        "train_acc": share_right(y, answers, seen),
        "test_acc": share_right(y, answers, 1 - seen),
        "shortcut_acc": shortcut_accuracy([relation, person, 2 * relation + nation], answers, seen),
        "all_right_share": float(((is_right(y, answers) + seen) > 0).all(1).mean()),
        "nation_r2": explained_by_one_unit(codes, NATION),
        "generation_r2": explained_by_one_unit(codes, GENERATION),
    }


@experiment("mlp-1986/gradient", metrics={"largest_error": error})
def gradient(run: Run, *, instances: int = 20, learns: Literal["all", "output"] = "all") -> Metrics:
    """Compare dE/dw with central differences, on random networks, cases and targets.

    `largest_error` is that of a layer's weights relative to the layer's largest derivative.
    """
    rng = run.rng("instances")
    largest = 0.0
    for instance in range(instances):
        sizes = rng.integers(2, 6, rng.integers(3, 6)).tolist()  # one to three hidden layers
        weights = initial_weights(rng, 1, sizes, 1.0)
        x, targets = rng.normal(size=(3, sizes[0])), rng.uniform(size=(1, 3, sizes[-1]))
        total_error = partial(_total_error, weights, x, targets)
        activities = forward(weights, x)
        delta = squared_error(activities[-1], targets)[1]
        for w, found in zip(weights, backward(weights, activities, delta, learns), strict=True):
            expected = central_differences(total_error, w)
            difference = np.abs(found - expected).max() / np.abs(expected).max()
            largest = max(largest, float(difference))
        run.progress(instance + 1, instances, largest_error=largest)
    return {"largest_error": largest}


def _total_error(weights: Sequence[Array], x: Array, targets: Array) -> float:
    return float(squared_error(forward(weights, x)[-1], targets)[0].sum())
