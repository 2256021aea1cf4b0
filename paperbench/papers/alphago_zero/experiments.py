"""What is learned and measured. The claims about it are in claims/alphago-zero.yaml."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch.optim import Adam, Optimizer

from paperbench.lab import Metrics, Run, accuracy, derive_seed, error, experiment
from paperbench.papers.alphago_zero.arena import (
    asked_by,
    deterministic,
    evenly,
    loss_rate,
    perfect_player,
    seen_ahead,
    two_ply_player,
)
from paperbench.papers.alphago_zero.game import Floats, Game, Ints, solve
from paperbench.papers.alphago_zero.model import Answers, PolicyValueNet, answer, policy_value_loss
from paperbench.papers.alphago_zero.play import (
    Examples,
    Policy,
    play_against_oneself,
    search_policy,
    turn_at_random,
    with_root_noise,
)
from paperbench.papers.alphago_zero.search import search

C_PUCT = 1.5
L2 = 1e-4  # c in the paper


@experiment(
    "alphago-zero/self-play",
    metrics={
        "raw_loss_at_start": error,
        "raw_loss": error,
        "search_loss": error,
        "mean_raw_loss": error,
        "mean_search_loss": error,
        "value_acc": accuracy,
        "two_ply_loss": error,
        "majority_acc": accuracy,
        "one_ply_acc": accuracy,
        "two_ply_acc": accuracy,
    },
    chance={
        "raw_loss": "two_ply_loss",
        "search_loss": "two_ply_loss",
        "mean_search_loss": "two_ply_loss",
        "value_acc": "one_ply_acc",
    },
)
def self_play(
    run: Run,
    *,
    rows: int = 3,
    columns: int = 3,
    in_row: int = 3,
    gravity: bool = False,
    d_hidden: int = 128,
    iterations: int = 40,
    n_games: int = 80,
    n_sims: int = 25,
    teacher: Literal["search", "itself"] = "search",
    outcomes: Literal["own", "shuffled"] = "own",
    leaf_values: Literal["own", "foreign"] = "own",
    steps: int = 60,
    batch_size: int = 256,
    buffer: int = 12_000,
    lr: float = 5e-3,
    measure_every: int = 2,
) -> Metrics:
    """Learn a game from self-play alone; count the losses to perfect players.

    steps: of the optimiser, after the games of each iteration. teacher: what moves are drawn from
    and the policy learns. outcomes: whether values learn the outcome of their own game, or that of
    another position drawn from the same games. leaf_values: when search is measured, whether a leaf
    has its own value or that of another position. Losses are shares of games to a player that makes
    any perfect move, `raw` by the network's likeliest move and `search` by the most visited one;
    their means are over what was measured after the start. value_acc: the share of all positions
    that are not over whose outcome under perfect play is the nearest of -1, 0 and 1 to v;
    so many are told rightly by the commonest outcome (majority), and by minimax of few plies that
    takes for a draw what it does not see the end of.
    """
    game = solve(rows, columns, in_row, gravity)
    model = run.build(lambda: PolicyValueNet(2 * game.n_cells, d_hidden, game.n_actions))
    optimizer = Adam(model.parameters(), lr=lr, weight_decay=L2, fused=True)
    play_rng, batch_rng = run.rng("self-play"), run.rng("batches")
    memory = Examples(np.zeros(0, np.int64), np.zeros((0, game.n_actions)), np.zeros(0))
    answers = answer(model, game, run.device)
    for iteration in range(iterations + 1):
        if iteration > 0:
            policy = _policy(game, answers, teacher, n_sims, play_rng)
            games = play_against_oneself(game, n_games, policy, play_rng)
            if outcomes == "shuffled":
                games = replace(games, outcome=play_rng.permutation(games.outcome))
            memory = memory.and_then(games, buffer)
            drawn = memory.sample(steps * batch_size, batch_rng)
            examples = turn_at_random(game, drawn, batch_rng)
            training_loss = _learn(run, game, model, optimizer, examples, steps)
            run.progress(iteration, iterations, training_loss=training_loss)
            answers = answer(model, game, run.device)
        if iteration % measure_every == 0 or iteration == iterations:
            believed = answers
            if leaf_values == "foreign":
                values_of_others = run.rng(f"leaf values {iteration}").permutation(answers.value)
                believed = replace(answers, value=values_of_others)
            raw, searched = _losses(game, believed, n_sims)
            run.record("raw_loss", iteration, raw)
            run.record("search_loss", iteration, searched)
    run.spend(
        parameters=sum(each.numel() for each in model.parameters()),
        steps=iterations * steps,
        examples=iterations * steps * batch_size,
    )
    value, worth = answers.value[game.undecided], game.worth[game.undecided]
    if run.seed == 0:
        every = 1 + len(worth) // 10_000
        run.keep("values", value[::every])
        run.keep("worth", worth[::every])
    raws, searches = ([y for _, y in run.curves[name]] for name in ("raw_loss", "search_loss"))
    return {
        "raw_loss_at_start": raws[0],
        "raw_loss": raws[-1],
        "search_loss": searches[-1],
        "mean_raw_loss": float(np.mean(raws[1:])),
        "mean_search_loss": float(np.mean(searches[1:])),
        "value_acc": float(np.mean(np.rint(value) == worth)),
        "two_ply_loss": loss_rate(game, two_ply_player(game), perfect_player(game)),
        "majority_acc": max(float(np.mean(worth == outcome)) for outcome in (-1, 0, 1)),
        "one_ply_acc": float(np.mean(seen_ahead(game, 1)[game.undecided] == worth)),
        "two_ply_acc": float(np.mean(seen_ahead(game, 2)[game.undecided] == worth)),
    }


def _policy(
    game: Game, answers: Answers, teacher: str, n_sims: int, rng: np.random.Generator
) -> Policy:
    """How moves of self-play are drawn, and what the policy is to learn."""

    def by_search(positions: Ints) -> Floats:
        prior = with_root_noise(answers.prior[positions], game.legal[positions], rng)
        visits = search(game, answers, positions, prior, n_sims=n_sims, c_puct=C_PUCT)
        return search_policy(visits)

    return by_search if teacher == "search" else lambda positions: answers.prior[positions]


def _learn(
    run: Run,
    game: Game,
    model: PolicyValueNet,
    optimizer: Optimizer,
    examples: Examples,
    steps: int,
) -> float:
    """Take `steps` on as many minibatches of the examples; the last loss, in nats and squares."""
    batches = (
        run.to_device(part).chunk(steps)
        for part in (
            game.planes(examples.positions),
            torch.from_numpy(examples.policy).float(),
            torch.from_numpy(examples.outcome).float(),
        )
    )
    for planes, policy, outcome in zip(*batches, strict=True):
        logits, value = model(planes)
        loss = policy_value_loss(logits, value, policy, outcome)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(loss.detach())


def _losses(game: Game, answers: Answers, n_sims: int) -> tuple[float, float]:
    """The shares of games that the raw policy and the search lose to perfect players."""
    opponent = perfect_player(game)
    positions = asked_by(game, opponent)
    visits, prior = np.zeros_like(answers.prior), answers.prior[positions]
    visits[positions] = search(game, answers, positions, prior, n_sims=n_sims, c_puct=C_PUCT)
    raw, searched = (
        loss_rate(game, deterministic(scores, game), opponent) for scores in (answers.prior, visits)
    )
    return raw, searched


@experiment(
    "alphago-zero/untrained",
    metrics={"raw_loss": error, "search_loss": error, "random_loss": error},
    chance={"search_loss": "random_loss"},
)
def untrained(
    run: Run,
    *,
    rows: int = 3,
    columns: int = 3,
    in_row: int = 3,
    gravity: bool = False,
    d_hidden: int = 128,
    n_networks: int = 20,
    n_sims: int = 25,
    ends: Literal["true", "drawn"] = "true",
) -> Metrics:
    """Measure networks that have learned nothing, and the searches they guide: mean losses.

    ends: what search takes a position for where the game has ended: what it is, or a draw.
    """
    game = solve(rows, columns, in_row, gravity)
    torch.manual_seed(derive_seed(run.seed, "networks"))
    losses = []
    for network in range(n_networks):
        model = PolicyValueNet(2 * game.n_cells, d_hidden, game.n_actions).to(run.device)
        answers = answer(model, game, run.device)
        if ends == "drawn":
            answers = replace(answers, value=np.where(game.ended, 0.0, answers.value))
        losses.append(_losses(game, answers, n_sims))
        run.progress(network + 1, n_networks)
    raw, searched = np.mean(losses, axis=0)
    return {
        "raw_loss": float(raw),
        "search_loss": float(searched),
        "random_loss": loss_rate(game, evenly(game.legal), perfect_player(game)),
    }
