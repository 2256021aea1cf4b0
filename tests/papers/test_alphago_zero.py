"""The game against a minimax written out, the search against a tree of nodes, one at a time."""

import math
from functools import cache

import numpy as np
import pytest
import torch

from paperbench.lab import Run
from paperbench.papers.alphago_zero import experiments, play
from paperbench.papers.alphago_zero.arena import (
    asked_by,
    deterministic,
    evenly,
    loss_rate,
    perfect_player,
    reach,
    seen_ahead,
    two_ply_player,
)
from paperbench.papers.alphago_zero.experiments import self_play, untrained
from paperbench.papers.alphago_zero.game import solve
from paperbench.papers.alphago_zero.model import Answers, PolicyValueNet, answer, policy_value_loss
from paperbench.papers.alphago_zero.search import back_up, puct, search

GAME = solve(3, 3, 3, False)
FALLING = solve(4, 4, 4, True)  # connect four
LINES = ["012", "345", "678", "036", "147", "258", "048", "246"]


# The game, as boards of nine letters.


def mover_of(board):
    return "x" if board.count("x") == board.count("o") else "o"


def winner(board):
    for line in LINES:
        stones = {board[int(cell)] for cell in line}
        if len(stones) == 1 and stones != {"."}:
            return stones.pop()
    return None


def moves_of(board):
    return [] if winner(board) else [i for i in range(9) if board[i] == "."]


def play_at(board, cell):
    return board[:cell] + mover_of(board) + board[cell + 1 :]


@cache
def minimax(board):
    if winner(board):
        return -1
    return max((-minimax(play_at(board, cell)) for cell in moves_of(board)), default=0)


@cache
def boards():
    """Position -> board, found by walking the tables from the empty board."""
    found, waiting = {0: "." * 9}, [0]
    while waiting:
        position = waiting.pop()
        for cell in range(9):
            after = int(GAME.after[position, cell])
            if after >= 0:
                board = play_at(found[position], cell)
                assert found.setdefault(after, board) == board
                waiting += [after] if found[after] is board else []
    return found


def test_every_board_is_there_with_its_moves_and_its_worth():
    assert len(boards()) == len(GAME.ended) == 5478
    assert len(set(boards().values())) == 5478
    for position, board in boards().items():
        assert list(np.flatnonzero(GAME.legal[position])) == moves_of(board)
        assert GAME.worth[position] == minimax(board)
        assert GAME.ended[position] == (not moves_of(board))
        assert GAME.ply[position] == 9 - board.count(".")


def test_the_counts_of_the_literature():
    """958 ends: 626 won by the first player, 316 by the second, 16 drawn. Connect four: 161,029."""
    ended = np.flatnonzero(GAME.ended)
    assert len(ended) == 958
    lost = GAME.worth[ended] == -1
    assert [(lost & (GAME.ply[ended] % 2 == parity)).sum() for parity in (1, 0)] == [626, 316]
    orbits = {tuple(sorted(column)) for column in GAME.turned.T}
    assert len(orbits) == 765
    assert len(FALLING.ended) == 161_029
    assert FALLING.worth[0] == 0


def test_a_board_of_another_shape_is_solved_too():
    """Three in a row on 3 x 4 is won by who moves first."""
    game = solve(3, 4, 3, False)
    assert game.worth[0] == 1
    assert game.turned.shape[0] == 4


def test_stones_fall():
    position = 0
    for height in range(4):
        assert FALLING.legal[position, 2]
        position = FALLING.after[position, 2]
        assert (FALLING.stones[position].sum() >> (2 * 4 + height)) & 1
    assert not FALLING.legal[position, 2]


@pytest.mark.parametrize("game", [GAME, FALLING], ids=["tic-tac-toe", "connect-four"])
def test_a_turned_board_is_the_same_game(game):
    assert len(np.unique(game.turned_actions, axis=0)) == len(game.turned)
    for turned, actions in zip(game.turned, game.turned_actions, strict=True):
        assert np.array_equal(np.sort(turned), np.arange(len(turned)))
        assert np.array_equal(game.worth[turned], game.worth)
        after = game.after[:, actions]
        moved = np.where(after >= 0, turned[after], -1)
        assert np.array_equal(game.after[turned], moved)


def test_planes_show_the_mover_s_stones_first():
    position = next(p for p, board in boards().items() if board == "xo.x.....")
    mine, others = GAME.planes(np.array([position])).reshape(2, 9).int().tolist()
    assert mine == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert others == [1, 0, 0, 1, 0, 0, 0, 0, 0]


# Search, one tree and one node at a time.


class Node:
    def __init__(self, position, prior):
        self.position, self.prior = position, prior
        self.visits, self.total, self.children = {}, {}, {}

    def choose(self, c_puct):
        count = 1 + sum(self.visits.values())

        def score(move):
            n = self.visits.get(move, 0)
            q = self.total[move] / n if n else 0.0
            return q + c_puct * self.prior[move] * math.sqrt(count) / (1 + n)

        return max(moves_of(boards()[self.position]), key=score)


def simulate(node, answers, c_puct):
    """One simulation below `node`; the value found, for the player who moves there."""
    move = node.choose(c_puct)
    after = int(GAME.after[node.position, move])
    board = boards()[after]
    if not moves_of(board):
        value = minimax(board)
    elif move in node.children:
        value = simulate(node.children[move], answers, c_puct)
    else:
        node.children[move] = Node(after, answers.prior[after])
        value = answers.value[after]
    node.visits[move] = node.visits.get(move, 0) + 1
    node.total[move] = node.total.get(move, 0.0) - value
    return -value


def random_answers(seed, game=GAME):
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.ones(game.n_actions), len(game.ended)) * game.legal
    prior /= np.maximum(prior.sum(-1, keepdims=True), 1e-9)
    return Answers(prior, np.where(game.ended, game.worth, rng.uniform(-1, 1, len(game.ended))))


@pytest.mark.parametrize(("n_sims", "c_puct"), [(1, 1.5), (25, 1.5), (80, 0.3), (80, 4.0)])
def test_many_trees_at_once_are_the_same_trees(n_sims, c_puct):
    answers = random_answers(n_sims)
    roots = np.random.default_rng(0).choice(GAME.undecided, 40)
    visits = search(GAME, answers, roots, answers.prior[roots], n_sims=n_sims, c_puct=c_puct)
    for root, row in zip(roots, visits, strict=True):
        node = Node(int(root), answers.prior[root])
        for _ in range(n_sims):
            simulate(node, answers, c_puct)
        assert row.tolist() == [node.visits.get(move, 0) for move in range(9)]


def test_visits_by_hand():
    """Two cells are free, o moves: at 8 it wins by 2-5-8, at 7 it blocks and draws in the end.

    The prior is even, the value of what is left open 0, c = 1. Choices by Q + U:
    1: .5 for both; the first, cell 7. 2: .5 sqrt 2 / 2 = .35 against .71: cell 8, a win, Q = 1.
    3: .5 sqrt 3 / 2 = .43 against 1 + .43. And so on: 7 stays below 1.
    """
    position = number()["oxoxxox.."]
    answers = Answers(evenly(GAME.legal), np.where(GAME.ended, GAME.worth, 0.0))
    roots = np.array([position])
    visits = [
        search(GAME, answers, roots, answers.prior[roots], n_sims=n, c_puct=1.0)[0, 7:].tolist()
        for n in (1, 2, 3, 10)
    ]
    assert visits == [[1, 0], [1, 1], [1, 2], [1, 9]]


def test_one_simulation_is_the_policy():
    answers = random_answers(3)
    roots = GAME.undecided
    visits = search(GAME, answers, roots, answers.prior[roots], n_sims=1, c_puct=1.5)
    assert np.array_equal(visits.argmax(-1), answers.prior[roots].argmax(-1))


@pytest.mark.parametrize("game", [GAME, FALLING], ids=["tic-tac-toe", "connect-four"])
def test_with_the_right_values_and_an_even_prior_search_never_loses(game):
    answers = Answers(evenly(game.legal), game.worth.astype(float))
    opponent = perfect_player(game)
    roots = asked_by(game, opponent)[:20_000]
    visits = search(game, answers, roots, answers.prior[roots], n_sims=60, c_puct=1.0)
    chosen = game.worth[game.after[roots, visits.argmax(-1)]]
    assert (-chosen == game.worth[roots])[game.worth[roots] < 1].all()  # a win may be put off


def test_values_change_sides_at_every_ply():
    visits, total = np.zeros(6), np.zeros(6)
    path = [(np.array([0, 1]), np.array([0, 3])), (np.array([1]), np.array([5]))]
    back_up(path, np.array([0.5, 0.25]), visits, total)
    assert visits.tolist() == [1, 0, 0, 1, 0, 1]
    assert total.tolist() == [-0.5, 0, 0, 0.25, 0, -0.25]


def test_puct_by_the_formula():
    scores = puct(np.array([[0.2, 0.8]]), np.array([[3.0, 0.0]]), np.array([[1.5, 0.0]]), 2.0)
    assert scores[0].tolist() == pytest.approx([0.5 + 2 * 0.2 * 2 / 4, 2 * 0.8 * 2 / 1])


# Players, against games played out.


def losses(board, player, opponent, side):
    """How likely `side` loses, move by move."""
    if not moves_of(board):
        return float(winner(board) is not None and winner(board) != side)
    chances = player if mover_of(board) == side else opponent
    return sum(
        chance * losses(play_at(board, cell), player, opponent, side)
        for cell, chance in enumerate(chances[number()[board]]) if chance
    )  # fmt: skip


@cache
def number():
    return {board: position for position, board in boards().items()}


def test_losses_are_counted_as_if_games_were_played_out():
    rng = np.random.default_rng(1)
    player = deterministic(rng.random(GAME.after.shape), GAME)
    for opponent in (perfect_player(GAME), deterministic(rng.random(GAME.after.shape), GAME)):
        expected = sum(losses("." * 9, player, opponent, side) for side in "xo") / 2
        assert loss_rate(GAME, player, opponent) == pytest.approx(expected)


def test_a_perfect_player_never_loses_and_others_do():
    perfect, two_ply = perfect_player(GAME), two_ply_player(GAME)
    anyone = evenly(GAME.legal)
    assert loss_rate(GAME, perfect, perfect) == loss_rate(GAME, perfect, anyone) == 0
    assert 0 < loss_rate(GAME, two_ply, perfect) < loss_rate(GAME, anyone, perfect)


def test_a_two_ply_player_wins_and_blocks():
    players = two_ply_player(GAME)
    assert players[number()["xx.oo...."]].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert players[number()["xx.o....."]].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]


def look_ahead(board, plies):
    if plies == 0 or not moves_of(board):
        return -1 if winner(board) else 0
    return max(-look_ahead(play_at(board, cell), plies - 1) for cell in moves_of(board))


def test_what_is_seen_ahead_is_minimax_cut_short():
    for plies in (0, 1, 2):
        seen = seen_ahead(GAME, plies)
        assert all(
            seen[position] == look_ahead(board, plies) for position, board in boards().items()
        )
    assert np.array_equal(seen_ahead(GAME, 9), GAME.worth)


def test_players_are_asked_wherever_a_game_can_lead():
    perfect, anyone = perfect_player(GAME), evenly(GAME.legal)
    asked = set(asked_by(GAME, perfect).tolist())
    rng = np.random.default_rng(2)
    player = deterministic(rng.random(GAME.after.shape), GAME)
    for first, second, parity in ((player, perfect, 0), (perfect, player, 1)):
        met = np.flatnonzero(reach(GAME, first, second))
        assert {p for p in met.tolist() if not GAME.ended[p] and GAME.ply[p] % 2 == parity} <= asked
    assert reach(GAME, anyone, anyone)[GAME.ended].sum() == pytest.approx(1)


# Self-play.


def test_games_are_played_by_the_rules_and_end_as_they_say():
    answers, rng = random_answers(5), np.random.default_rng(0)
    games = play.play_against_oneself(GAME, 200, lambda positions: answers.prior[positions], rng)
    assert not GAME.ended[games.positions].any()
    ends = games.positions[GAME.ply[games.positions] == 8]  # of games that fill the board
    assert len(ends) > 0
    won_in_one = GAME.legal & (GAME.ended & (GAME.worth < 0))[GAME.after]
    # Whoever's game ends at once by the only move left has that move's outcome.
    full = GAME.ply[games.positions] == 8
    expected = won_in_one[games.positions[full]].any(-1).astype(float)
    assert games.outcome[full].tolist() == expected.tolist()
    first = GAME.ply[games.positions] == 0
    assert first.sum() == 200
    # The two sides of a game have opposite outcomes.
    second = GAME.ply[games.positions] == 1
    assert games.outcome[second].sum() == -games.outcome[first].sum() != 0


def test_outcomes_are_those_of_the_movers():
    final = np.array([-1, -1, -1, 0])
    assert play.outcomes_for_movers(final, np.array([0, 1, 2, 3])).tolist() == [-1, 1, -1, 0]


def test_moves_are_drawn_as_often_as_they_are_likely():
    rng = np.random.default_rng(0)
    drawn = play._draw(np.tile([0.0, 0.2, 0.0, 0.8, 0.0], (20_000, 1)), rng)
    share = np.bincount(drawn, minlength=5) / 20_000
    assert share.tolist() == pytest.approx([0, 0.2, 0, 0.8, 0], abs=0.01)


def test_noise_at_the_root_leaves_a_distribution_over_legal_moves():
    answers, rng = random_answers(6), np.random.default_rng(0)
    prior, legal = answers.prior[GAME.undecided], GAME.legal[GAME.undecided]
    noisy = play.with_root_noise(prior, legal, rng)
    assert noisy.sum(-1) == pytest.approx(1)
    assert (noisy[~legal] == 0).all()
    assert np.abs(noisy - prior).sum(-1).max() <= 2 * play.NOISE_SHARE + 1e-9


def test_a_turned_example_has_its_policy_turned_with_it():
    """A policy that depends on the position alone, whichever way the board lies, stays itself."""
    policy = perfect_player(GAME)
    examples = play.Examples(GAME.undecided, policy[GAME.undecided], np.zeros(4520))
    turned = play.turn_at_random(GAME, examples, np.random.default_rng(0))
    assert not np.array_equal(turned.positions, examples.positions)
    assert np.array_equal(turned.policy, policy[turned.positions])


# The network.


def test_the_loss_and_its_gradient():
    torch.manual_seed(0)
    logits = torch.randn(5, 9, dtype=torch.float64, requires_grad=True)
    value = torch.rand(5, dtype=torch.float64, requires_grad=True)
    policy = torch.rand(5, 9, dtype=torch.float64)
    policy /= policy.sum(-1, keepdim=True)
    outcome = torch.tensor([1.0, 0, -1, 1, 0], dtype=torch.float64)
    loss = policy_value_loss(logits, value, policy, outcome)
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    expected = sum(
        (outcome[i] - value[i]) ** 2 - sum(policy[i, a] * p[i, a].log() for a in range(9))
        for i in range(5)
    )
    assert loss.item() == pytest.approx(expected.item() / 5)
    loss.backward()
    torch.testing.assert_close(logits.grad, (p - policy).detach() / 5)
    torch.testing.assert_close(value.grad, 2 * (value - outcome).detach() / 5)


def test_answers_are_those_of_the_network_one_by_one():
    torch.manual_seed(0)
    model = PolicyValueNet(18, 8, 9)
    answers = answer(model, GAME, torch.device("cpu"))
    assert answers.prior.sum(-1) == pytest.approx((~GAME.ended).astype(float))
    assert (answers.prior[~GAME.legal] == 0).all()
    assert np.array_equal(answers.value[GAME.ended], GAME.worth[GAME.ended])
    for position in (0, 100, 3000):
        logits, value = model(GAME.planes(np.array([position])))
        likely = logits[0].exp().detach().double().numpy() * GAME.legal[position]
        if not GAME.ended[position]:
            assert answers.prior[position] == pytest.approx(likely / likely.sum(), abs=1e-6)
            assert answers.value[position] == pytest.approx(value.item(), abs=1e-6)


# The experiment.

SMALL = {"iterations": 2, "n_games": 10, "n_sims": 8, "steps": 3, "batch_size": 16}


def small(seed=0, **options):
    run = Run(seed=seed)
    return self_play(run, **SMALL | options), run


def test_right_values_are_counted(monkeypatch):
    def all_alike(model, game, device):
        return Answers(evenly(game.legal), np.full(len(game.ended), 0.6))

    monkeypatch.setattr(experiments, "answer", all_alike)
    metrics, _ = small()
    assert metrics["value_acc"] == metrics["majority_acc"] == pytest.approx(2836 / 4520)
    assert metrics["value_acc"] < metrics["one_ply_acc"] < metrics["two_ply_acc"] < 1


def test_untrained_networks_differ_and_repeat_themselves():
    def measure(seed, **options):
        return untrained(Run(seed=seed), **{"n_networks": 2, "n_sims": 8} | options)

    own, drawn = measure(0), measure(0, ends="drawn")
    assert own == measure(0) != measure(1)
    assert own != measure(0, n_networks=1)
    assert own["raw_loss"] == drawn["raw_loss"]
    assert own["search_loss"] != drawn["search_loss"]


def test_it_repeats_itself_and_differs_by_seed():
    assert small()[0] == small()[0] != small(seed=1)[0]


def test_all_arms_start_and_spend_alike():
    arms = [{}, {"teacher": "itself"}, {"outcomes": "shuffled"}, {"leaf_values": "foreign"}]
    metrics, runs = zip(*(small(**arm) for arm in arms), strict=True)
    assert len({each["raw_loss_at_start"] for each in metrics}) == 1
    assert all(run.budget == runs[0].budget for run in runs)
    assert metrics[3]["raw_loss"] == metrics[0]["raw_loss"]
    assert metrics[3]["mean_search_loss"] != metrics[0]["mean_search_loss"]


def test_it_learns_connect_four_as_well():
    metrics, _ = small(rows=4, columns=4, in_row=4, gravity=True)
    assert 0 <= metrics["search_loss"] <= 1
