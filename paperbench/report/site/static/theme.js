/* The theme that a person chose: before the page is drawn, and by the button. */
"use strict";

(() => {
  const CHOICES = ["auto", "light", "dark"];
  const root = document.documentElement;

  /* A page from disk may be refused its storage. */
  function remembered() {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto";
    }
  }

  function show(choice, button) {
    if (choice === "auto") delete root.dataset.theme;
    else root.dataset.theme = choice;
    if (button) button.textContent = `Theme: ${choice}`;
  }

  let choice = CHOICES.includes(remembered()) ? remembered() : "auto";
  show(choice, null);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("Theme");
    button.hidden = false;
    show(choice, button);
    button.addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      show(choice, button);
      try {
        localStorage.setItem("theme", choice);
      } catch {
        // It lasts as long as the page.
      }
    });
  });
})();
