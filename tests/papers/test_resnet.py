import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import Examples, Run
from paperbench.papers.resnet.experiments import (
    classifier,
    construction,
    cost,
    momentum_sgd,
    warm_up_and_drop,
)
from paperbench.papers.resnet.measures import ink_error, responses
from paperbench.papers.resnet.model import Block, Convolution, Network, Rolled, join


def randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def random_block(shortcut, n_channels=3):
    block = Block(n_channels, shortcut).double()
    for seed, parameter in enumerate(block.parameters()):
        parameter.data.copy_(randn(*parameter.shape, seed=seed))
    return block


def normalised(x, gamma, beta):
    """One channel after another, as batch normalisation is defined."""
    channels = []
    for c in range(x.shape[1]):
        values = x[:, c]
        mean = values.sum() / values.numel()
        variance = ((values - mean) ** 2).sum() / values.numel()
        channels.append(gamma[c] * (values - mean) / (variance + 1e-5).sqrt() + beta[c])
    return torch.stack(channels, 1)


def convolved(x, weight):
    """Place by place, with zeros around the image."""
    pad = weight.shape[-1] // 2
    padded = F.pad(x, (pad,) * 4)
    size = weight.shape[-1]
    rows = [
        torch.stack(
            [
                torch.einsum("bchw,ochw->bo", padded[..., i : i + size, j : j + size], weight)
                for j in range(x.shape[-1])
            ],
            -1,
        )
        for i in range(x.shape[-2])
    ]
    return torch.stack(rows, -2)


def layer_by_hand(x, layer):
    return normalised(convolved(x, layer.convolution.weight), layer.norm.weight, layer.norm.bias)


def block_by_hand(x, block, shortcut):
    h = layer_by_hand(x, block.first)
    branch = layer_by_hand(h * (h > 0), block.second)
    added = {
        "none": lambda: 0,
        "identity": lambda: x,
        "projection": lambda: layer_by_hand(x, block.shortcut),
        "rolled": lambda: torch.stack([x[i - 1] for i in range(len(x))]),
    }[shortcut]()
    y = branch + added
    return y * (y > 0)


@pytest.mark.parametrize("shortcut", ["none", "identity", "projection", "rolled"])
def test_a_block_is_the_formula_place_by_place_in_value_and_gradient(shortcut):
    block, x = random_block(shortcut), randn(4, 3, 4, 4).requires_grad_()
    dy = randn(4, 3, 4, 4, seed=5)
    found, expected = (
        (y, *torch.autograd.grad(y, [x, *block.parameters()], dy))
        for y in (block(x), block_by_hand(x, block, shortcut))
    )
    torch.testing.assert_close(found, expected)


def test_and_the_other_shortcuts_are_other_blocks():
    x = randn(4, 3, 4, 4)
    outputs = [
        block_by_hand(x, random_block("identity"), s) for s in ("none", "identity", "rolled")
    ]
    assert (outputs[0] - outputs[1]).abs().max() > 0.1
    assert (outputs[1] - outputs[2]).abs().max() > 0.1


def test_it_is_the_basic_block_of_torchvision():
    resnet = pytest.importorskip("torchvision.models.resnet")
    theirs, ours = resnet.BasicBlock(3, 3).double(), random_block("identity")
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        other.data.copy_(own.data)
    x = randn(4, 3, 5, 5)
    torch.testing.assert_close(ours(x), theirs(x))


def test_without_a_way_round_nothing_is_added():
    branch, x = randn(2, 3), randn(2, 3, seed=1)
    assert torch.equal(join(branch, x, None), branch)
    assert torch.equal(join(branch, x, nn.Identity()), branch + x)
    assert torch.equal(Rolled()(x), x[[1, 0]])


def network(depth=8, shortcut="identity", seed=0):
    return Run(seed=seed).build(lambda: Network(4, 5, 3, depth=depth, shortcut=shortcut))


@pytest.mark.parametrize("depth", [4, 8, 26])
def test_the_depth_counts_the_layers_with_weights(depth):
    weights = [p for p in network(depth, "none").parameters() if p.dim() > 1]
    assert len(weights) == depth
    model = network(depth, "projection")
    assert sum(p.dim() > 1 for p in model.parameters()) == depth + depth // 2 - 1


@pytest.mark.parametrize("depth", [2, 9])
def test_a_depth_that_blocks_do_not_make_up_is_refused(depth):
    with pytest.raises(ValueError, match=f"cannot be {depth}"):
        network(depth)


def test_plain_and_residual_networks_begin_with_the_same_weights():
    for own, other in zip(
        network(shortcut="none").parameters(), network().parameters(), strict=True
    ):
        assert torch.equal(own, other)
    assert not torch.equal(network(seed=1).output.weight, network().output.weight)


def test_initial_weights_keep_the_size_of_a_signal():
    layer = Run(seed=0).build(lambda: Convolution(30, 40))
    assert layer.convolution.weight.var().item() == pytest.approx(2 / (9 * 30), rel=0.03)


def test_eval_mode_changes_nothing():
    model, x = network(), randn(6, 16, dtype=torch.float32)
    torch.testing.assert_close(model.train()(x), model.eval()(x))


def test_responses_are_the_deviations_of_what_the_layers_give():
    model, x = network(), randn(6, 16, dtype=torch.float32)
    found = responses(model, x)
    assert found.shape == (6,)
    with torch.no_grad():
        inputs = F.relu(model.first(x.view(6, 1, 4, 4)))
        first = model.blocks[0].first(inputs)
        second = model.blocks[0].second(F.relu(first))
    torch.testing.assert_close(found[:2], torch.stack([first.std(), second.std()]))
    assert not any(layer._forward_hooks for layer in model.modules())
    half = copy.deepcopy(model)
    half.blocks[2].second.norm.weight.data *= 0.5
    torch.testing.assert_close(responses(half, x)[-1], found[-1] / 2)


def test_a_residual_network_grows_by_nothing_and_one_with_a_wrong_shortcut_does_not():
    assert construction(Run(seed=0), n_instances=3)["largest_error"] < 1e-13
    for shortcut in ("rolled", "projection"):
        found = construction(Run(seed=0), n_instances=3, shortcut=shortcut)
        assert found["largest_error"] > 0.1


def test_projections_cost_a_matrix_and_a_normalisation_a_block():
    assert cost(Run(seed=0))["extra_parameters"] == 0
    model, plain = network(shortcut="projection"), network(shortcut="none")
    extra = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in plain.parameters())
    assert extra == 3 * (5 * 5 + 2 * 5)
    assert cost(Run(seed=0), shortcut="projection")["extra_parameters"] > 0


def test_the_rate_rises_stays_and_drops():
    assert warm_up_and_drop(0.0) == pytest.approx(0.04, abs=0.01)
    assert [warm_up_and_drop(p) for p in (0.25, 0.5, 0.74, 0.75, 0.99)] == [1, 1, 1, 0.1, 0.1]
    (group,) = momentum_sgd([nn.Parameter(torch.ones(1))], 0.05).param_groups
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.05, 0.9, 1e-4)


def test_the_floor_finds_a_shortcut_through_the_amount_of_ink():
    images = torch.tensor([[0.0, 0.1], [0.1, 0.0], [0.9, 0.8], [0.8, 0.9], [0.8, 0.8]])
    assert ink_error(Examples(images, torch.tensor([0, 0, 1, 1, 1])), 3) == 0
    same = Examples(torch.ones(5, 2), torch.tensor([0, 0, 1, 1, 1]))
    assert ink_error(same, 2) == pytest.approx(0.4)


def test_errors_are_those_of_the_training_images():
    run = Run(seed=0, data_names=("digits",))
    found = classifier(run, depth=4, n_channels=12, n_train=96, n_steps=100, batch_size=32)
    assert found["train_error"] < 0.5 < found["ink_error"]
    assert found["train_error"] * 96 == pytest.approx(round(found["train_error"] * 96))
    assert run.kept["responses"]["shape"] == [2]


def test_a_surface_is_kept_of_one_seed_only():
    for seed, expected in ((0, {"responses", "loss_surface"}), (1, set())):
        run = Run(seed=seed, data_names=("digits",))
        classifier(run, depth=4, n_channels=2, n_train=64, n_steps=1, batch_size=16)
        assert set(run.kept) == expected
