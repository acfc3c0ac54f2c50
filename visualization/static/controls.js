"use strict";
(() => {
  const root = document.documentElement;
  const { dark, draw, repaint } = window.charts;
  root.classList.add("scripted");

  const themeButton = document.getElementById("theme");
  const nameTheme = () => { themeButton.textContent = dark() ? "Light mode" : "Dark mode"; };
  themeButton.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    nameTheme();
    repaint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  nameTheme();

  // A choice shows one of the panels that carry its name; what was hidden had no size to be drawn in.
  for (const choice of document.querySelectorAll('fieldset input[type="radio"]')) {
    choice.addEventListener("change", () => {
      for (const panel of document.querySelectorAll(`[data-panel="${CSS.escape(choice.name)}"]`)) {
        panel.classList.toggle("folded", panel.id !== `panel-${choice.value}`);
      }
      document.querySelectorAll(`#panel-${CSS.escape(choice.value)} .chart`).forEach(draw);
    });
  }
})();
