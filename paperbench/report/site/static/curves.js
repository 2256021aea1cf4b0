/* Learning curves by arm, with bands over the seeds, in every <section class="curves">.

   The mean over the seeds is a line, the range from the least to the largest a band. Needs charts.js
   and seed_curves.js before it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { html, svg, armsOf, buttons, armButtons, short, cropped, axis, watchWidth, drawEach } =
    window.paperbenchCharts;
  const { spread, summaryAt, union, seriesOf } = window.paperbenchSeedCurves;
  const HINT = "Focus it and press the arrow keys to read the values at a step.";

  /* An interval with some air at both ends; never empty. */
  function aired(low, high, log, share) {
    if (share === 0 && low < high) return [low, high];
    if (log) return aired(Math.log(low), Math.log(high), false, share).map(Math.exp);
    const air = (high - low) * share || (low === high ? Math.abs(low) * 0.1 || 1 : 0);
    return [low - air, high + air];
  }

  /* Moves labels so that they stand at least `gap` apart, within [top, bottom] where they fit. */
  function setApart(labels, gap, top, bottom) {
    labels.sort((a, b) => a.y - b.y);
    let least = top;
    for (const label of labels) least = (label.y = Math.max(label.y, least)) + gap;
    let most = bottom;
    for (const label of [...labels].reverse()) most = (label.y = Math.min(label.y, most)) - gap;
  }

  function pathOf(points) {
    return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  }

  function swatch(arm) {
    const line = svg("line", { x1: 1, x2: 25, y1: 5, y2: 5, "stroke-dasharray": arm.dash });
    line.style.stroke = arm.colour;
    return svg("svg", { class: "chart-swatch", viewBox: "0 0 26 10", "aria-hidden": "true" }, line);
  }

  /* "2.1 to 2.4", and over how many seeds where that is not all of them. */
  function rangeOf({ low, high, n, all }) {
    if (n === 1) return all > 1 ? `one seed of ${all}` : "one seed";
    return `${short(low)} to ${short(high)}${n < all ? `, ${n} of ${all} seeds` : ""}`;
  }

  class Curves {
    constructor(section, arms, series) {
      this.arms = arms;
      this.series = series;
      this.name = [...series.keys()][0];
      this.step = null; // where the crosshair stands
      this.lines = []; // what is drawn: {arm, seeds, summary}
      this.steps = [];
      this.build(section);
      this.draw();
      watchWidth(this.frame, () => this.draw());
    }

    build(section) {
      const names = [...this.series.keys()].map((name) => ({
        label: name,
        pressed: () => this.name === name,
        press: () => {
          this.name = name;
          this.draw();
        },
      }));
      const look = { mark: swatch, hover: (arm, on) => this.dwell(arm, on) };
      this.rows = armButtons(this.arms, () => this.draw(), look);
      if (names.length > 1) this.rows.unshift(buttons("Series", names));
      this.logY = this.checkbox("Logarithmic values");
      this.logX = this.checkbox("Logarithmic steps");
      this.single = this.checkbox("Single seeds");
      this.note = html("p", { class: "chart-note" });
      this.tip = html("div", { class: "chart-tip", "aria-hidden": "true", hidden: "" });
      this.live = html("p", { class: "chart-live", "aria-live": "polite" });
      this.frame = html("div", {
        class: "chart-frame",
        tabindex: "0",
        role: "application",
        "aria-roledescription": "chart",
        keydown: (event) => this.key(event),
        pointermove: (event) => this.point(event),
        pointerdown: (event) => this.point(event),
        pointerleave: (event) => event.pointerType === "mouse" && this.moveTo(null),
        blur: () => this.moveTo(null),
      });
      const checks = [this.logY, this.logX, this.single].map((input) => input.parentNode);
      section.append(
        html("div", { class: "chart-tools" }, ...this.rows.map((row) => row.node)),
        html("div", { class: "chart-picture" }, this.frame, this.tip),
        html("div", { class: "chart-tools" }, html("div", { class: "chart-group" }, ...checks)),
        this.note,
        this.live,
        endTable(this.series)
      );
    }

    checkbox(label) {
      const input = html("input", { type: "checkbox", change: () => this.draw() });
      html("label", { class: "chart-check" }, input, html("span", {}, label));
      return input;
    }

    /* While a button is pointed at, the other arms' lines step back. */
    dwell(arm, on) {
      for (const line of this.frame.querySelectorAll("[data-arm]")) {
        line.classList.toggle("faded", on && arm.shown && line.dataset.arm !== arm.name);
      }
    }

    draw() {
      this.rows.forEach((row) => row.refresh());
      const ofArm = this.series.get(this.name);
      const shown = this.arms.filter((arm) => arm.shown && ofArm.has(arm));
      this.lines = shown.map((arm) => ({ arm, ...ofArm.get(arm) }));
      this.allowLogs();
      const placed = (rows) => rows.filter((row) => this.hasPlace(row));
      this.lines = this.lines.map((line) => ({ ...line, summary: placed(line.summary) }));
      this.steps = union(this.lines.map((line) => line.summary.map((row) => row.step)));
      const width = this.frame.clientWidth;
      if (!width) return; // hidden; the observer calls again when it is not
      const height = Math.round(Math.min(380, Math.max(240, width * 0.45)));
      const picture = svg("svg", { width, height, "aria-hidden": "true" });
      this.frame.replaceChildren(picture);
      this.frame.setAttribute(
        "aria-label",
        `${this.name} by step of ${shown.map((arm) => arm.name).join(", ") || "no arm"}. ${HINT}`
      );
      if (this.steps.length) this.plot(picture, width, height);
      else picture.append(svg("text", { x: 16, y: 32 }, "No arm is shown."));
      this.moveTo(this.steps.includes(this.step) ? this.step : null);
    }

    hasPlace({ step }) {
      return !this.logX.checked || step > 0;
    }

    /* No logarithm of what is not above zero: such values refuse it, such steps are left out. */
    allowLogs() {
      const rows = this.lines.map((line) => line.summary);
      this.logY.disabled = rows.flat().some((row) => row.low <= 0);
      this.logX.disabled = rows.some((summary) => summary.at(-1).step <= 0);
      for (const input of [this.logY, this.logX]) input.checked &&= !input.disabled;
      const said = [
        this.single.checked
          ? "Thick: mean over the seeds; thin: each seed."
          : "Line: mean over the seeds; band: least to largest seed.",
        this.logY.disabled ? "No logarithmic values: some are not above zero." : "",
        this.logX.checked && rows.some(([first]) => first.step <= 0) ? "Step 0 is left out." : "",
      ];
      this.note.textContent = said.filter(Boolean).join(" ");
    }

    plot(picture, width, height) {
      const named = width > 620;
      const longest = Math.max(...this.lines.map(({ arm }) => cropped(arm.name, 20).length));
      const right = width - (named ? longest * 7.5 + 16 : 24);
      this.box = { left: 56, top: 26, right, bottom: height - 40 };
      const rows = this.lines.flatMap((line) => line.summary);
      const low = Math.min(...rows.map((row) => row.low));
      const high = Math.max(...rows.map((row) => row.high));
      const [log, ends] = [this.logX.checked, [this.box.left, right]];
      this.x = axis(aired(this.steps[0], this.steps.at(-1), log, 0), ends, log, width / 100);
      const values = aired(low, high, this.logY.checked, 0.05);
      this.y = axis(values, [this.box.bottom, this.box.top], this.logY.checked, 6);
      this.cross = svg("g", { class: "chart-cross" });
      picture.append(this.axes(), ...this.lines.map((line) => this.line(line)));
      if (named) picture.append(this.endNames());
      picture.append(this.cross);
    }

    axes() {
      const { left, right, top, bottom } = this.box;
      const group = svg("g", { class: "chart-axes" });
      for (const tick of this.y.ticks) {
        const y = this.y.at(tick);
        group.append(svg("line", { x1: left, x2: right, y1: y, y2: y, class: "chart-grid" }));
        group.append(svg("text", { x: left - 8, y: y + 4, class: "chart-y-tick" }, short(tick)));
      }
      for (const tick of this.x.ticks) {
        const x = this.x.at(tick);
        group.append(svg("line", { x1: x, x2: x, y1: bottom, y2: bottom + 5 }));
        group.append(svg("text", { x, y: bottom + 18, class: "chart-x-tick" }, short(tick)));
      }
      group.append(svg("line", { x1: left, x2: right, y1: bottom, y2: bottom }));
      group.append(svg("text", { x: 4, y: top - 12, class: "chart-axis-name" }, this.name));
      const middle = { x: (left + right) / 2, y: bottom + 35, class: "chart-axis-name middle" };
      group.append(svg("text", middle, "step"));
      return group;
    }

    line({ arm, seeds, summary }) {
      const place = (key) => (row) => [this.x.at(row.step), this.y.at(row[key])];
      const mean = summary.map(place("mean"));
      const group = svg("g", { "data-arm": arm.name, class: "chart-line" });
      group.style.color = arm.colour;
      if (this.single.checked) {
        for (const { seed, points } of seeds) {
          const d = pathOf(points.filter((point) => this.hasPlace(point)).map(place("value")));
          group.append(svg("path", { d, "data-seed": seed, class: "chart-seed" }));
        }
      } else if (seeds.length > 1) {
        const edge = [...summary.map(place("high")), ...summary.map(place("low")).reverse()];
        group.append(svg("path", { d: `${pathOf(edge)}Z`, class: "chart-band" }));
      }
      const dash = { "stroke-dasharray": arm.dash };
      group.append(svg("path", { d: pathOf(mean), class: "chart-mean", ...dash }));
      if (mean.length === 1) group.append(svg("circle", { cx: mean[0][0], cy: mean[0][1], r: 4 }));
      return group;
    }

    endNames() {
      const labels = this.lines.map(({ arm, summary }) => {
        const last = summary.at(-1);
        return { arm, x: this.x.at(last.step) + 7, y: this.y.at(last.mean) + 4 };
      });
      const atEdge = labels.filter(({ x }) => x > this.box.right);
      setApart(atEdge, 15, this.box.top + 8, this.box.bottom);
      const texts = labels.map(({ x, y, arm }) =>
        svg("text", { x, y, "data-arm": arm.name }, cropped(arm.name, 20))
      );
      return svg("g", { class: "chart-names" }, ...texts);
    }

    key(event) {
      const last = this.steps.length - 1;
      const now = this.steps.indexOf(this.step); // -1 without a crosshair
      const before = (n) => (now < 0 ? last : Math.max(now - n, 0));
      const stride = event.shiftKey ? 10 : 1;
      const page = Math.ceil(last / 10);
      const places = {
        ArrowRight: now + stride,
        ArrowLeft: before(stride),
        PageUp: now + page,
        PageDown: before(page),
        Home: 0,
        End: last,
        Escape: null,
      };
      if (last < 0 || !Object.hasOwn(places, event.key)) return;
      event.preventDefault();
      const to = places[event.key];
      this.moveTo(to === null ? null : this.steps[Math.min(to, last)]);
    }

    point(event) {
      if (!this.steps.length) return;
      const x = event.clientX - this.frame.getBoundingClientRect().left;
      const off = (step) => Math.abs(this.x.at(step) - x);
      this.moveTo(this.steps.reduce((best, step) => (off(step) < off(best) ? step : best)));
    }

    /* Puts the crosshair at a step and says the values there, or takes it away (null). */
    moveTo(step) {
      this.step = step;
      this.tip.hidden = step === null;
      this.cross?.replaceChildren();
      if (step === null) return;
      const there = this.lines
        .map(({ arm, seeds }) => ({ arm, all: seeds.length, ...summaryAt(seeds, step) }))
        .filter((row) => row.n)
        .sort((a, b) => b.mean - a.mean);
      const x = this.x.at(step);
      this.cross.append(svg("line", { x1: x, x2: x, y1: this.box.top, y2: this.box.bottom }));
      for (const row of there) {
        const dot = svg("circle", { cx: x, cy: this.y.at(row.mean), r: 4 });
        dot.style.fill = row.arm.colour;
        this.cross.append(dot);
      }
      const width = this.frame.clientWidth;
      this.tip.style.left = x < width / 2 ? `${x + 14}px` : "auto";
      this.tip.style.right = x < width / 2 ? "auto" : `${width - x + 14}px`;
      this.tell(short(step), there);
    }

    tell(step, there) {
      const rows = there.map((row) => {
        const cells = [short(row.mean), rangeOf(row)].map((text) => html("td", {}, text));
        const name = html("th", { scope: "row" }, row.arm.name);
        return html("tr", {}, html("td", {}, swatch(row.arm)), name, ...cells);
      });
      this.tip.replaceChildren(html("p", {}, `step ${step}`), html("table", {}, ...rows));
      const said = there.map((row) => `${row.arm.name} ${short(row.mean)} (${rangeOf(row)})`);
      this.live.textContent = `Step ${step}: ${said.join("; ")}.`;
    }
  }

  /* The seeds' last values, summed up by series and arm: the chart as a table. */
  function endTable(series) {
    const rows = [...series].flatMap(([name, ofArm]) =>
      [...ofArm].map(([arm, { seeds }]) => {
        const ends = seeds.map(({ points }) => points.at(-1));
        const { mean, low, high, n } = spread(ends.map((end) => end.value));
        const steps = union(ends.map((end) => end.step)).map(short);
        const last = steps.length > 1 ? `${steps[0]} to ${steps.at(-1)}` : steps[0];
        const cells = [last, String(n), short(mean), short(low), short(high)];
        const head = html("th", { scope: "row" }, arm.name);
        const [first, ...rest] = [name, ...cells].map((cell) => html("td", {}, cell));
        return html("tr", {}, first, head, ...rest);
      })
    );
    const heads = ["series", "arm", "last step", "seeds", "mean", "least", "largest"];
    const columns = heads.map((text) => html("th", { scope: "col" }, text));
    const head = html("thead", {}, html("tr", {}, ...columns));
    const table = html("table", {}, head, html("tbody", {}, ...rows));
    const title = "Values at the end";
    const scroller = { class: "chart-scroll", tabindex: "0", role: "group", "aria-label": title };
    const summary = html("summary", {}, `${title}, as a table`);
    return html("details", { class: "chart-table" }, summary, html("div", scroller, table));
  }

  drawEach("section.curves", (section) => {
    const arms = armsOf(section);
    const series = seriesOf(arms);
    if (!series.size) return "No curves were recorded.";
    const recorded = arms.filter((arm) => [...series.values()].some((ofArm) => ofArm.has(arm)));
    new Curves(section, recorded, series);
    return null;
  });
});
