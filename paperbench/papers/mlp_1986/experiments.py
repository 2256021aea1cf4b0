"""What is trained and measured. The claims about it are in claims/mlp-1986.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from paperbench.lab import Metrics, Run, accuracy, error, experiment, fraction
from paperbench.papers.mlp_1986 import measures, model, tasks
from paperbench.papers.mlp_1986.model import Array, Error, Layers, Momentum

SHOWN = 16  # nets of which more is kept than weights in the end
THRESHOLD_UNIT = 0.75  # the best balanced accuracy of one threshold on symmetry or XOR: NOTES.md


def _sweep(
    run: Run, weights: Layers, x: Array, targets: Array, sweeps: int, error: Error
) -> Iterator[tuple[int, Array, Layers]]:
    """Go `sweeps` times through all cases: the sweep's number, the outputs and dE/dw of each.

    The caller changes the weights, in place. One sweep in a hundred is recorded.
    """
    for sweep in range(sweeps):
        activities = model.forward(weights, x)
        errors, delta = error(activities[-1], targets)
        yield sweep, activities[-1], model.backward(weights, activities, delta)
        if sweep % max(1, sweeps // 100) == 0:
            mean = float(errors.sum()) / len(errors)  # of a network
            run.record("error", sweep, mean)
            run.progress(sweep, sweeps, error=mean)
    run.spend(
        parameters=sum(int(np.count_nonzero(w[0])) for w in weights),
        steps=sweeps,
        examples=sweeps * targets.shape[-2],
    )


def _without_hidden(gradients: Layers) -> Layers:
    """The gradients if no errors were sent back: hidden units get none."""
    return [np.zeros_like(gradient) for gradient in gradients[:-1]] + gradients[-1:]


@experiment(
    "mlp-1986/boolean",
    metrics={
        "solved_share": fraction,
        "solved_early_share": fraction,
        "total_error": error,
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
    x = tasks.all_patterns(n_inputs)
    targets = _targets(run, task, x, nets)  # (nets, 2^n_inputs, 1)
    sizes = [n_inputs, hidden, 1] if hidden else [n_inputs, 1]
    weights = model.initial_weights(run.rng("weights"), nets, sizes, spread)
    rule, solved_early = Momentum(epsilon, alpha), np.zeros(nets, dtype=bool)
    on_the_way: list[Layers] = []
    for sweep, y, gradients in _sweep(run, weights, x, targets, sweeps, model.squared_error):
        if run.seed == 0 and sweep % max(1, sweeps // 40) == 0:
            on_the_way.append([w[:SHOWN].copy() for w in weights])
        rule.update(weights, gradients if learns == "all" else _without_hidden(gradients))
        if sweep % 5 == 0:
            solved = ((y > 0.5) == (targets > 0.5)).all((1, 2))
            solved_early |= solved & (sweep <= early)
            if sweep % max(1, sweeps // 100) == 0:
                run.record("solved", sweep, solved.mean())
    y = model.forward(weights, x)[-1]
    right = (y > 0.5) == (targets > 0.5)
    balanced = np.mean([right[targets == side].mean() for side in (0.0, 1.0)])
    incoming = weights[0][:, 1:]
    if run.seed == 0:
        run.keep("incoming", weights[0])
        run.keep("outgoing", weights[-1])
        run.keep("incoming on the way", np.stack([each[0] for each in on_the_way]))
        run.keep("outgoing on the way", np.stack([each[-1] for each in on_the_way]))
    return {
        "solved_share": float(right.all((1, 2)).mean()),
        "solved_early_share": float(solved_early.mean()),
        "total_error": float(model.squared_error(y, targets)[0].sum()) / nets,
        "balanced_acc": float(balanced),
        "threshold_unit_acc": THRESHOLD_UNIT,
        "mirrored_share": float((measures.antisymmetry(incoming) > 0.95).mean()),
        "powers_share": float(measures.is_powers_of_two(incoming).mean()),
    }


def _targets(run: Run, task: str, x: Array, nets: int) -> Array:
    functions = {"xor": tasks.is_odd, "larger": tasks.reads_larger}
    targets = np.tile(functions.get(task, tasks.is_symmetric)(x), (nets, 1, 1))
    return run.rng("function").permuted(targets, axis=1) if task == "arbitrary" else targets


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
    held_out: int = 4,
    nets: int = 16,
    sweeps: int = 3000,
    decay: float = 0.002,
) -> Metrics:
    """Train `nets` networks on the family trees, each without `held_out` facts of its own.

    facts: `shuffled` deals the answers out anew. Persons and relations are coded by six units each,
    which meet in twelve, then six, then the 24 persons. A fact is right when the largest output is
    an answer to it.
    """
    person, relation, answers = tasks.family_facts()
    if facts == "shuffled":
        answers = run.rng("shuffle").permutation(answers)
    x = np.concatenate([np.eye(24)[person], np.eye(12)[relation]], 1)  # (facts, 36)
    rank = run.rng("held out").permuted(np.tile(np.arange(len(x)), (nets, 1)), axis=1)
    seen = (rank >= held_out).astype(float)  # (nets, facts)
    weights = model.initial_weights(run.rng("weights"), nets, [36, 12, 12, 6, 24], 0.3)
    connected = np.ones((37, 12))
    connected[1:25, 6:] = connected[25:, :6] = 0  # persons to six units, relations to the others
    weights[0] *= connected

    def error_of_seen(y: Array, targets: Array) -> tuple[Array, Array]:
        errors, delta = model.lenient_squared_error(y, targets)
        return errors * seen[..., None], delta * seen[..., None]

    rule = Momentum(0.005, 0.5, decay)
    for sweep, y, gradients in _sweep(run, weights, x, answers, sweeps, error_of_seen):
        if sweep == 20:
            rule.epsilon, rule.alpha = 0.05, 0.95
        gradients[0] *= connected
        rule.update(weights, gradients)
        if sweep % max(1, sweeps // 100) == 0:
            run.record("train_acc", sweep, measures.share_right(y, answers, seen))
            run.record("test_acc", sweep, measures.share_right(y, answers, 1 - seen))
    y = model.forward(weights, x)[-1]
    codes = model.logistic(weights[0][:, :1, :6] + weights[0][:, 1:25, :6])  # (nets, people, 6)
    if run.seed == 0:
        run.keep("codes", codes)
        relations = model.logistic(weights[0][:, :1, 6:] + weights[0][:, 25:, 6:])
        run.keep("codes of relations", relations[:SHOWN])  # (nets, 12, 6)
        not_taught = np.argsort(rank[:SHOWN], 1)[:, :held_out]
        run.keep("facts not taught", not_taught)  # (nets, held_out), numbers of facts
        run.keep("said of them", np.take_along_axis(y[:SHOWN], not_taught[..., None], 1))
        run.keep("answers to them", answers[not_taught])  # (nets, held_out, 24)
    tables = [relation, person, 2 * relation + (person >= 12)]
    return {
        "train_acc": measures.share_right(y, answers, seen),
        "test_acc": measures.share_right(y, answers, 1 - seen),
        "shortcut_acc": measures.shortcut_accuracy(tables, answers, seen),
        "all_right_share": float(((measures.is_right(y, answers) + seen) > 0).all(1).mean()),
        "nation_r2": measures.explained_by_one_unit(codes, tasks.NATION),
        "generation_r2": measures.explained_by_one_unit(codes, tasks.GENERATION),
    }


@experiment("mlp-1986/gradient", metrics={"largest_error": error})
def gradient(run: Run, *, instances: int = 20, learns: Literal["all", "output"] = "all") -> Metrics:
    """Compare dE/dw with central differences, on random networks, cases and targets.

    `largest_error` is that of a layer's weights relative to the layer's largest derivative.
    """
    rng, largest = run.rng("instances"), 0.0
    for instance in range(instances):
        largest = max(largest, _gradient_error(rng, learns))
        run.progress(instance + 1, instances, largest_error=largest)
    return {"largest_error": largest}


def _gradient_error(rng: np.random.Generator, learns: str) -> float:
    sizes = rng.integers(2, 6, rng.integers(3, 6)).tolist()  # one to three hidden layers
    weights = model.initial_weights(rng, 1, sizes, 1.0)
    x, targets = rng.normal(size=(3, sizes[0])), rng.uniform(size=(1, 3, sizes[-1]))

    def total_error() -> float:
        return float(model.squared_error(model.forward(weights, x)[-1], targets)[0].sum())

    activities = model.forward(weights, x)
    found = model.backward(weights, activities, model.squared_error(activities[-1], targets)[1])
    if learns == "output":
        found = _without_hidden(found)
    expected = [model.central_differences(total_error, w) for w in weights]
    pairs = zip(found, expected, strict=True)
    return max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)
