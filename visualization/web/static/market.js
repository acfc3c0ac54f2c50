module.exports = {
  created() { this.$options.components["chart-box"] = ChartBox; },
  data: () => ({ find: "", origin: "", sort: { key: "quarter", up: false }, again: "auction", fork_kind: "exclusivity_ban", fork_size: "", fork_lab: "", file: "market.csv", pasted: "", party: "", ahead: null }),
  computed: {
    at() { return this.world ? Math.max(0, Math.min(this.ahead === null ? this.quarter : this.ahead, this.world.quarters.length - 1)) : 0; },
    name() { return this.world ? this.world.quarters[this.at] : ""; },
    columns: () => [["quarter", "Quarter"], ["lab", "Lab"], ["provider", "Provider"], ["origin", "Origin"], ["equity_usd_bn", "Equity, $bn", 1], ["commitment_usd_bn", "Committed, $bn", 1], ["gw", "GW", 1], ["term_quarters", "Years", 1], ["exclusivity", "Clause"], ["status", "Status at the end"]].map(([key, label, number]) => ({ key, label, number: Boolean(number) })),
    parties() { return this.world ? [...this.world.providers, ...this.world.labs] : []; },
    profile() {
      const { lab, provider, active } = this.world, read = (table, column) => { const found = table[column][this.party]; return found ? found[this.at] : null; };
      if (this.world.providers.includes(this.party)) {
        return [["kind", "hyperscaler"], ["AI capacity", `${num(read(provider, "capacity_gw"))} GW`], ["capex", `$${num(read(provider, "capex_usd_bn"))}bn in the quarter`], ["utilisation", `${num(100 * read(provider, "utilisation_frac"))} %`], ["cloud share", `${num(100 * read(provider, "cloud_share_frac"))} %`]];
      }
      if (!active[this.party][this.at]) return [["kind", "lab"], ["state", "not in the market in this quarter"]];
      return [["kind", this.world.integrated.includes(this.party) ? "lab of a hyperscaler" : "lab"], ["compute", `${num(read(lab, "compute_gw"))} GW`], ["run-rate", `$${num(read(lab, "revenue_annualised_usd_bn"))}bn a year`], ["valuation", `$${num(read(lab, "valuation_usd_bn"))}bn`], ["dependence", `${num(read(lab, "dependence_hhi"))} HHI`]];
    },
    signed() { return this.world ? this.world.deals.filter((deal) => deal.quarter <= this.name) : []; },
    ledger() {
      const words = this.find.toLowerCase().split(/\s+/).filter(Boolean), { key, up } = this.sort;
      const kept = this.signed.filter((deal) => (!this.origin || deal.origin === this.origin) && words.every((word) => `${deal.quarter} ${deal.lab} ${deal.provider} ${deal.exclusivity} ${deal.status}`.toLowerCase().includes(word)));
      return kept.slice().sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0) * (up ? 1 : -1));
    },
    matrix() {
      const of = {};
      for (const pair of this.world.pairs) if (pair.delivered_gw[this.at] > 0) (of[pair.lab] = of[pair.lab] || {})[pair.provider] = pair.delivered_gw[this.at];
      return Object.entries(of).map(([lab, hosts]) => { const gw = Object.values(hosts).reduce((a, b) => a + b, 0); return { lab, gw, shares: this.world.hosts.map((host) => (hosts[host] || 0) / gw) }; }).sort((a, b) => b.gw - a.gw);
    },
    tiles() {
      const made = [["alignment_hhi", "Alignment concentration", 1, "", "HHI of the labs' compute over providers, 0 to 10,000"], ["market_hhi", "Market HHI", 1, "", "of delivered AI compute, 0 to 10,000"],
        ["utilisation_frac", "Utilisation", 100, " %", "of installed AI capacity"], ["backlog_usd_bn", "Committed spend", 1, "bn", "labs' commitments not yet delivered"], ["circularity_frac", "Circularity", 100, " %", "of providers' AI revenue is their own equity coming back"]]
        .map(([key, label, scale, unit, hint]) => this.tile(key, label, this.world.market[key].map((value) => (value === null ? null : scale * value)), unit, hint));
      made.splice(2, 0, this.dependence());
      return made;
    },
    lines() {
      const end = (values) => num(values[this.at]);
      const total = (column) => this.world.providers.reduce((sum, name) => sum + (this.world.provider[column][name][this.at] || 0), 0);
      return [{ name: "concentration", title: "Cloud-alignment concentration", sentence: `In ${this.name} it is ${end(this.world.market.alignment_hhi)}${this.fan ? "" : this.fan_note ? `; ${this.fan_note}` : ""}.`, unit: "HHI of the labs' delivered compute over providers, mean weighted by compute, 0 to 10,000" },
        { name: "capacity", title: "AI capacity", sentence: `In ${this.name} ${num(total("capacity_gw"))} GW are installed.`, unit: "GW, by provider" },
        { name: "capex", title: "Capital expenditure", sentence: `In ${this.name} the companies spend $${num(total("capex_usd_bn"))}bn.`, unit: "USD bn a quarter, all of a company's capex" },
        { name: "utilisation", title: "Utilisation", sentence: `In ${this.name} ${num(100 * this.world.market.utilisation_frac[this.at])} % of AI capacity is used.`, unit: "per cent of installed AI capacity, by provider" }];
    },
  },
  watch: { quarter(now) { if (this.playing || now === this.ahead) this.ahead = null; this.redraw(); }, world() { this.ahead = null; this.redraw(); }, fork: "redraw", fan: "redraw", share(query) { history_replace(query); }, download(file) { if (file.name) save(file.name, `data:${file.type};base64,${file.data}`); } },
  mounted() { addEventListener("theme", () => this.redraw()); history_replace(this.share); this.redraw(); },
  methods: {
    num,
    // The quarter is recorded and here already: it is drawn at once, and the server hears of it.
    move(by) { this.ahead = Math.max(0, Math.min(this.at + by, this.world ? this.world.quarters.length - 1 : 0)); if (this.ahead === this.quarter) this.ahead = null; this.redraw(); this.act({ kind: "jump", value: this.at }); },
    async take(chosen) { if (!chosen) return; this.pasted = (await chosen.text()).slice(0, 70000); this.act({ kind: "import", value: this.pasted }); },
    tone(colour) { return (dark() && this.world && this.world.dark[colour]) || (dark() && DARK[colour]) || colour; },
    sizeOf(kind) { const found = this.switches.find((each) => each.kind === kind); return found && found.size !== null ? found.size : ""; },
    order(key) { this.sort = { key, up: this.sort.key === key ? !this.sort.up : false }; },
    tile(key, label, values, unit, hint) {
      const now = values[this.at], before = this.at ? values[this.at - 1] : null, money = unit === "bn";
      const told = (value) => (value === null ? "–" : `${money ? "$" : ""}${num(value)}${unit}`);
      const moved = before === null || now === null ? "" : `${now >= before ? "+" : "−"}${num(Math.abs(now - before))}${unit === " %" ? " points" : unit} in the quarter`;
      const there = values.slice(0, this.at + 1).filter((value) => value !== null), low = Math.min(...there), high = Math.max(...there);
      const spark = there.map((value, i) => `${(100 * i) / Math.max(this.world.quarters.length - 1, 1)},${24 - (high > low ? (22 * (value - low)) / (high - low) : 11)}`).join(" ");
      return { key, label, value: told(now), change: moved, hint, spark };
    },
    dependence() {
      const found = this.world.dependence[this.at], before = this.at ? this.world.dependence[this.at - 1] : null;
      const tile = this.tile("dependence", "Largest dependence", this.world.dependence.map((each) => (each ? 100 * each[2] : null)), " %", found ? `${found[0]} on ${found[1]}, share of its compute` : "no compute is delivered");
      return before && found && (before[0] !== found[0] || before[1] !== found[1]) ? { ...tile, change: `before: ${before[0]} on ${before[1]}` } : tile;
    },
    redraw() {
      if (!this.world || this.pending) return;
      this.pending = true;
      requestAnimationFrame(() => this.$nextTick(() => { this.pending = false; this.paint(); }));
    },
    paint() {
      const tone = (colour) => this.tone(colour), { world, at } = this, box = (name) => [this.$refs[name]].flat()[0];
      if (!world || !box("graph")) return;
      const made = { graph: relationships(world, at, tone, box("graph").$el.clientWidth < 560), concentration: concentration(world, at, this.fan, this.fork, tone),
        capacity: byProvider(world, "capacity_gw", at, 1, tone), capex: byProvider(world, "capex_usd_bn", at, 1, tone), utilisation: byProvider(world, "utilisation_frac", at, 100, tone) };
      const label = { graph: `Relationships in ${this.name}` };
      for (const each of this.lines) label[each.name] = `${each.title}. ${each.sentence}`;
      for (const [name, { option, columns, rows }] of Object.entries(made)) {
        const found = box(name);
        if (found) found.draw(option, label[name], columns, rows);
        if (found && name === "graph" && !found.wired) { found.wired = true; found.$on("pick", (point) => this.pick(point)); }
      }
    },
    pick(point) {
      if (point.dataType === "node" && this.parties.includes(point.name)) { this.party = point.name; this.find = point.name; }
      if (point.dataType !== "edge") return;
      const deal = this.signed.find((each) => each.provider === point.data.source && each.lab === point.data.target);
      this.find = `${point.data.source} ${point.data.target}`;
      if (deal && this.opened.deal !== deal.deal) this.act({ kind: "open", value: deal.deal });
    },
  },
};
