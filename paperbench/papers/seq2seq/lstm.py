"""A layer of LSTM cells of our own, with a mask that freezes the state on padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paperbench.papers.seq2seq.recurrence import Recurrence

CellState = tuple[Tensor, Tensor]  # h and c, each (batch, d_model)


def cell(gates: Tensor, c: Tensor) -> CellState:
    """One step from the gates before their nonlinearities, (batch, 4 d), and the cell's content.

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    i, f, _, o = gates.sigmoid().chunk(4, 1)  # one sigmoid for the three gates
    g = gates.chunk(4, 1)[2].tanh()
    c = torch.addcmul(f * c, i, g)  # c_t = f c_{t-1} + i g
    return o * c.tanh(), c  # h_t = o tanh(c_t)


class LSTM(nn.Module):
    """One layer of LSTM cells. Gate order i, f, g, o, as in torch.nn.LSTM; one bias, not two.

    x: (batch, seq, d_in) -> outputs (batch, seq, d_model) and the last state.
    mask: (batch, seq), False on padding, where the state stays what it was.
    """

    # The cell whose derivative `Recurrence` knows. Not a name of the module: another part would
    # take the place of that one too.
    differentiated = staticmethod(cell)

    def __init__(self, d_in: int, d_model: int) -> None:
        super().__init__()
        self.d_model = d_model
        self.weight_in = nn.Parameter(torch.empty(4 * d_model, d_in))
        self.weight_state = nn.Parameter(torch.empty(4 * d_model, d_model))
        self.bias = nn.Parameter(torch.empty(4 * d_model))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform in 1/sqrt(d_model); the forget gate's bias is 1, so that memory starts open."""
        bound = self.d_model**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        with torch.no_grad():
            self.bias[self.d_model : 2 * self.d_model] = 1.0

    def forward(
        self, x: Tensor, state: CellState | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, CellState]:
        """Run over the sequence from `state`, or from zeros."""
        if state is None:
            zeros = x.new_zeros(x.shape[0], self.d_model)
            state = zeros, zeros
        if cell is not self.differentiated:
            return self.unroll(x, state, mask)
        padding = None if mask is None else ~mask.t().unsqueeze(-1)
        weights = self.weight_in, self.weight_state, self.bias
        out, h, c, *_ = Recurrence.apply(x.transpose(0, 1), *weights, *state, padding)  # type: ignore[no-untyped-call]
        # Contiguous, or every product that follows would copy it, and replicates' weights with it.
        return out.transpose(0, 1).contiguous(), (h, c)

    def unroll(self, x: Tensor, state: CellState, mask: Tensor | None) -> tuple[Tensor, CellState]:
        """The same for any `cell`, one step after the other, and the gradient by autograd."""
        from_input = F.linear(x.transpose(0, 1), self.weight_in, self.bias)  # (seq, batch, 4 d)
        weight = self.weight_state.t()
        live = None if mask is None else mask.t().unsqueeze(-1).unbind(0)  # each (batch, 1)
        outputs = []
        for t, gates in enumerate(from_input.unbind(0)):
            new = cell(torch.addmm(gates, state[0], weight), state[1])
            if live is not None:
                new = (
                    torch.where(live[t], new[0], state[0]),
                    torch.where(live[t], new[1], state[1]),
                )
            state = new
            outputs.append(state[0])
        return torch.stack(outputs, 1), state
