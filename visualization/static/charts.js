"use strict";
(() => {
  const root = document.documentElement;
  const { figures, onDark } = JSON.parse(document.getElementById("figures").textContent);
  const drawn = new Map();

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
    if (size > 0 && size < 0.0005) return value > 0 ? "<0.001" : ">-0.001";
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

  // A node or a tie of the graph, or a mark that says itself what it stands for.
  const nodeTip = (point) => {
    const tip = element("div", "tip");
    const tie = point.dataType === "edge";
    tip.append(element("b", "", tie ? `${point.data.source} and ${point.data.target}` : point.name),
      element("span", "", point.data.tip ?? point.data.value));
    return tip;
  };

  // The library measures text in a font of its own choosing: names down the side would be cut off.
  const roomForNames = (option, axis) => {
    const probe = element("span");
    probe.style.cssText = "position:absolute;visibility:hidden;white-space:pre;font-size:12px";
    document.body.append(probe);
    const widths = axis.data.flatMap((name) => name.split("\n")).map((line) => {
      probe.textContent = line;
      return probe.offsetWidth;
    });
    probe.remove();
    axis.axisLabel = { ...axis.axisLabel, lineHeight: 15, interval: 0 };
    Object.assign(option.grid, { left: Math.max(...widths, 0) + 18, bottom: 26, containLabel: false });
  };

  const themed = (figure, width, height) => {
    const option = JSON.parse(JSON.stringify(figure.option, (key, value) => (dark() && onDark[value]) || value));
    const ink = colour("--ink"), soft = colour("--soft"), narrow = width < 560;
    option.textStyle = { color: ink, fontFamily: getComputedStyle(document.body).fontFamily };
    option.tooltip = { ...option.tooltip, backgroundColor: colour("--card"), borderColor: colour("--line"),
      textStyle: { color: ink }, formatter: figure.rows.length ? quarterTip(figure) : nodeTip };
    const down = [option.yAxis].flat();
    const lying = down.some((axis) => axis?.type === "category");
    if (lying) roomForNames(option, down[0]);
    for (const axis of [option.xAxis, option.yAxis].flat().filter(Boolean)) {
      axis.axisLabel = { ...axis.axisLabel, color: soft, fontSize: 12 };
      axis.axisLine = { ...axis.axisLine, lineStyle: { color: colour("--line") } };
      axis.splitLine = { show: axis.show !== false && axis.type !== "category" && (down.includes(axis) !== lying),
        lineStyle: { color: colour("--grid") } };
    }
    if (option.legend) option.legend.textStyle = { color: ink };
    if (option.xAxis && figure.rows.length > 12) {
      option.xAxis.axisLabel.interval = (index, quarter) => quarter.endsWith("Q1");
      option.xAxis.axisLabel.formatter = (quarter) => quarter.slice(0, 4);
    }
    for (const series of option.series) {
      if (series.markArea) series.markArea.label.color = soft;
      if (series.endLabel) series.endLabel.color = ink;
      for (const item of series.data) if (item?.label?.formatter === "{b}") item.label.color = ink;
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
      node.label.formatter = node.name.replace(" ", "\n");
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

  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 120); });
  const shade = () => { root.dataset.shade = dark() ? "dark" : "light"; };
  const repaint = () => { shade(); drawAll(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  repaint();
  root.dataset.ready = "true";
  window.charts = { dark, draw, repaint };
})();
