"""A loss surface: its middle is the model's own loss, and nothing of the model moves."""

import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import Run
from paperbench.lab.surface import loss_surface


def test_the_middle_is_the_loss_and_the_directions_have_the_weights_norms():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    batch = torch.randn(32, 4), torch.randint(3, (32,))
    before = {name: each.clone() for name, each in model.state_dict().items()}
    surface = loss_surface(Run(seed=0), model, batch, points=5)
    after = model.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())
    model_loss = F.cross_entropy(model(batch[0]), batch[1])
    assert surface.shape == (5, 5) and torch.allclose(surface[2, 2], model_loss)
    assert (surface != surface[2, 2]).sum() == 24
    assert torch.equal(surface, loss_surface(Run(seed=0), model, batch, points=5))
    assert not torch.equal(surface, loss_surface(Run(seed=1), model, batch, points=5))


def test_a_direction_scales_with_its_filter():
    model = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 2.0]]))
    batch = torch.eye(3), torch.tensor([0, 1, 1])
    seen = []
    handle = model.register_forward_pre_hook(lambda module, _: seen.append(module.weight.clone()))
    loss_surface(Run(seed=0), model, batch, points=3)
    handle.remove()
    corner = seen[0] - model.weight
    assert torch.equal(corner[0], torch.zeros(3))  # a filter of norm 0 stays
    assert 0 < corner[1].norm() <= 2 * 3.0  # two directions of norm 3
    assert torch.allclose((seen[5] - seen[3]).norm(dim=1) / 2, torch.tensor([0.0, 3.0]))


def test_it_does_not_know_the_scale_of_normalised_weights():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8, eps=1e-12), nn.Linear(8, 3)
    )
    batch = torch.randn(32, 4), torch.randint(3, (32,))
    surface = loss_surface(Run(seed=0), model, batch)
    with torch.no_grad():
        model[0].weight *= 7
    assert torch.allclose(loss_surface(Run(seed=0), model, batch), surface, rtol=1e-4)
    assert surface.std() > 0.01
