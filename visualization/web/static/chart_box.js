// A chart with its data table and downloads. It draws what it is given and says with `data-seq` how often it has drawn.
const library = (() => {
  let wanted = null;
  return () => wanted || (wanted = fetch(`${(window.solara && window.solara.cdn) || "_solara/cdn"}/echarts@5.4.0/dist/echarts.min.js`)
    .then((answer) => answer.text())
    .then((text) => { const made = { exports: {} }; new Function("module", "exports", "define", text)(made, made.exports, undefined); return made.exports; }));
})();
const dark = () => document.documentElement.dataset.theme === "dark" ||
  (document.documentElement.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const themed = (option) => {
  const ink = css("--ink"), soft = css("--soft");
  const made = { ...option, animation: false, textStyle: { color: ink, fontFamily: getComputedStyle(document.body).fontFamily } };
  made.tooltip = { confine: true, backgroundColor: css("--card"), borderColor: css("--line"), textStyle: { color: ink }, ...option.tooltip };
  for (const key of ["xAxis", "yAxis"]) {
    if (!made[key]) continue;
    made[key] = [made[key]].flat().map((axis) => ({ ...axis, axisLabel: { fontSize: 12, ...axis.axisLabel, color: soft },
      axisLine: { lineStyle: { color: css("--line") } },
      splitLine: { show: key === "yAxis" && axis.type !== "category", lineStyle: { color: css("--grid") } } }));
  }
  if (made.series) made.series = [made.series].flat().map((each) => (each.markArea
    ? { ...each, markArea: { ...each.markArea, label: { ...each.markArea.label, color: soft } } } : each));
  if (made.legend) made.legend = { ...made.legend, textStyle: { color: ink } };
  return made;
};
const save = (name, url) => { const link = document.createElement("a"); link.href = url; link.download = name; link.click(); };
const csvCell = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};
const ChartBox = {
  props: ["name"],
  template: `<div class="chart-box">
    <div class="chart" :class="name" :data-chart="name" :data-seq="seq" ref="box" role="img" :aria-label="label"></div>
    <div class="behind"><details @toggle="open = $event.target.open"><summary>Data table</summary>
      <div v-if="open" class="scroll" tabindex="0" role="region" :aria-label="'Data: ' + label"><table>
        <thead><tr><th v-for="c in columns" :key="c" scope="col">{{ c }}</th></tr></thead>
        <tbody><tr v-for="(row, i) in rows()" :key="i"><th scope="row">{{ row[0] }}</th><td v-for="(cell, j) in row.slice(1)" :key="j" :class="{n: typeof cell !== 'string'}">{{ typeof cell === 'string' ? cell : num(cell) }}</td></tr></tbody></table></div></details>
      <span class="saves"><button type="button" class="link" @click="csv">CSV</button> <button type="button" class="link" @click="picture('png')">PNG</button> <button type="button" class="link" @click="picture('svg')">SVG</button></span></div></div>`,
  data: () => ({ seq: 0, label: "", columns: [], open: false, given: null, table: [] }),
  mounted() { this.watcher = new ResizeObserver(() => this.chart && this.chart.resize()); this.watcher.observe(this.$refs.box); if (this.given) this.show(); },
  beforeDestroy() { this.watcher.disconnect(); if (this.chart) this.chart.dispose(); },
  methods: {
    num,
    rows() { return this.table; },
    draw(option, label, columns, rows) {
      this.given = { option, label, columns, rows };
      this.label = label; this.columns = columns; this.table = rows;
      return this.show();
    },
    async show() {
      const echarts = await library();
      if (!this.$refs.box) return;
      if (!this.chart) {
        this.chart = this.$refs.box.chart = echarts.init(this.$refs.box);
        this.chart.on("click", (point) => this.$emit("pick", point));
      }
      this.chart.setOption(themed(this.given.option), { notMerge: true });
      this.seq += 1;
    },
    csv() { save(`${this.name}.csv`, `data:text/csv;charset=utf-8,${encodeURIComponent([this.columns, ...this.table].map((row) => row.map(csvCell).join(",")).join("\n"))}`); },
    // Drawn again out of sight: on the page charts are canvases, which are drawn fastest.
    async picture(kind) {
      const echarts = await library(), box = document.createElement("div");
      box.style.cssText = `position:absolute;left:-9999px;width:${this.$refs.box.clientWidth}px;height:${this.$refs.box.clientHeight}px`;
      document.body.append(box);
      const copy = echarts.init(box, null, kind === "svg" ? { renderer: "svg" } : { renderer: "canvas", devicePixelRatio: 2 });
      copy.setOption(themed(this.given.option), { notMerge: true });
      if (kind === "svg") save(`${this.name}.svg`, `data:image/svg+xml;charset=utf-8,${encodeURIComponent(copy.renderToSVGString())}`);
      else save(`${this.name}.png`, copy.getDataURL({ backgroundColor: css("--card"), pixelRatio: 2 }));
      copy.dispose(); box.remove();
    },
  },
};
