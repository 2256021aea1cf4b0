"""The exercises of FoX's notes: a right part passes its claim, the tempting wrong one does not.

The claims are those of `claims/fox.yaml` on less: a hundred steps, three seeds and fewer test
streams for the rare writes, fewer and shorter texts for the recurrence. Checks and controls are
the same.
"""

import re
import shutil
from pathlib import Path

import pytest

import paperbench
from paperbench.cli import run
from paperbench.components import find_component, part_name
from paperbench.engine.interface import Interface, check_parts
from paperbench.errors import UsageError
from paperbench.judge.record import read_record

REPOSITORY = Path(paperbench.__file__).parents[1]
NOTES = Path(paperbench.__file__).parent / "papers" / "fox" / "NOTES.md"

# As a learner would write them, from the equations of the notes alone.
RIGHT = """
import torch
from torch import nn


def attend(q, k, v, log_forget):
    if log_forget is None:
        log_forget = torch.zeros(q.shape[:3])
    seq, d_head = q.shape[2:]
    past = torch.ones(seq, seq).tril()
    decay = (log_forget.unsqueeze(-1) * past.tril(-1)).cumsum(2)  # gates after j, up to i
    logits = torch.einsum("bhid,bhjd->bhij", q, k) / d_head**0.5 + decay
    weights = torch.exp(logits - logits.amax(-1, keepdim=True).detach()) * past
    return torch.einsum("bhij,bhjd->bhid", weights / weights.sum(-1, keepdim=True), v)


class Gate(nn.Module):
    def __init__(self, d_model, n_gates, kind):
        super().__init__()
        self.sees = kind == "data"
        self.shift = 0
        self.projection = nn.Linear(d_model, n_gates)

    def forward(self, x):
        if not self.sees:
            x = torch.zeros_like(x)
        log_f = -nn.functional.softplus(-self.projection(x))
        return log_f.transpose(1, 2).roll(self.shift, 0)


def phi(x):
    return torch.where(x > 0, x + 1, x.exp())


def step(q, k, v, log_forget, state, *, late=False):
    q, k, f = phi(q), phi(k), log_forget.exp().unsqueeze(-1)
    S, z = state or (torch.zeros_like(k.mT @ v), torch.zeros_like(k))
    S, z = f * S + k.mT @ v, f * z + k
    return (q @ S) / (q @ z.mT), (S, z)


def one_matrix(q, k, v, log_forget, state, *, late=False):
    q, k = phi(q), phi(k)
    v1 = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
    (S,) = state or (torch.zeros_like(k.mT @ v1),)
    S = log_forget.exp().unsqueeze(-1) * S + k.mT @ v1
    read = q @ S
    return read[..., :-1] / read[..., -1:], (S,)
"""
WRONG = """
import torch
from torch import nn
from torch.nn import functional as F
from mine import Gate, phi


def gated_output(q, k, v, log_forget):
    read = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return read if log_forget is None else read * log_forget.exp().unsqueeze(-1)


class Blind(Gate):
    def __init__(self, d_model, n_gates, kind):
        super().__init__(d_model, n_gates, "fixed")


def undamped(q, k, v, log_forget, state, *, late=False):
    q, k, f = phi(q), phi(k), log_forget.exp().unsqueeze(-1)
    S, z = state or (torch.zeros_like(k.mT @ v), torch.zeros_like(k))
    S, z = f * S + k.mT @ v, z + k
    return (q @ S) / (q @ z.mT), (S, z)


def cache(q, k, v, log_forget, state, *, late=False):
    if state is not None:
        k, v, log_forget = (torch.cat(two, dim=2) for two in zip(state, (k, v, log_forget)))
    after = log_forget.sum(-1, keepdim=True) - log_forget.cumsum(-1)
    weights = phi(q) @ phi(k).mT * after.exp().unsqueeze(-2)
    return weights @ v / weights.sum(-1, keepdim=True), (k, v, log_forget)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's folder, with the shorter claim file; its ledger keeps what the tests share."""
    folder = tmp_path_factory.mktemp("learner")
    (folder / "mine.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(WRONG)
    text = (REPOSITORY / "claims" / "fox.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("quick: {steps: 300}", "quick: {steps: 100, eval_streams: 32}"),
        ("quick: {instances: 10, n_tokens: 128}", "quick: {instances: 4, n_tokens: 24}"),
        (
            "check: fox.acc_sparse - fixed.acc_sparse > 0.05\n",
            "check: fox.acc_sparse - fixed.acc_sparse > 0.05\n    looks: [3]\n    alpha: [0.025]\n",
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "claims").mkdir()
    (folder / "claims" / "fox.yaml").write_text(text)
    return folder


@pytest.fixture
def verdict(folder, monkeypatch):
    """Verify one claim with a part in a component's place; returns what the record says of it."""
    monkeypatch.chdir(folder)

    def verify(claim, component, part):
        shutil.rmtree(folder / "results", ignore_errors=True)
        run(["verify", f"fox/{claim}", "-j", "0", "--with", f"fox/{component}={part}"])
        (written,) = (folder / "results").rglob("fox.json")
        assert written.parts[len(folder.parts) + 1] == "with"
        (record,) = read_record(written).claims
        return record

    return verify


def test_attention_written_out_passes_and_a_gate_on_its_output_is_chance(verdict):
    claim = "data-dependent-on-rare-writes"
    assert verdict(claim, "attention", "mine.py:attend").verdict == "PASS"
    wrong = verdict(claim, "attention", "wrong.py:gated_output")
    assert wrong.verdict != "PASS"
    assert "chance" in [guard.name for guard in wrong.guards if not guard.ok]


def test_a_gate_that_sees_passes_and_a_blind_one_is_its_own_rival(verdict):
    claim = "data-dependent-on-rare-writes"
    assert verdict(claim, "gate", "mine.py:Gate").verdict == "PASS"
    wrong = verdict(claim, "gate", "wrong.py:Blind")
    assert wrong.verdict != "PASS"
    assert wrong.arms["fox"] == wrong.arms["fixed"]


def test_the_recurrence_passes_and_a_normaliser_that_never_forgets_fails(verdict):
    claim = "recurrent-equals-parallel"
    assert verdict(claim, "linear-step", "mine.py:step").verdict == "PASS"
    assert verdict(claim, "linear-step", "wrong.py:undamped").verdict == "FAIL"


def test_one_matrix_passes_both_claims_and_a_cache_only_one(verdict):
    for claim in ("recurrent-equals-parallel", "recurrent-state-constant"):
        assert verdict(claim, "linear-step", "mine.py:one_matrix").verdict == "PASS"
    assert verdict("recurrent-equals-parallel", "linear-step", "wrong.py:cache").verdict == "PASS"
    assert verdict("recurrent-state-constant", "linear-step", "wrong.py:cache").verdict == "FAIL"


# The interface


SKELETONS = re.findall(
    r"```python\n(.*?)```",
    NOTES.read_text(encoding="utf-8").partition("\n## Exercises: put your own part in\n")[2],
    re.DOTALL,
)
COMMANDS = re.findall(
    r"--with (fox/[\w-]+)=mine\.py:(\w+)",
    NOTES.read_text(encoding="utf-8").partition("\n## Exercises: put your own part in\n")[2],
)


def test_every_skeleton_of_the_notes_takes_the_arguments_of_its_component(tmp_path):
    assert len(SKELETONS) == len(COMMANDS) == 4
    path = tmp_path / "mine.py"
    path.write_text("import torch\nfrom torch import nn\n" + "\n".join(SKELETONS))
    for component, name in COMMANDS:
        Interface(find_component(component), f"{path}:{name}").takes_the_same_arguments()


GATE = """
import torch
from torch import nn
from torch.nn import functional as F

class Mine(nn.Module):
    def __init__(self, d_model, n_gates, kind):
        super().__init__()
        self.kind, self.shift = kind, 0
        self.projection = nn.Linear(d_model, n_gates)

    def forward(self, x):
        if self.kind == "fixed":
            x = 0 * x
        log_f = F.logsigmoid(self.projection(x)).mT
        return log_f.roll(self.shift, 0)
"""
ATTENTION = """
import torch
from torch.nn import functional as F

def Mine(q, k, v, log_forget):
    c = torch.zeros_like(q[..., 0]) if log_forget is None else log_forget.cumsum(-1)
    logits = q @ k.mT / q.shape[-1] ** 0.5 + c[..., :, None] - c[..., None, :]
    weights = logits.tril().masked_fill(torch.ones_like(logits).triu(1) > 0, -torch.inf).softmax(-1)
    return weights @ v
"""
STEP = """
import torch
from torch.nn import functional as F

def Mine(q, k, v, log_forget, state, *, late=False):
    new = (F.elu(k) + 1).mT @ v
    memory = new if state is None else state[0] * log_forget.exp()[..., None] + new
    return (F.elu(q) + 1) @ memory, (memory,)
"""


@pytest.mark.parametrize(
    ("component", "text", "old", "new", "fault"),
    [
        ("gate", GATE, "", "", None),
        ("gate", GATE, "d_model, n_gates, kind)", "d_model, kind, n_gates)", "in another order"),
        ("gate", GATE, ".mT\n", "\n", "returned shape (4, 5, 3), not (4, 3, 5)"),
        ("gate", GATE, "logsigmoid", "relu", "returned a value above 0"),
        ("gate", GATE, "self.projection(x)", "self.projection(x).detach()", "passes no gradient"),
        ("gate", GATE, "self.projection(x)", "self.projection(x.detach())", "no gradient to input"),
        ("gate", GATE, "return log_f.roll(self.shift, 0)", "return log_f", "at a `shift` of 1"),
        ("gate", GATE, ", self.shift = kind, 0", " = kind", "has no attribute 'shift'"),
        ("gate", GATE, "x = 0 * x", "pass", "depends on its input when its kind is `fixed`"),
        ("gate", GATE, "(self.projection(x)", "(self.projection(x.flip(1))", "what follows it"),
        ("gate", GATE, "nn.Linear(d_model, n_gates)", "nn.Linear(d_model, n_gates, bias=False)",
         "has a `projection.bias` that is a NoneType, not a tensor"),
        ("gate", GATE.replace(", self.shift = kind, 0", " = kind"), ".roll(self.shift, 0)", "",
         "has no `shift`"),
        ("gate", GATE, "self.projection(x)",
         "F.linear(x, self.projection.weight.detach(), self.projection.bias)",
         "no gradient to parameter `projection.weight`"),
        ("gate", GATE, "projection", "linear", "has no `projection`"),
        ("gate", GATE, "self.projection(x)).mT",
         "self.projection(x)).mT\n        if self.kind == 'fixed': log_f = log_f.detach()",
         "has nothing to learn when its kind is `fixed`"),
        ("gate", "def Mine(d_model, n_gates, kind): ...", "", "", "is no class"),
        ("attention", ATTENTION, "", "", None),
        ("attention", ATTENTION, ", log_forget)", ", gates)", "takes no argument `log_forget`"),
        ("attention", ATTENTION, "c = torch.zeros_like(q[..., 0]) if log_forget is None else",
         "c =", "raised AttributeError"),
        ("attention", ATTENTION, "weights @ v", "(weights @ v).flatten(2)", "returned shape"),
        ("attention", ATTENTION, "(-1)\n    logits", "(-1).detach()\n    logits",
         "passes no gradient to input 4"),
        ("attention", ATTENTION, ".triu(1) > 0", ".triu(2) > 0", None),  # for the claims to judge
        ("attention", ATTENTION, ".triu(1)", ".triu(1 + (log_forget is not None))",
         "what follows it, but not in every arm"),
        ("attention", ATTENTION, ".triu(1)", ".triu(1 + (log_forget is None))",
         "what follows it, but not in every arm"),
        ("attention", ATTENTION, "q @", "(q.detach() if log_forget is None else q) @",
         "passes no gradient to input 1"),
        ("attention", ATTENTION, "logits.tril().masked_fill(torch.ones_like(logits).triu(1) > 0, "
         "-torch.inf).softmax(-1)", "logits.exp().log().sub(1e9).exp().log().softmax(-1)",
         "not finite"),
        ("linear-step", STEP, "", "", None),
        ("linear-step", STEP, ", *, late=False", "", "takes no argument `late`"),
        ("linear-step", STEP, "(memory,)", "memory", "a state that is no tuple of tensors"),
        ("linear-step", STEP, ", (memory,)", "", "returned a Tensor, not (read, state)"),
        ("linear-step", STEP, "@ memory,", "@ memory.sum(-1),", "raised RuntimeError"),
        ("linear-step", STEP, "@ memory, (", "@ memory.sum(-1, True), (", "not (2, 3, 1, 4)"),
    ],
)  # fmt: skip
def test_the_interface_says_what_does_not_fit(tmp_path, component, text, old, new, fault):
    path = tmp_path / "mine.py"
    assert old in text
    path.write_text(text.replace(old, new) if old else text)
    parts = {f"fox/{component}": f"{path}:Mine"}
    if fault is None:
        check_parts(parts)
        return
    with pytest.raises(UsageError) as caught:
        check_parts(parts)
    assert fault in str(caught.value)
    assert "what fits: " in str(caught.value)
    assert part_name(parts[f"fox/{component}"]) in str(caught.value)
