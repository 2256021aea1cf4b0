/* The attention viewer, in every <section class="attention">.

   One example, layer and head at a time, the same in all arms side by side: a heat map and the
   example's tokens, where the query that is pointed at or focused shades the keys by its weights.
   Needs charts.js, attention_example.js and heat_map.js before it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { html, svg, armsOf, buttons, armButtons, watchWidth, drawEach } = window.paperbenchCharts;
  const { Example, fullShade, shadeOf, visible, quoted, told } = window.paperbenchAttention;
  const { HeatMap, cells } = window.paperbenchHeatMap;
  const MODES = {
    weights: { title: "weights", one: "weight", note: "" },
    decay: { title: "decay", one: "decay", note: "Arms without decay show their weights." },
    bare: {
      title: "weights without decay",
      one: "without decay",
      note: "Divided out, each row summing to 1: rough where little is left; grey: cannot be told.",
    },
  };

  /* Moves focus among nodes of which one at a time is in the tab order. */
  function rove(event, nodes, stride = 1) {
    const now = nodes.indexOf(event.target.closest("button"));
    const places = {
      ArrowRight: now + 1,
      ArrowLeft: now - 1,
      ArrowDown: now + stride,
      ArrowUp: now - stride,
      Home: 0,
      End: nodes.length - 1,
    };
    if (!Object.hasOwn(places, event.key)) return;
    event.preventDefault();
    nodes[places[event.key]]?.focus();
  }

  const reach = (nodes, chosen) => {
    nodes.forEach((node, i) => node.setAttribute("tabindex", i === chosen ? "0" : "-1"));
  };

  /* One arm's figure. The viewer says which head is shown, and which query and key are picked. */
  class Panel {
    constructor(viewer, arm, example) {
      Object.assign(this, { viewer, arm, example });
      const { queries, keys } = example;
      this.heads = this.thumbnails();
      this.map = new HeatMap(`Heat map of ${arm.name}`, example, (...at) => viewer.pick(...at));
      this.queries = queries.map((token, i) => {
        const pick = () => viewer.pick(i, null);
        const listeners = { pointerenter: pick, focus: pick, click: pick };
        return html("button", { type: "button", class: "token", ...listeners }, visible(token));
      });
      const key = (token) => html("span", { class: "token" }, visible(token));
      this.keys = example.alike ? this.queries : keys.map(key);
      this.readout = html("p", { class: "attention-readout" });
      this.node = html(
        "figure",
        { class: "attention-arm" },
        html("figcaption", {}, arm.name, html("span", { class: "seed" }, ` seed ${arm.seed}`)),
        ...(this.heads.length > 1 ? [this.overview()] : []),
        this.map.frame,
        this.readout,
        this.line(example.alike ? "Tokens" : "Queries", this.queries),
        ...(example.alike ? [] : [this.line("Keys", this.keys)])
      );
    }

    /* A small heat map of every head, as a button that chooses it. */
    thumbnails() {
      const { nLayers, nHeads, keys, queries } = this.example;
      const size = Math.max(1, Math.round(56 / Math.max(keys.length, queries.length)));
      const area = { width: size * keys.length, height: size * queries.length };
      return Array.from({ length: nLayers * nHeads }, (_, i) => {
        const [layer, head] = [Math.floor(i / nHeads), i % nHeads];
        const values = this.example.values(layer, head, this.viewer.mode);
        const drawn = cells(values, keys.length, fullShade(values), size, 16);
        const label = `layer ${layer + 1}, head ${head + 1}`;
        const press = () => this.viewer.choose({ layer, head });
        const attributes = { type: "button", "aria-label": label, title: label, click: press };
        return html("button", attributes, svg("svg", { ...area, "aria-hidden": "true" }, drawn));
      });
    }

    overview() {
      const { nHeads } = this.example;
      const attributes = {
        class: "heads",
        role: "group",
        "aria-label": `All heads of ${this.arm.name}, a row a layer`,
        style: `grid-template-columns: repeat(${nHeads}, max-content)`,
        keydown: (event) => rove(event, this.heads, nHeads),
      };
      return html("div", attributes, ...this.heads);
    }

    line(title, nodes) {
      const group = {
        class: "tokens",
        role: "group",
        "aria-label": `${title} of ${this.arm.name}`,
        keydown: (event) => rove(event, this.queries),
      };
      const label = html("span", { class: "chart-label", "aria-hidden": "true" }, title);
      return html("div", group, label, ...nodes);
    }

    /* The viewer's layer and head, or the arm's last where it has fewer. */
    place() {
      const { nLayers, nHeads } = this.example;
      const { layer, head } = this.viewer;
      return { layer: Math.min(layer, nLayers - 1), head: Math.min(head, nHeads - 1) };
    }

    /* Reads that layer and head; returns its values. */
    read() {
      const { layer, head } = this.place();
      this.values = this.example.values(layer, head, this.viewer.mode);
      return this.values;
    }

    /* Draws what was read, shaded in full from `full` on. */
    show(full) {
      const { layer, head } = this.place();
      const chosen = layer * this.example.nHeads + head;
      this.full = full;
      this.heads.forEach((node, i) => node.setAttribute("aria-pressed", i === chosen));
      reach(this.heads, chosen);
      this.queries.forEach((node, i) => {
        const place = `query ${i + 1} of ${this.queries.length}`;
        node.setAttribute("aria-label", `${node.textContent}, ${place}: ${this.most(i)}`);
      });
      this.map.show(this.values, full);
    }

    /* Shades the keys by the query's row, frames what is picked, and says it. */
    mark(query, key) {
      this.readout.textContent = "";
      if (!this.map.has(query, key ?? 0)) return; // another arm's tokens, which are more
      this.example.row(this.values, query).forEach((value, i) => {
        this.keys[i].style.setProperty("--shade", shadeOf(value, this.full).toFixed(4));
        this.keys[i].classList.toggle("picked", i === key);
      });
      this.queries.forEach((node, i) => node.setAttribute("aria-current", i === query));
      reach(this.queries, query);
      this.map.mark(query, key);
      const said = key === null ? this.most(query) : this.at(query, key);
      this.readout.textContent = `${quoted(this.example.queries[query])} \u2192 ${said}`;
    }

    /* The three keys that a query attends to most. */
    most(query) {
      const row = this.example.row(this.values, query).map((value, i) => ({ value, i }));
      const found = row.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
      const named = ({ value, i }) => `${quoted(this.example.keys[i])} ${told(value)}`;
      return found.slice(0, 3).map(named).join(", ") || "nothing";
    }

    at(query, key) {
      const { layer, head } = this.place();
      const value = (mode) => this.example.row(this.example.values(layer, head, mode), query)[key];
      const modes = this.example.decay === null ? ["weights"] : Object.keys(MODES);
      const said = modes.map((mode) => `${MODES[mode].one} ${told(value(mode))}`);
      return `${quoted(this.example.keys[key])}: ${said.join(", ")}`;
    }
  }

  class Viewer {
    constructor(section, arms) {
      const all = arms.flatMap((arm) => arm.examples);
      const nLayers = Math.max(...all.map((one) => one.nLayers));
      const nHeads = Math.max(...all.map((one) => one.nHeads));
      const modes = all.some((one) => one.decay) ? Object.keys(MODES) : ["weights"];
      const names = byArms(all.map((one) => one.name));
      const numbers = (n) => Array.from({ length: n }, (_, i) => i);
      const counted = (i) => String(i + 1);
      this.arms = arms;
      this.rows = [
        this.options("Example", "name", names, (name) => name),
        this.options("Layer", "layer", numbers(nLayers), counted),
        this.options("Head", "head", numbers(nHeads), counted),
        this.options("Shown", "mode", modes, (mode) => MODES[mode].title),
        ...(arms.length > 1 ? armButtons(arms, () => this.build()) : []),
      ].filter(Boolean);
      this.caption = html("p", { class: "chart-note" });
      this.grid = html("div", { class: "attention-arms" });
      this.most = html("span", {});
      this.note = html("p", { class: "chart-note" });
      this.live = html("p", { class: "chart-live", "aria-live": "polite" });
      const bar = html("span", { class: "heat-scale", "aria-hidden": "true" });
      section.append(
        html("div", { class: "chart-tools" }, ...this.rows.map((row) => row.node)),
        this.caption,
        this.grid,
        html("p", { class: "heat-legend" }, html("span", {}, "0"), bar, this.most),
        this.note,
        this.live
      );
      Object.assign(this, { layer: 0, head: 0, mode: "weights" });
      this.choose({ name: names[0] });
      watchWidth(this.grid, () => this.panels.forEach((panel) => panel.map.draw()));
    }

    /* A row of buttons that sets one of the viewer's properties; none where there is no choice. */
    options(title, property, values, label) {
      if (values.length < 2) return null;
      const option = (value) => ({
        label: label(value),
        pressed: () => this[property] === value,
        press: () => this.choose({ [property]: value }),
      });
      return buttons(title, values.map(option));
    }

    /* Changes what is shown: {name, layer, head, mode}, any of them. */
    choose(change) {
      Object.assign(this, change);
      if ("name" in change) Object.assign(this, { query: null, key: null });
      if ("name" in change || "mode" in change) this.build();
      else this.show();
    }

    /* Makes the arms' panels anew. */
    build() {
      const named = (arm) => arm.examples.find((example) => example.name === this.name);
      const shown = this.arms.filter((arm) => arm.shown && named(arm));
      this.panels = shown.map((arm) => new Panel(this, arm, named(arm)));
      const [first] = this.panels;
      this.caption.textContent = first?.example.caption ?? "No arm is shown.";
      this.query ??= first?.example.alike ? first.example.queries.length - 1 : 0;
      this.grid.replaceChildren(...this.panels.map((panel) => panel.node));
      this.show();
    }

    show() {
      this.rows.forEach((row) => row.refresh());
      const values = this.panels.flatMap((panel) => panel.read());
      const full = this.mode === "decay" ? 1 : fullShade(values);
      const beyond = values.some((value) => value > full);
      this.most.textContent = told(full) + (beyond ? " or more" : "");
      this.note.textContent = `Rows are queries, columns are keys. ${MODES[this.mode].note}`;
      this.panels.forEach((panel) => panel.show(full));
      this.mark();
    }

    pick(query, key) {
      Object.assign(this, { query, key });
      this.mark();
      const said = this.panels.map((panel) => `${panel.arm.name}: ${panel.readout.textContent}`);
      if (key !== null) this.live.textContent = said.join("; ");
    }

    mark() {
      this.panels.forEach((panel) => panel.mark(this.query, this.key));
    }
  }

  /* Each name once, those that most arms have first: there they can be compared. */
  function byArms(names) {
    const count = (name) => names.filter((other) => other === name).length;
    return [...new Set(names)].sort((one, other) => count(other) - count(one));
  }

  /* An arm's examples are those of its first seed that kept any. */
  function withExamples(arm) {
    const found = Object.entries(arm.runs).find(([, { attention }]) => attention.length);
    const [seed, run] = found ?? ["", { attention: [] }];
    return { ...arm, seed, examples: run.attention.map((kept) => new Example(kept)) };
  }

  drawEach("section.attention", (section) => {
    const arms = armsOf(section).map(withExamples).filter((arm) => arm.examples.length);
    if (!arms.length) return "No attention was recorded.";
    new Viewer(section, arms);
    return null;
  });
});
