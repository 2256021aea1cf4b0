"""The hard network on words of bits: one instruction works on 64 examples."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from paperbench.papers.logic_gates.model import LogicNetwork

Packing = Literal["words", "bytes"]
Bits = NDArray[np.bool_]
Words = NDArray[Any]  # uint64, or uint8 with one example each
Masks = NDArray[Any]  # of the same type
WORD = 64


def bit_gate(masks: Masks, a: Words, b: Words) -> Words:
    """Equation (1) modulo 2, on every bit of a word: + is XOR, and the product is AND.

    masks: (4, n_gates, 1), all bits of a word set where the coefficient is odd. a, b: (n_gates,
    n_words) -> (n_gates, n_words); a and b may be overwritten. A gate's value on bits is 0 or 1, so
    modulo 2 nothing is lost.
    """
    c0, c1, c2, c3 = masks
    out: Words = c3 & a
    out ^= c2
    out &= b
    a &= c1
    out ^= a
    out ^= c0
    return out  # c0 + c1 a + (c2 + c3 a) b


class BitNetwork:
    """A trained network's likeliest gates, evaluated on packed bits.

    packing: 64 examples in a word or, to see what that is good for, one in a byte.
    """

    def __init__(self, network: LogicNetwork, packing: Packing = "words") -> None:
        self.n_classes, self.packing = network.n_classes, packing
        network.eval()
        self.wires, self.masks = [], []
        for layer in network.logic_layers:
            odd = layer.coefficients().detach().cpu().numpy().round().astype(int) % 2 == 1
            self.wires.append(layer.wires.cpu().numpy())
            ones = np.uint64(2**64 - 1) if packing == "words" else np.uint8(1)
            self.masks.append(np.where(odd.T[..., None], ones, ones.dtype.type(0)))

    def votes(self, bits: Bits) -> NDArray[np.uint16]:
        """How many gates of each class give 1. bits: (n_bits, n) -> (n_classes, n)."""
        n = bits.shape[1]
        words = self._pack(bits)
        for (first, second), masks in zip(self.wires, self.masks, strict=True):
            words = bit_gate(masks, words[first], words[second])
        outputs = self._unpack(words, n).reshape(self.n_classes, -1, n)
        votes: NDArray[np.uint16] = outputs.sum(1, dtype=np.uint16)
        return votes

    def _pack(self, bits: Bits) -> Words:
        if self.packing == "bytes":
            return bits.view(np.uint8)
        padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % WORD)))
        return np.packbits(padded, axis=1).view(np.uint64)

    def _unpack(self, words: Words, n: int) -> NDArray[np.uint8]:
        if self.packing == "bytes":
            return words
        return np.unpackbits(words.view(np.uint8), axis=1, count=n)


class RelaxedNetwork:
    """The same network before it is made hard, as fast as is easy: nothing is computed twice.

    Mixtures of gates are computed beforehand, and every operation writes to memory that is there.
    """

    def __init__(self, network: LogicNetwork, n: int) -> None:
        self.n_classes, n_gates = network.n_classes, network.logic_layers[0].n_gates
        network.train()
        self.layers = [
            (layer.wires, layer.coefficients().detach().mT[..., None].contiguous())
            for layer in network.logic_layers
        ]
        self.memory = torch.empty(2, 3, n_gates, n)  # of two layers in turn

    @torch.no_grad()
    def votes(self, bits: Bits) -> torch.Tensor:
        """Expected votes. bits: (n_bits, n) -> (n_classes, n)."""
        x = torch.from_numpy(bits).float()
        for i, ((first, second), (c0, c1, c2, c3)) in enumerate(self.layers):
            a, b, slope = self.memory[i % 2].unbind()
            torch.index_select(x, 0, first, out=a)
            torch.index_select(x, 0, second, out=b)
            torch.addcmul(c2, c3, a, out=slope).mul_(b)
            x = a.mul_(c1).add_(c0).add_(slope)
        return x.reshape(self.n_classes, -1, x.shape[1]).sum(1)
