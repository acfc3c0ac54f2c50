// Options of the market page's charts from the recorded world, up to the quarter that is shown.
const DASHES = ["solid", "dashed", "dotted", [10, 3, 2, 3], [14, 4], [2, 2], [6, 2, 2, 2, 2, 2]];
const upTo = (values, at) => values.map((value, i) => (i <= at ? value : null));
const timeAxis = (quarters) => ({ type: "category", data: quarters, boundaryGap: false,
  axisLabel: { interval: (i, name) => name.endsWith("Q1"), formatter: (name) => name.slice(0, 4), hideOverlap: true } });
const grid = { left: 8, right: 14, top: 34, bottom: 6, containLabel: true };
const imposed = (world) => (world.known < 0 ? undefined : { silent: true, itemStyle: { color: "rgba(128,140,155,.13)" },
  label: { color: css("--soft"), position: "insideTopLeft", fontSize: 11 },
  data: [[{ name: "history", xAxis: world.quarters[0] }, { xAxis: world.quarters[Math.min(world.known, world.quarters.length - 1)] }]] });
const line = (name, data, colour, dash, extra) => ({ name, type: "line", showSymbol: false, data, lineStyle: { color: colour, type: dash, width: 2 }, itemStyle: { color: colour }, ...extra });

const concentration = (world, at, fan, fork, tone) => {
  const blue = tone("#0072B2"), red = tone("#D55E00"), series = [];
  if (fan) {
    series.push({ name: "10 %", type: "line", data: fan[0], stack: "fan", symbol: "none", lineStyle: { opacity: 0 }, tooltip: { show: false } });
    series.push({ name: "80 % of runs", type: "line", data: fan[2].map((high, i) => (high === null ? null : high - fan[0][i])), stack: "fan", symbol: "none", lineStyle: { opacity: 0 }, areaStyle: { color: blue, opacity: 0.16 }, itemStyle: { color: blue, opacity: 0.3 }, tooltip: { show: false } });
  }
  series.push(line("this run", upTo(world.market.alignment_hhi, at), blue, "solid", { markArea: imposed(world) }));
  if (fork) series.push(line(fork.name, upTo(fork.market.alignment_hhi, at), red, "dashed"));
  const rows = world.quarters.slice(0, at + 1).map((name, i) => [name, world.market.alignment_hhi[i], ...(fork ? [fork.market.alignment_hhi[i]] : []), ...(fan ? [fan[0][i], fan[2][i]] : [])]);
  return { option: { grid, legend: { top: 0, left: 0, data: ["this run", ...(fork ? [fork.name] : []), ...(fan ? ["80 % of runs"] : [])] }, tooltip: { trigger: "axis", valueFormatter: num },
    xAxis: timeAxis(world.quarters), yAxis: { type: "value", scale: true, max: 10000 }, series },
    columns: ["quarter", "this run", ...(fork ? [fork.name] : []), ...(fan ? ["10 %", "90 %"] : [])], rows };
};

const byProvider = (world, column, at, scale, tone) => {
  const names = Object.keys(world.provider[column]).filter((name) => world.provider[column][name].some((value) => value));
  const values = names.map((name) => world.provider[column][name].map((value) => (value === null ? null : scale * value)));
  return { option: { grid, legend: { top: 0, left: 0, type: "scroll", data: names }, tooltip: { trigger: "axis", valueFormatter: num }, xAxis: timeAxis(world.quarters), yAxis: { type: "value", ...(column === "utilisation_frac" ? { min: 0, max: 100 } : {}) },
    series: names.map((name, i) => line(name, upTo(values[i], at), tone(world.colours[name]), DASHES[i % DASHES.length])) },
    columns: ["quarter", ...names], rows: world.quarters.slice(0, at + 1).map((name, i) => [name, ...values.map((each) => each[i])]) };
};

const dotsAt = (world, at, tone) => {
  const seen = {}, made = [], signs = world.dots[at] || "", scale = Math.min(1, Math.sqrt(300 / Math.max(signs.length, 1)));
  const across = Math.round(11 / scale), middle = [world.size[0] / 2, world.size[1] / 2];
  for (const sign of signs) {
    const uses = sign < "a", cloud = world.clouds[sign.charCodeAt(0) - (uses ? 48 : 97)];
    const place = world.places[cloud] || middle, rank = (seen[cloud] = (seen[cloud] ?? -1) + 1);
    const outward = Math.atan2(place[1] - middle[1], place[0] - middle[0]), row = Math.floor(rank / across), column = rank % across;
    const angle = outward + (column - (across - 1) / 2) * 0.23 * scale + (row % 2 ? 0.115 * scale : 0), radius = 52 + 14 * scale * row, colour = tone(world.colours[cloud] || "#7A7F87");
    made.push({ name: `${cloud} enterprise ${rank}`, x: place[0] + radius * Math.cos(angle), y: place[1] + radius * Math.sin(angle), symbol: "circle", symbolSize: 2 + 3 * scale,
      itemStyle: uses ? { color: colour, opacity: 0.75 } : { color: "transparent", borderColor: colour, borderWidth: 1, opacity: 0.6 }, label: { show: false }, tooltip: { show: false }, emphasis: { disabled: true }, cursor: "default" });
  }
  return made;
};

// The layout is wide; the card is nearly square, and on a phone upright.
const stretched = (world, narrow) => {
  const high = narrow ? 1 : 1.5;
  return { ...world, size: [world.size[0], world.size[1] * high], places: Object.fromEntries(Object.entries(world.places).map(([name, [x, y]]) => [name, [x, y * high]])) };
};

const relationships = (given, at, tone, narrow) => {
  const world = stretched(given, narrow);
  const quarter = world.quarters[at], links = [], rows = [], main = {}, ink = css("--ink");
  const tie = (source, target, kind, amount, unit, colour, dash, curve, scale) => {
    links.push({ source, target, value: `${kind}: ${num(amount)} ${unit}`, lineStyle: { color: tone(colour), type: dash, curveness: curve, width: Math.min(1.2 + scale * Math.sqrt(amount), 8), opacity: 0.75 } });
    rows.push([source, target, kind, amount, unit]);
  };
  for (const pair of world.pairs) {
    if (!world.active[pair.lab][at] || !world.places[pair.provider]) continue;
    const gw = pair.delivered_gw[at];
    if (gw > 1e-9) { tie(pair.provider, pair.lab, "compute delivered", gw, "GW", "#0072B2", "solid", 0, 1.5); if (!main[pair.lab] || main[pair.lab][0] < gw) main[pair.lab] = [gw, pair.provider]; }
    if (pair.committed_usd_bn[at] > 1e-9) tie(pair.provider, pair.lab, "commitment", pair.committed_usd_bn[at], "USD bn", "#009E73", "dotted", 0.16, 0.16);
    if (pair.stake_frac[at] > 1e-9) tie(pair.provider, pair.lab, "equity", 100 * pair.stake_frac[at], "% stake", "#D55E00", "dashed", -0.16, 0.28);
  }
  const money = {};
  for (const deal of world.deals) if (deal.quarter <= quarter && !world.hosts.includes(deal.provider) && deal.equity_usd_bn > 0 && world.places[deal.provider] && world.active[deal.lab] && world.active[deal.lab][at]) {
    const key = `${deal.provider}|${deal.lab}`; money[key] = (money[key] || 0) + deal.equity_usd_bn;
  }
  for (const [key, amount] of Object.entries(money)) tie(...key.split("|"), "equity", amount, "USD bn", "#D55E00", "dashed", -0.16, 0.2);
  const node = (name, size, symbol, colour, hint) => ({ name, x: world.places[name][0], y: world.places[name][1], symbol, symbolSize: size, itemStyle: { color: colour }, value: hint,
    label: { show: true, position: "bottom", fontSize: 12, color: ink, textBorderColor: css("--card"), textBorderWidth: 3 } });
  const capacity = world.provider.capacity_gw, largest = Math.max(...world.providers.map((name) => capacity[name][at] || 0), 1e-9);
  const nodes = world.providers.map((name) => node(name, 26 + 30 * Math.sqrt((capacity[name][at] || 0) / largest), "circle", tone(world.colours[name]), `hyperscaler, ${num(capacity[name][at])} GW of AI capacity`));
  const compute = world.lab.compute_gw, most = Math.max(...world.labs.map((name) => compute[name][at] || 0), 1e-9);
  for (const name of world.labs) if (world.active[name][at]) nodes.push(node(name, 14 + 18 * Math.sqrt((compute[name][at] || 0) / most), "rect", tone(main[name] ? world.colours[main[name][1]] || "#7A7F87" : "#7A7F87"), `lab, ${num(compute[name][at])} GW of compute${main[name] ? `, mostly at ${main[name][1]}` : ""}`));
  const named = new Set(nodes.map((each) => each.name));
  for (const name of new Set(links.map((each) => each.source))) if (!named.has(name)) nodes.push(node(name, 14, world.hosts.includes(name) ? "circle" : "diamond", tone("#7A7F87"), world.hosts.includes(name) ? "host, no agent" : "supplier or investor"));
  const corners = [[0, 0], world.size].map(([x, y], i) => ({ name: `corner ${i}`, x, y, symbol: "none", symbolSize: 0, label: { show: false } }));
  let data = [...corners, ...(narrow ? [] : dotsAt(world, at, tone)), ...nodes];
  if (narrow) data = data.map((each) => ({ ...each, x: each.y, y: each.x, symbolSize: (each.symbolSize || 0) * 0.75 }));
  return { option: { tooltip: { formatter: (point) => (point.dataType === "edge" ? `${point.data.source} – ${point.data.target}<br>${point.data.value}` : `<b>${point.name}</b><br>${point.data.value || ""}`) },
    series: [{ type: "graph", layout: "none", left: "center", top: 24, height: "88%", data, links, roam: false, emphasis: { focus: "adjacency", scale: false }, blur: { itemStyle: { opacity: 0.15 }, lineStyle: { opacity: 0.06 } } }] },
    columns: ["from", "to", "kind", "amount", "unit"], rows };
};
