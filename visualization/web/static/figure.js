const tinted = (option, map) => JSON.parse(JSON.stringify(option, (key, value) => (dark() && map[value]) || value));
module.exports = {
  created() { this.$options.components["chart-box"] = ChartBox; },
  watch: { figure: "paint" },
  mounted() { addEventListener("theme", () => this.paint()); this.paint(); },
  methods: {
    paint() {
      if (!this.$refs.box || !this.figure.option) return;
      const option = tinted(this.figure.option, this.figure.dark);
      for (const axis of [option.xAxis].flat()) if (axis && axis.type === "category" && this.figure.rows.length > 12) {
        axis.axisLabel = { interval: (i, name) => String(name).endsWith("Q1"), formatter: (name) => String(name).slice(0, 4) };
      }
      for (const series of [option.series].flat()) if (series && series.endLabel) series.endLabel.color = css("--ink");
      option.grid = { containLabel: true, ...option.grid };
      this.$refs.box.draw(option, `${this.figure.title}. ${this.figure.sentence}`, this.figure.columns, this.figure.rows);
    },
  },
};
