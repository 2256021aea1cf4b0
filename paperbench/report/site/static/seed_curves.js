/* The curves of an arm's seeds, and their mean and range at each step. Nothing is drawn here.

   Seeds may have recorded at different steps: each is read at all of the arm's steps, along straight
   lines between its own points and never beyond its ends. */
"use strict";

window.paperbenchSeedCurves = (() => {
  /* One seed's curve, `[[steps], [values]]`, as [{step, value}] in order of the steps. */
  function pointsOf([steps, values]) {
    return steps
      .map((step, i) => ({ step, value: values[i] }))
      .filter((point) => Number.isFinite(point.step) && Number.isFinite(point.value))
      .sort((a, b) => a.step - b.step);
  }

  /* A seed's value at a step, between its points on a straight line; null beyond its ends. */
  function valueAt(points, step) {
    if (step < points[0].step || step > points.at(-1).step) return null;
    const after = points.findIndex((point) => point.step >= step);
    const [a, b] = [points[Math.max(after - 1, 0)], points[after]];
    if (b.step === step) return b.value;
    return a.value + ((step - a.step) / (b.step - a.step)) * (b.value - a.value);
  }

  function spread(values) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { mean, low: Math.min(...values), high: Math.max(...values), n: values.length };
  }

  /* {step, mean, low, high, n} over the seeds that have a value there; null where none has. */
  function summaryAt(seeds, step) {
    const values = seeds.map(({ points }) => valueAt(points, step));
    const known = values.filter((value) => value !== null);
    return known.length ? { step, ...spread(known) } : null;
  }

  function union(lists) {
    return [...new Set(lists.flat())].sort((a, b) => a - b);
  }

  /* What the arms recorded: Map of series -> Map of arm -> {seeds, summary}, the loss first. */
  function seriesOf(arms) {
    const series = new Map();
    for (const arm of arms) {
      for (const [seed, run] of Object.entries(arm.runs)) {
        for (const [name, curve] of Object.entries(run.curves)) {
          const points = pointsOf(curve);
          if (!points.length) continue;
          if (!series.has(name)) series.set(name, new Map());
          if (!series.get(name).has(arm)) series.get(name).set(arm, { seeds: [] });
          series.get(name).get(arm).seeds.push({ seed, points });
        }
      }
    }
    for (const line of [...series.values()].flatMap((ofArm) => [...ofArm.values()])) {
      const steps = union(line.seeds.map(({ points }) => points.map((point) => point.step)));
      line.summary = steps.map((step) => summaryAt(line.seeds, step)).filter(Boolean);
    }
    return new Map([...series].sort(([a], [b]) => (b === "loss") - (a === "loss")));
  }

  return { spread, summaryAt, union, seriesOf };
})();
