/* What curves.js and attention.js share.

   They draw into the page's sections with `data-source="ID" data-experiment="NAME"`, where ID names
   the <script type="application/json"> with a place's recordings. No dependencies, and no colours:
   those are the page's CSS variables. Names and tokens come from claim files and recordings; they
   are put into the page as text, never as markup. */
"use strict";

window.paperbenchCharts = (() => {
  const parsed = new Map();

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== null) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /* An element with attributes (a function is a listener, null is left out) and children; a child
     that is a string becomes text, whatever it holds. */
  function html(tag, attributes = {}, ...children) {
    return filled(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes = {}, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    return filled(node, attributes, children);
  }

  /* An experiment's entries as a list, the claims' own arms before the controls' arms; empty where
     nothing was recorded. A control has the colour of the arm that it alters, and its own dash. */
  function armsOf(section) {
    const source = document.getElementById(section.dataset.source);
    if (!source) return [];
    if (!parsed.has(source)) parsed.set(source, JSON.parse(source.textContent).experiments);
    const entries = Object.entries(parsed.get(source)[section.dataset.experiment] ?? {});
    const recorded = entries.map(([name, entry]) => ({ name, ...entry }));
    const own = recorded.filter((entry) => entry.control_of === null);
    const controls = recorded.filter((entry) => entry.control_of !== null);
    const palette = [...new Set([...own, ...controls].map((entry) => entry.arm))];
    const dashes = ["7 4", "2 3", "10 3 2 3", "4 2"];
    return [...own, ...controls].map((entry) => {
      const alike = controls.filter((other) => other.arm === entry.arm);
      const isControl = entry.control_of !== null;
      return {
        ...entry,
        isControl,
        colour: `var(--series-${(palette.indexOf(entry.arm) % 8) + 1}, currentColor)`,
        dash: isControl ? dashes[alike.indexOf(entry) % dashes.length] : null,
        shown: !isControl,
      };
    });
  }

  /* A titled row of buttons; each option is {label, title, pressed(), press(), mark, hover(on)}.
     Returns {node, refresh}: which of them are pressed is asked anew at `refresh`. */
  function buttons(title, options) {
    const made = options.map(({ label, title: tip = null, press, mark, hover = () => {} }) => {
      const attributes = {
        type: "button",
        title: tip,
        click: press,
        pointerenter: () => hover(true),
        pointerleave: () => hover(false),
        focus: () => hover(true),
        blur: () => hover(false),
      };
      const text = html("span", {}, label);
      return html("button", attributes, ...(mark ? [mark] : []), text);
    });
    const refresh = () => {
      options.forEach((option, i) => made[i].setAttribute("aria-pressed", option.pressed()));
    };
    refresh();
    const group = { class: "chart-group", role: "group", "aria-label": title };
    const head = html("span", { class: "chart-label", "aria-hidden": "true" }, title);
    return { node: html("div", group, head, ...made), refresh };
  }

  /* Rows of buttons that show and hide arms, the controls in a row of their own; what a control
     alters, where that is known, shows when its button is pointed at. */
  function armButtons(arms, changed, { mark = () => null, hover = () => {} } = {}) {
    const option = (arm) => ({
      label: arm.name,
      title: arm.alters ? `${arm.arm} with ${arm.alters}` : null,
      pressed: () => arm.shown,
      press: () => {
        arm.shown = !arm.shown;
        changed();
      },
      mark: mark(arm),
      hover: (on) => hover(arm, on),
    });
    const rows = [
      ["Arms", arms.filter((arm) => !arm.isControl)],
      ["Controls", arms.filter((arm) => arm.isControl)],
    ];
    return rows
      .filter(([, members]) => members.length)
      .map(([title, members]) => buttons(title, members.map(option)));
  }

  /* A number in at most four digits, with a true minus. */
  function short(x) {
    const digits = Number(x.toPrecision(4));
    const size = Math.abs(digits);
    const text = size && (size < 1e-3 || size >= 1e6) ? digits.toExponential() : String(digits);
    return text.replace("e+", "e").replaceAll("-", "\u2212");
  }

  const cropped = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}\u2026` : text);

  /* An axis over [low, high] from one pixel to another: `at(value)` in pixels, and about `room`
     round values as ticks. */
  function axis([low, high], [from, to], log, room) {
    const bend = log ? Math.log10 : (x) => x;
    const [a, b] = [bend(low), bend(high)];
    const at = (x) => from + ((bend(x) - a) / (b - a)) * (to - from);
    const ticks = log && b - a >= 1 ? decades(a, b, room) : evenly(low, high, room);
    return { at, ticks: ticks.filter((tick) => tick >= low && tick <= high) };
  }

  function evenly(low, high, room) {
    const rough = (high - low) / room;
    const power = 10 ** Math.floor(Math.log10(rough));
    const size = power * [1, 2, 5, 10].find((lead) => lead * power >= rough);
    const first = Math.ceil(low / size);
    const count = Math.floor(high / size) - first + 1;
    // Multiples of a size like 0.1 are not exact: 3 * 0.1 is a little above 0.3.
    const tick = (i) => Number(((first + i) * size).toPrecision(12));
    return Array.from({ length: Math.max(count, 0) }, (_, i) => tick(i));
  }

  function decades(a, b, room) {
    const every = Math.ceil((b - a) / room);
    const leads = (b - a) * 3 <= room ? [1, 2, 5] : [1];
    const powers = Array.from({ length: Math.ceil(b - a) + 2 }, (_, i) => Math.floor(a) + i);
    const kept = powers.filter((power) => power % every === 0);
    return kept.flatMap((power) => leads.map((lead) => Number(`${lead}e${power}`)));
  }

  /* Calls `draw` with every other width that an element gets; hidden, it has none. */
  function watchWidth(node, draw) {
    let before = node.clientWidth;
    new ResizeObserver(() => {
      const changed = node.clientWidth !== before;
      before = node.clientWidth;
      if (changed && before) draw();
    }).observe(node);
  }

  /* Calls `draw` with every section that the selector finds. A sentence that it returns is shown,
     and so is what it throws: one damaged recording must not take the other charts with it. */
  function drawEach(selector, draw) {
    for (const section of document.querySelectorAll(selector)) {
      let problem;
      try {
        problem = draw(section);
      } catch (error) {
        console.error(error);
        problem = `This recording cannot be shown: ${error.message}`;
      }
      if (problem) section.append(html("p", { class: "chart-note" }, problem));
    }
  }

  return {
    html, svg, armsOf, buttons, armButtons, short, cropped, axis, watchWidth, drawEach,
  };
})();
