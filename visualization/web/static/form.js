module.exports = {
  data: () => ({ chosen: {} }),
  created() { this.take(); },
  watch: { fields: "take" },
  methods: { take() { this.chosen = { ...Object.fromEntries(this.fields.map((each) => [each.name, each.value])) }; } },
};
