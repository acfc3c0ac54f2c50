"use strict";
(() => {
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const drawn = new Map();
  root.classList.add("scripted");

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  const element = (tag, className, content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  };

  const number = (value) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const digits = size >= 100 || Number.isInteger(size) ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };

  // The row of the data table behind the quarter under the pointer, so that chart and table never disagree.
  const quarterTip = (figure) => (points) => {
    const row = figure.rows.find((cells) => cells[0] === points[0].axisValue);
    const tip = element("div", "tip");
    tip.append(element("b", "", points[0].axisValue));
    for (let i = 1; row && i < row.length; i += 3) {
      if (row[i] === null) continue;
      const line = element("div", "row");
      const range = row[i + 1] === row[i + 2] ? "" : ` (${number(row[i + 1])} to ${number(row[i + 2])})`;
      line.append(element("span", "", figure.columns[i]), element("span", "", number(row[i]) + range));
      tip.append(line);
    }
    return tip;
  };

  const nodeTip = (point) => {
    const tip = element("div", "tip");
    const tie = point.dataType === "edge";
    tip.append(element("b", "", tie ? `${point.data.source} and ${point.data.target}` : point.name),
      element("span", "", point.data.value));
    return tip;
  };

  const themed = (figure, width, height) => {
    const option = structuredClone(figure.option);
    const ink = colour("--ink"), soft = colour("--soft"), narrow = width < 560;
    option.textStyle = { color: ink, fontFamily: getComputedStyle(document.body).fontFamily };
    option.tooltip = { ...option.tooltip, backgroundColor: colour("--card"), borderColor: colour("--line"),
      textStyle: { color: ink }, formatter: figure.rows.length ? quarterTip(figure) : nodeTip };
    for (const axis of [option.xAxis, option.yAxis].filter(Boolean)) {
      axis.axisLabel = { ...axis.axisLabel, color: soft, fontSize: 12 };
      axis.axisLine = { ...axis.axisLine, lineStyle: { color: colour("--line") } };
      axis.splitLine = { show: axis === option.yAxis, lineStyle: { color: colour("--grid") } };
    }
    if (option.xAxis && figure.rows.length > 12) {
      option.xAxis.axisLabel.interval = (index, quarter) => quarter.endsWith("Q1");
      option.xAxis.axisLabel.formatter = (quarter) => quarter.slice(0, 4);
    }
    for (const series of option.series) {
      if (series.markArea) series.markArea.label.color = soft;
      if (series.endLabel) series.endLabel.color = ink;
      if (series.type === "graph") styleGraph(series, ink, narrow, width, height);
    }
    return option;
  };

  // The picture keeps its proportions. On a narrow screen it is turned upright, smaller, and without the
  // enterprises' dots.
  const styleGraph = (series, ink, narrow, width, height) => {
    series.label = { color: ink, textBorderColor: colour("--card"), textBorderWidth: 3 };
    const frame = series.data.filter((node) => node.symbol === "none");
    const across = Math.max(...frame.map((node) => node.x)), down = Math.max(...frame.map((node) => node.y));
    const ratio = narrow ? down / across : across / down;
    if (width / height > ratio) series.height = height - 10;
    else series.width = width - 10;
    if (!narrow) return;
    series.data = series.data.filter((node) => node.symbol === "none" || node.symbolSize > 5);
    for (const node of series.data) {
      [node.x, node.y] = [node.y, node.x];
      node.symbolSize *= 0.72;
      node.label.fontSize = 11;
    }
  };

  const draw = (box) => {
    if (!box.clientWidth || typeof echarts === "undefined") return;
    const chart = drawn.get(box) || echarts.init(box, null, { renderer: "svg" });
    drawn.set(box, chart);
    chart.resize();
    chart.setOption(themed(figures[box.dataset.chart], box.clientWidth, box.clientHeight), { notMerge: true });
  };
  const boxes = [...document.querySelectorAll(".chart")];
  const drawAll = () => boxes.forEach(draw);

  const themeButton = document.getElementById("theme");
  const nameTheme = () => { themeButton.textContent = dark() ? "Light mode" : "Dark mode"; };
  themeButton.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    nameTheme();
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { nameTheme(); drawAll(); });

  for (const choice of document.querySelectorAll('input[name="graph"]')) {
    choice.addEventListener("change", () => {
      for (const panel of document.querySelectorAll(".graph-panel")) {
        panel.classList.toggle("folded", panel.id !== `panel-${choice.value}`);
      }
      draw(document.querySelector(`#panel-${CSS.escape(choice.value)} .chart`));
    });
  }

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

  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 120); });
  nameTheme();
  drawAll();
  root.dataset.ready = "true";
})();
