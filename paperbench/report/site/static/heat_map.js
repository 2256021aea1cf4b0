/* A head's attention as a heat map: rows are queries, columns keys. Needs charts.js and
   attention_example.js before it. */
"use strict";

window.paperbenchHeatMap = (() => {
  const { html, svg, cropped } = window.paperbenchCharts;
  const { shadeOf, visible } = window.paperbenchAttention;

  /* A matrix as SVG paths, one for each shade, so that the page's colours hold. */
  function cells(values, nKeys, full, size, nShades) {
    const paths = new Map();
    values.forEach((value, i) => {
      const shade = Number.isNaN(value) ? NaN : Math.round(shadeOf(value, full) * nShades);
      if (shade === 0) return;
      const [x, y] = [(i % nKeys) * size, Math.floor(i / nKeys) * size];
      paths.set(shade, `${paths.get(shade) ?? ""}M${x} ${y}h${size}v${size}h-${size}z`);
    });
    const path = ([shade, d]) =>
      Number.isNaN(shade)
        ? svg("path", { d, class: "heat-untold" })
        : svg("path", { d, "fill-opacity": (shade / nShades).toFixed(4) });
    return svg("g", { class: "heat-cells" }, ...[...paths].map(path));
  }

  /* A matrix with its tokens at the axes. `pick(query, key)` is called with what is pointed at. */
  class HeatMap {
    constructor(title, example, pick) {
      Object.assign(this, { example, pick, picked: [0, null], values: null, full: 1 });
      this.frame = html("div", {
        class: "heat-frame",
        tabindex: "0",
        role: "application",
        "aria-roledescription": "heat map",
        "aria-label": `${title}: the arrow keys move between queries and keys.`,
        keydown: (event) => this.key(event),
      });
    }

    show(values, full) {
      Object.assign(this, { values, full });
      this.draw();
    }

    draw() {
      const width = this.frame.clientWidth;
      if (!width || !this.values) return; // hidden; drawn when it is not
      const { queries, keys } = this.example;
      const shown = (tokens) => tokens.map((token) => cropped(visible(token), 10));
      const [rows, columns] = [shown(queries), shown(keys)];
      const room = (names) => 12 + 7 * Math.max(...names.map((name) => name.length));
      const [left, top] = [room(rows), room(columns)];
      const size = Math.max(6, Math.min(30, Math.floor((width - left - 4) / keys.length)));
      const area = { width: size * keys.length, height: size * queries.length };
      const middle = (i) => (i + 0.5) * size + 4;
      const column = (i) => `translate(${middle(i)} -6) rotate(-90)`;
      Object.assign(this, { left, top, size });
      this.row = svg("rect", { ...area, height: size, class: "heat-row" });
      this.cell = svg("rect", { width: size, height: size, class: "heat-cell" });
      this.rows = rows.map((name, i) => svg("text", { x: -6, y: middle(i), class: "end" }, name));
      this.columns = columns.map((name, i) => svg("text", { transform: column(i) }, name));
      const every = Math.ceil(10 / size); // names need their room: small cells leave some out
      [this.rows, this.columns].forEach((named) => {
        named.forEach((name, i) => name.classList.toggle("left-out", i % every > 0));
      });
      const grid = svg(
        "g",
        { transform: `translate(${left} ${top})` },
        svg("rect", { ...area, class: "heat-area" }),
        cells(this.values, keys.length, this.full, size, 255),
        this.row,
        this.cell,
        svg("g", { class: "heat-names" }, ...this.rows, ...this.columns)
      );
      const attributes = {
        width: left + area.width + 2,
        height: top + area.height + 2,
        "aria-hidden": "true",
        pointermove: (event) => this.point(event),
        pointerdown: (event) => this.point(event),
        pointerleave: () => this.pick(this.picked[0], null),
      };
      this.frame.replaceChildren(svg("svg", attributes, grid));
      this.mark(...this.picked);
    }

    /* Frames the query's row, and the key's cell where there is one (null: none). */
    mark(query, key) {
      this.picked = [query, key];
      if (!this.row) return;
      this.row.setAttribute("y", query * this.size);
      this.cell.setAttribute("visibility", key === null ? "hidden" : "visible");
      this.cell.setAttribute("x", (key ?? 0) * this.size);
      this.cell.setAttribute("y", query * this.size);
      this.rows.forEach((name, i) => name.classList.toggle("picked", i === query));
      this.columns.forEach((name, i) => name.classList.toggle("picked", i === key));
    }

    point(event) {
      const corner = this.frame.firstChild.getBoundingClientRect();
      const key = Math.floor((event.clientX - corner.left - this.left) / this.size);
      const query = Math.floor((event.clientY - corner.top - this.top) / this.size);
      if (this.has(query, key)) this.pick(query, key);
    }

    key(event) {
      const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
      if (!Object.hasOwn(moves, event.key)) return;
      event.preventDefault();
      const [query, key] = this.picked;
      const [down, right] = key === null ? [0, 0] : moves[event.key];
      const to = [query + down, (key ?? 0) + right];
      if (this.has(...to)) this.pick(...to);
    }

    has(query, key) {
      return query in this.example.queries && key in this.example.keys;
    }
  }

  return { HeatMap, cells };
})();
