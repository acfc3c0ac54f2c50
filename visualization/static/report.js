"use strict";
(() => {
  const body = document.querySelector("#deals tbody");
  const deals = [...body.querySelectorAll("tr.deal")].map((row) => ({ row, sheet: row.nextElementSibling }));
  for (const { row, sheet } of deals) {
    const button = row.querySelector(".open");
    button.addEventListener("click", () => {
      const open = sheet.classList.toggle("shown");
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "Close" : "Open";
    });
  }

  const find = document.getElementById("find"), origin = document.getElementById("origin");
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { row, sheet } of deals) {
      const label = row.textContent.toLowerCase();
      const kept = (!origin.value || row.dataset.origin === origin.value) && words.every((word) => label.includes(word));
      row.classList.toggle("filtered", !kept);
      sheet.classList.toggle("filtered", !kept);
      count += kept;
    }
    document.getElementById("deal-count").textContent = `${count} of ${deals.length} deals`;
  };
  find.addEventListener("input", filter);
  origin.addEventListener("change", filter);

  const heads = [...document.querySelectorAll("#deals thead th[aria-sort]")];
  const key = (deal, column) => {
    const cell = deal.row.children[column];
    return "value" in cell.dataset ? (cell.dataset.value === "" ? -Infinity : Number(cell.dataset.value)) : cell.textContent;
  };
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
    deals.sort((a, b) => order(key(a, column), key(b, column)));
    body.append(...deals.flatMap(({ row, sheet }) => [row, sheet]));
  }));

  document.documentElement.dataset.controls = "true";
})();
