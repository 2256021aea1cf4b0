"""What runs keep of where their models look."""

import base64

import numpy as np
import pytest
import torch

from paperbench.lab import Run
from paperbench.papers.transformer.experiments import lookup, translation
from paperbench.papers.transformer.model import Transformer
from paperbench.papers.transformer.recurrent import RecurrentTranslator

TRANSLATE = {"steps": 2, "batch_size": 4, "n_test": 3, "longest": 2}
READ = {"steps": 2, "batch_size": 4, "n_test": 4, "d_model": 8}


def kept(experiment, seed=0, **params):
    run = Run(seed=seed)
    experiment(run, **params)
    return {name: each for name, each in run.kept.items() if name.startswith("attention/")}


def weights(each):
    return np.frombuffer(base64.b64decode(each["weights"]), "u1").reshape(each["shape"]) / 255


@pytest.fixture
def sentence():
    generator = torch.Generator().manual_seed(0)
    return (torch.randint(4, 20, (2, n), generator=generator) for n in (5, 4))


def test_a_translator_looks_nowhere_ahead_and_hands_out_all_of_its_weight(sentence):
    source, target = sentence
    model = Run(seed=0).build(lambda: Transformer(20, 8, d_ff=16, n_heads=2, n_layers=3)).eval()
    before = model(source, target)
    looks = model.looks(source, target)
    assert {part: tuple(each.shape) for part, each in looks.items()} == {
        "encoder": (2, 3, 2, 5, 5),
        "decoder": (2, 3, 2, 4, 4),
        "decoder to encoder": (2, 3, 2, 4, 5),
    }
    for each in looks.values():
        torch.testing.assert_close(each.sum(-1), torch.ones(each.shape[:-1]))
    assert float(looks["decoder"].triu(1).abs().max()) == 0
    assert float(looks["encoder"].triu(1).max()) > 0
    # It leaves nothing behind: the hooks are gone, and the logits are the same.
    assert torch.equal(model(source, target), before)
    assert not any(module._forward_hooks for module in model.modules())


def test_each_layer_is_where_it_belongs(sentence):
    source, target = sentence
    model = Run(seed=0).build(lambda: Transformer(20, 8, d_ff=16, n_heads=2, n_layers=2)).eval()
    x = model._enter(source, model.source_embed)
    for layer, found in zip(
        model.encoder, model.looks(source, target)["encoder"].unbind(1), strict=True
    ):
        torch.testing.assert_close(found, layer.attention(x, x)[1])
        x = layer(x)


def test_the_recurrent_translator_looks_where_its_states_point(sentence):
    source, target = sentence
    model = Run(seed=0).build(lambda: RecurrentTranslator(20, 8)).eval()
    found = model.looks(source, target)["decoder to encoder"]
    memory = model.encode(source)
    last = memory[:, -1][None]
    states, _ = model.decoder(model.embed(target), (last, torch.zeros_like(last)))
    torch.testing.assert_close(found[:, 0, 0], (states @ memory.mT).softmax(-1))


def test_both_translators_keep_the_same_sentences_in_words():
    ours, theirs = (
        kept(translation, model=model, **TRANSLATE) for model in ("transformer", "recurrent")
    )
    assert len(ours) == 6
    assert set(theirs) == {name for name in ours if "decoder to encoder" in name}
    for name, each in theirs.items():
        assert (each["queries"], each["keys"]) == (ours[name]["queries"], ours[name]["keys"])
        assert each["queries"][0] == "<s>"
        assert "hundert" in each["queries"]
        assert "hundred" in each["keys"]
    encoder = ours["attention/a short sentence, encoder"]
    assert encoder["queries"] == encoder["keys"]


def test_readers_keep_the_same_sequences_before_and_after_training():
    four, one = (kept(lookup, n_heads=n, **READ) for n in (4, 1))
    assert list(four) == list(one)
    assert len(four) == 6
    for name, each in four.items():
        assert each["queries"] == one[name]["queries"]
        assert set(each["queries"]) <= set("ABCDEFGH")
        assert weights(each).shape == (1, 4, 12, 12)
    trained, untrained = (
        weights(four[f"attention/sequence 1{when}"]) for when in ("", " before training")
    )
    assert not np.array_equal(trained, untrained)


@pytest.mark.parametrize(("experiment", "params"), [(translation, TRANSLATE), (lookup, READ)])
def test_only_the_first_seed_keeps_anything(experiment, params):
    assert kept(experiment, seed=1, **params) == {}
