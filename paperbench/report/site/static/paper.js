/* A paper's page: a claim opens by its address, files of the source are tabs, and a link into the
   source shows the line without leaving the notes. Without it all claims open by hand and all files
   stand below each other. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const tabs = document.getElementById("Tabs");
  const files = [...document.querySelectorAll(".source .file")];
  const claims = [...document.querySelectorAll("details.claim")];
  const unfold = document.getElementById("Unfold");

  function choose(file, { focus = false } = {}) {
    for (const each of files) {
      const tab = document.getElementById(`Tab-${each.dataset.name}`);
      const chosen = each === file;
      each.hidden = !chosen;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) tab.focus();
    }
  }

  function makeTabs() {
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", "Files of the source");
    tabs.parentElement.classList.add("tabbed");
    files.forEach((file, i) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `Tab-${file.dataset.name}`;
      tab.textContent = file.dataset.name;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", file.id);
      tab.addEventListener("click", () => choose(file));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        choose(files[(i + step + files.length) % files.length], { focus: true });
      });
      tabs.append(tab);
      file.setAttribute("role", "tabpanel");
      file.setAttribute("aria-labelledby", tab.id);
    });
    choose(files[0]);
  }

  /* In the pane beside the notes only the pane scrolls; below them, the page. */
  function showLine(line) {
    for (const each of document.querySelectorAll(".line.here")) each.classList.remove("here");
    line.classList.add("here");
    choose(line.closest(".file"));
    const pane = line.closest(".code");
    pane.scrollTop = line.offsetTop - pane.clientHeight / 3;
    const { top, bottom } = pane.getBoundingClientRect();
    const seen = Math.min(bottom, innerHeight) - Math.max(top, 0);
    if (seen < Math.min(200, pane.clientHeight)) pane.scrollIntoView({ block: "center" });
  }

  /* What can be scrolled sideways is in the tab order, and nothing else of its kind. */
  function reachWideFormulas() {
    for (const each of document.querySelectorAll(".formula-in-line")) {
      const wide = each.scrollWidth > each.clientWidth;
      const wanted = { tabindex: "0", role: "group", "aria-label": "formula" };
      for (const [name, value] of Object.entries(wanted)) {
        if (wide) each.setAttribute(name, value);
        else each.removeAttribute(name);
      }
    }
  }

  function target(hash) {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch {
      return null;
    }
  }

  function follow() {
    const found = target(location.hash);
    if (!found) return;
    if (found.matches(".line")) {
      showLine(found);
      return;
    }
    const around = found.closest("details");
    if (around) around.open = true;
    found.scrollIntoView();
  }

  if (files.length) makeTabs();
  new ResizeObserver(reachWideFormulas).observe(document.body);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    const line = link && target(link.getAttribute("href"));
    if (!line || !line.matches(".line") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    history.pushState(null, "", link.getAttribute("href"));
    showLine(line);
  });
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
  addEventListener("load", follow); // again: charts above it have been drawn since
  addEventListener("beforeprint", () => claims.forEach((claim) => (claim.open = true)));

  if (claims.length) {
    unfold.hidden = false;
    unfold.addEventListener("click", () => {
      const open = claims.some((claim) => !claim.open);
      for (const claim of claims) claim.open = open;
      unfold.textContent = open ? "Close all" : "Open all";
    });
  }
  follow();
});
