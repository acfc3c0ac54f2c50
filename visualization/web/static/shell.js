module.exports = {
  data: () => ({ darkNow: false, copied: false, pages: [{ path: "/", name: "Market" }, { path: "/compare", name: "Compare" }, { path: "/experiments", name: "Experiments" }, { path: "/forecast", name: "Forecast" }] }),
  computed: { title() { return { "/": "Cloud alignment", "/compare": "Compare two worlds", "/experiments": "Experiments", "/forecast": "Forecast and hindcast" }[this.page] || ""; } },
  mounted() {
    const root = document.documentElement, kept = sessionStorage.getItem("theme");
    root.lang = "en";
    document.querySelector("meta[name=viewport]").content = "width=device-width, initial-scale=1";
    if (kept) root.dataset.theme = kept;
    this.note();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.note());
  },
  methods: {
    note() {
      const set = document.documentElement.dataset.theme;
      this.darkNow = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      dispatchEvent(new Event("theme"));
    },
    theme() {
      const next = this.darkNow ? "light" : "dark";
      document.documentElement.dataset.theme = next; sessionStorage.setItem("theme", next);
      this.note();
    },
    async copy() { await navigator.clipboard.writeText(location.href).catch(() => {}); this.copied = true; setTimeout(() => { this.copied = false; }, 1500); },
  },
};
