module.exports = { methods: { num } };
