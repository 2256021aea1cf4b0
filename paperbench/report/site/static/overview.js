/* Filters and order of the claims' table. What is chosen stands in the address, so that a filtered
   view can be linked; without this script every row is shown, by paper. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("claims");
  const form = document.getElementById("filters");
  const rows = [...table.querySelectorAll("tr.row")];
  const groups = [...table.tBodies];
  const flat = document.createElement("tbody");
  flat.setAttribute("role", "rowgroup");
  const homes = new Map(rows.map((row) => [row, row.parentElement]));
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const fields = [...form.elements].filter((field) => field.name);
  const state = { sort: "", down: false };

  const ORDERS = {
    claim: (a, b) => a.dataset.claim.localeCompare(b.dataset.claim),
    verdict: (a, b) => a.dataset.verdict.localeCompare(b.dataset.verdict),
    widths: (a, b) => number(a) - number(b),
    place: (a, b) => a.dataset.place.localeCompare(b.dataset.place),
  };

  function number(row) {
    const text = row.dataset.widths;
    return text.endsWith("inf") ? (text.startsWith("-") ? -1 : 1) : Number(text);
  }

  /* What has an interval stands first either way, then what only has a side, then the rest. */
  function rank(row) {
    const text = row.dataset.widths;
    return state.sort !== "widths" ? 0 : text === "" ? 2 : text.endsWith("inf") ? 1 : 0;
  }

  /* "3 of 128 rows: 2 verdicts, 1 claim without a verdict" */
  function told() {
    const left = rows.filter((row) => !row.hidden);
    const of = (word) => left.filter((row) => row.dataset.verdict === word).length;
    const [readings, none] = [of("reading"), of("no verdict yet")];
    const parts = [
      [left.length - readings - none, "verdict", "verdicts"],
      [readings, "reading", "readings"],
      [none, "claim without a verdict", "claims without a verdict"],
    ];
    const named = parts.filter(([n]) => n).map(([n, one, more]) => `${n} ${n === 1 ? one : more}`);
    const head = `${left.length} of ${rows.length} rows`;
    return named.length ? `${head}: ${named.join(", ")}` : head;
  }

  function fits(row) {
    return fields.every(({ name, value }) => {
      if (!value) return true;
      if (name !== "q") return row.dataset[name] === value;
      return value.toLowerCase().split(/\s+/).every((word) => words.get(row).includes(word));
    });
  }

  function show() {
    const order = ORDERS[state.sort];
    table.classList.toggle("flat", Boolean(order));
    if (order) {
      const way = state.down ? -1 : 1;
      const sorted = [...rows].sort((a, b) => rank(a) - rank(b) || way * order(a, b));
      flat.append(...sorted);
      groups.forEach((group) => group.remove());
      table.append(flat);
    } else {
      flat.remove();
      table.append(...groups);
      rows.forEach((row) => homes.get(row).append(row));
    }
    for (const row of rows) row.hidden = !fits(row);
    for (const group of groups) {
      group.hidden = ![...group.querySelectorAll("tr.row")].some((row) => !row.hidden);
    }
    document.getElementById("shown").textContent = told();
    document.getElementById("none").hidden = rows.some((row) => !row.hidden);
    for (const head of table.querySelectorAll("th[data-sort]")) {
      const mine = head.dataset.sort === state.sort;
      head.setAttribute("aria-sort", mine ? (state.down ? "descending" : "ascending") : "none");
    }
  }

  /* Pairs with a value, and nothing where everything is shown as it came. */
  function write() {
    const chosen = new URLSearchParams();
    for (const { name, value } of fields) if (value) chosen.set(name, value);
    if (state.sort) chosen.set("sort", state.down ? `-${state.sort}` : state.sort);
    const hash = chosen.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  function read() {
    const chosen = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) field.value = chosen.get(field.name) ?? "";
    for (const field of fields) if (field.value === "" && field.options) field.selectedIndex = 0;
    const sort = chosen.get("sort") ?? "";
    state.down = sort.startsWith("-");
    state.sort = sort.replace(/^-/, "");
    show();
  }

  for (const head of table.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(head.firstChild);
    head.prepend(button);
    button.addEventListener("click", () => {
      const [mine, first] = [head.dataset.sort, head.dataset.sort === "widths"];
      if (state.sort !== mine) [state.sort, state.down] = [mine, first];
      else if (state.down === first) state.down = !first;
      else [state.sort, state.down] = ["", false];
      write();
      show();
    });
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    write();
    show();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault(); // fields are emptied by what the address says: nothing
    history.replaceState(null, "", location.pathname + location.search);
    read();
  });
  addEventListener("hashchange", () => {
    read();
    document.getElementById("Claims").scrollIntoView(); // a count at the top was followed
  });
  read();
});
