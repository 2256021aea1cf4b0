/* Recorded attention (bytes, 255 for a weight of 1), and how its values are shaded and said. Nothing
   is drawn here. */
"use strict";

window.paperbenchAttention = (() => {
  const UNTOLD = 8; // a decay stored as less than this byte is too coarse to divide by

  function bytesOf(text, count) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    if (bytes.length !== count) throw new RangeError(`${bytes.length} weights, not ${count}`);
    return bytes;
  }

  /* An arm's recorded attention on one example, head by head. */
  class Example {
    constructor({ name, caption, queries, keys, shape, weights, decay }) {
      Object.assign(this, { name, caption, queries, keys });
      [this.nLayers, this.nHeads] = shape;
      const count = shape.reduce((product, n) => product * n, 1);
      this.weights = bytesOf(weights, count);
      this.decay = decay === null ? null : bytesOf(decay, count);
      this.alike = queries.length === keys.length && queries.every((token, i) => token === keys[i]);
    }

    /* One head's values in [0, 1], a row a query; NaN where the decay cannot be divided out. */
    values(layer, head, mode) {
      const size = this.queries.length * this.keys.length;
      const from = (layer * this.nHeads + head) * size;
      const part = (bytes) => Array.from(bytes.subarray(from, from + size), (byte) => byte / 255);
      if (this.decay === null || mode === "weights") return part(this.weights);
      if (mode === "decay") return part(this.decay);
      return this.undecayed(part(this.weights), part(this.decay));
    }

    /* The weights as they would be without decay: divided by it, and each row made to sum to 1. */
    undecayed(weights, decay) {
      const masked = (i) => this.alike && i % this.keys.length > Math.floor(i / this.keys.length);
      const kept = weights.map((weight, i) => {
        if (masked(i) && weight === 0) return 0;
        return decay[i] * 255 < UNTOLD ? NaN : weight / decay[i];
      });
      return this.queries.flatMap((_, query) => {
        const row = this.row(kept, query);
        const sum = row.reduce((total, value) => total + (value || 0), 0);
        return row.map((value) => (sum ? value / sum : value));
      });
    }

    row(values, query) {
      return values.slice(query * this.keys.length, (query + 1) * this.keys.length);
    }
  }

  /* Where the shading is full: the value that one in fifty of those above zero exceeds. */
  function fullShade(values) {
    const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
    return sorted.length ? sorted[Math.ceil(sorted.length * 0.98) - 1] : 1;
  }

  const shadeOf = (value, full) => Math.min(1, (value || 0) / full);

  /* White space would be invisible. */
  function visible(token) {
    const text = token.replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5");
    return text.trim() ? text : "\u2423".repeat(Math.max(text.length, 1));
  }

  const quoted = (token) => `\u201c${visible(token)}\u201d`;
  const told = (value) => (Number.isNaN(value) ? "cannot be told" : value.toFixed(2));

  return { Example, fullShade, shadeOf, visible, quoted, told };
})();
