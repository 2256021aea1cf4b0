import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paperbench.lab import (
    Diverged,
    Examples,
    Run,
    adam,
    cross_entropy,
    derive_seed,
    sgd,
    train,
    warmup_cosine,
)


def examples(n=60):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(n, 5, generator=generator)
    return Examples(inputs, (inputs[:, 0] > 0).long())


def net():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


def fit(run, **options):
    settings = {
        "build": net,
        "batches": examples().batches(16),
        "loss": cross_entropy,
        "optimizer": adam(1e-2),
        "steps": 40,
    } | options
    return train(run, **settings)


def test_training_equals_the_loop_written_by_hand():
    run = Run(seed=2)
    ours = fit(run, clip=0.5, schedule=lambda progress: 1 - progress)

    by_hand = Run(seed=2)
    model = by_hand.build(net)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    stream = examples().batches(16)(by_hand.generator("batches"))
    torch.manual_seed(derive_seed(2, "train"))
    for step in range(40):
        inputs, classes = next(stream)
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / 40)
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), classes).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    for mine, theirs in zip(ours.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_model_comes_back_in_eval_mode_and_has_learned():
    run = Run(seed=0)
    result = fit(run, steps=200)
    assert not result.model.training
    assert examples().accuracy(result.model) > 0.9 > examples().majority_accuracy()
    assert result.losses[0][0] == 0
    assert result.losses[-1][0] == 199
    assert result.losses[-1][1] < result.losses[0][1]


def test_masks_do_not_shift_the_data_order():
    seen = {}

    def spy(name, model, batch):
        seen.setdefault(name, []).append(batch[1].tolist())
        return cross_entropy(model, batch)

    for name, p in (("with", 0.5), ("without", 0.0)):
        fit(
            Run(seed=1),
            build=lambda p=p: nn.Sequential(nn.Dropout(p), nn.Linear(5, 2)),
            loss=lambda model, batch, name=name: spy(name, model, batch),
        )
    assert seen["with"] == seen["without"]


def test_a_loss_that_leaves_the_numbers_stops_the_run():
    with pytest.raises(Diverged):
        fit(
            Run(seed=0),
            optimizer=sgd(1e9),
            steps=500,
            loss=lambda model, batch: model(batch[0]).square().sum(),
        )


def test_warmup_rises_to_one_and_the_cosine_falls_to_its_floor():
    factor = warmup_cosine(warmup=0.1, floor=0.05)
    assert 0 < factor(0.0) < 0.02
    assert factor(0.1) == pytest.approx(1.0)
    assert factor(1.0) == pytest.approx(0.05)
    assert factor(0.55) == pytest.approx(0.525)


def test_a_batch_that_begins_with_no_tensor_is_refused():
    with pytest.raises(TypeError, match="begins with a tensor, not with a str"):
        fit(Run(seed=0), batches=lambda generator: iter([("text", torch.ones(1))]))
