"use strict";
/* Draws what the library computed, and adds up contributions of paths: exactly, where they are fractions.
   Nothing here simulates a neuron or computes a gradient. */
(function () {

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
let data, config, weight, now, switches, chosen, timer, neuron;

/* ---- numbers: whole numbers and "3/8" are exact, others floats ---- */

const isExact = (v) => typeof v === "string" || (data.exact && Number.isInteger(v));
function parts(v) {
  const [n, d] = String(v).split("/");
  return [BigInt(n), d === undefined ? 1n : BigInt(d)];
}
function value(v) {
  if (typeof v === "number") return v;
  const [n, d] = v.split("/");
  return Number(n) / (d === undefined ? 1 : Number(d));
}
function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}
function add(values) {
  if (!values.every(isExact)) return values.reduce((sum, v) => sum + value(v), 0);
  let [n, d] = [0n, 1n];
  for (const v of values) {
    const [p, q] = parts(v);
    n = n * q + p * d;
    d *= q;
    const g = gcd(n, d) || 1n;
    n /= g;
    d /= g;
  }
  return d === 1n ? (n <= 9007199254740991n && n >= -9007199254740991n ? Number(n) : String(n)) : `${n}/${d}`;
}
function decimal(x, digits = 4) {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return String(x);
  const text = Math.abs(x) < 1e-4 || Math.abs(x) >= 1e6 ? x.toExponential(2) : String(Number(x.toPrecision(digits)));
  return text.replace("-", "−");
}
function say(v, width = 7, precision = 4) {
  if (v === null || v === undefined) return "–";
  if (isExact(v) && String(v).length <= width) return String(v).replace("-", "−");
  return decimal(value(v), precision);
}
/** A short fraction with its decimal, or the decimal alone. */
function sayBoth(v) {
  const short = say(v, 15);
  return short.includes("/") ? `${short} = ${decimal(value(v))}` : short;
}

/* ---- small helpers ---- */

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  fill(element, attributes, children);
  return element;
}
function fill(element, attributes, children) {
  for (const [name, v] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), v);
    else if (v === true) element.setAttribute(name, "");
    else if (v !== false && v !== null && v !== undefined) element.setAttribute(name, v);
  }
  element.append(...children.filter((child) => child !== null));
}
function put(id, ...children) {
  $(id).replaceChildren(...children);
}
function drawing(id, height, label, paint) {
  const width = Math.max(260, Math.floor($(id).clientWidth || 600));
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  paint(picture, width);
  put(id, picture);
}
/** Words in which "V_th" is to be read as V with a th below. */
function rich(words) {
  return words.split(/(?<=[Vv])_(th|reset)\b/).map((part, k) => (k % 2 ? make("sub", {}, part) : part));
}
const text = (x, y, words, attributes = {}) => draw("text", { x, y, ...attributes }, words);
const SUPER = "⁰¹²³⁴⁵⁶⁷⁸⁹", SUB = "₀₁₂₃₄₅₆₇₈₉";
const digits = (n, table) => String(n).split("").map((c) => table[c]).join("");
const up = (l) => digits(l + 1, SUPER);
const down = (i) => digits(i + 1, SUB);
const layerName = (l) => (data.layers[l].spiking ? `layer ${l + 1}` : "readout");
const neuronName = (l, i) => (data.layers[l].spiking ? `neuron ${i + 1} of layer ${l + 1}` : `output ${i + 1}`);
const potentialName = (l, i) => (data.layers[l].spiking ? "u" : "o") + up(l) + down(i);
const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

/* ---- the paths of the chosen weight ---- */

const own = () => data.weights[weight];
const groups = () => own().groups.map((group, k) => ({
  ...group, k, value: config.contributions[weight][k], paths: config.counts[weight][k],
}));
function isLit(group) {
  return (
    group.waits.every((l) => switches.waits.has(l)) &&
    (!group.resets || switches.resets) &&
    (!group.loops || switches.loops) &&
    (!group.traced || switches.traces)
  );
}
/** The layers in which some path of the weight waits, and what else can make a difference. */
function choicesOf(w) {
  const all = data.weights[w].groups;
  return {
    waits: [...new Set(all.flatMap((group) => group.waits))].sort((a, b) => a - b),
    resets: all.some((group) => group.resets),
    loops: all.some((group) => group.loops),
    traces: all.some((group) => group.traced),
  };
}
/** The names of the methods that keep the very paths that are lit. */
function litMethods() {
  const all = groups();
  return data.methods.filter((method) => all.every((group) => isLit(group) === group.methods.includes(method.name)));
}
function setTo(name) {
  const kept = own().groups.filter((group) => group.methods.includes(name));
  switches = {
    waits: new Set(kept.flatMap((group) => group.waits)),
    resets: kept.some((group) => group.resets),
    loops: kept.some((group) => group.loops),
    traces: kept.some((group) => group.traced),
  };
}

/* ---- 1: one neuron, and the sliders ---- */

function paintSliders() {
  put("sliders", ...data.sliders.map((slider, k) => {
    const id = `slider-${slider.name}`;
    const said = make("output", { for: id }, say(slider.values[state.at[k]]));
    const input = make("input", {
      type: "range", id, min: 0, max: slider.values.length - 1, step: 1, value: state.at[k],
      "aria-valuetext": said.textContent,
      disabled: slider.values.length < 2,
      oninput: (event) => {
        state.at[k] = Number(event.target.value);
        said.textContent = say(slider.values[state.at[k]]);
        event.target.setAttribute("aria-valuetext", said.textContent);
        takeConfig();
        paint();
        announce();
      },
    });
    return make("div", { class: "slider" }, make("label", { for: id }, make("span", {}, ...rich(`${slider.label} ${slider.symbol}`)), said), input);
  }));
}
const state = { at: [] };
function takeConfig() {
  let index = 0;
  data.sliders.forEach((slider, k) => { index = index * slider.values.length + state.at[k]; });
  config = data.configs[index];
}

function paintNeuronChoice() {
  const options = [];
  data.layers.forEach((layer, l) => {
    for (let i = 0; i < layer.size; i++) options.push(make("option", { value: `${l},${i}` }, neuronName(l, i)));
  });
  put("neuron", ...options);
  $("neuron").value = neuron.join(",");
}

function paintPotential() {
  const [l, i] = neuron, layer = config.layers[l], T = data.T;
  const u = layer.u[i].map(value), after = layer.after[i].map(value), spiking = data.layers[l].spiking;
  const threshold = spiking ? value(layer.threshold[i]) : null;
  const high = Math.max(...u, threshold ?? 0, 0.1) * 1.15, low = Math.min(0, ...u, ...after) * 1.15;
  const spikes = spiking ? layer.s[i].map((s, t) => [value(s), t]).filter(([s]) => s > 0).map(([, t]) => t + 1) : [];
  const said = `Potential of ${neuronName(l, i)}: ${u.map((v) => decimal(v, 3)).join(", ")}.` +
    (spiking ? ` Threshold ${say(layer.threshold[i])}. Spikes at time steps ${spikes.join(", ") || "none"}.` : "");
  drawing("potential", 210, said, (picture, width) => {
    const left = 34, right = 16, top = 10, bottom = 184;
    const x = (t) => left + ((width - left - right) * (t + 1)) / T;
    const y = (v) => bottom - ((v - low) / (high - low)) * (bottom - top);
    picture.append(draw("path", { class: "thin", d: `M${left} ${y(0)} H${width - right}` }));
    picture.append(text(4, y(0) + 4, "0", { class: "small" }));
    if (spiking) {
      picture.append(draw("path", { class: "thin dashed", d: `M${left} ${y(threshold)} H${width - right}` }));
      picture.append(text(4, y(threshold) + 4, "V"), text(13, y(threshold) + 7, "th", { class: "small" }));
    }
    let path = `M${x(-1)} ${y(0)}`;
    for (let t = 0; t < now; t++) {
      path += ` L${x(t)} ${y(u[t])}`;
      if (after[t] !== u[t]) {
        picture.append(draw("path", { class: "thin", d: `M${x(t)} ${y(u[t])} V${y(after[t])}` }));
        path += ` M${x(t)} ${y(after[t])}`;
      }
    }
    picture.append(draw("path", { class: "line", d: path }));
    for (let t = 0; t < T; t++) {
      picture.append(text(x(t), 204, `t = ${t + 1}`, { class: "small quiet-text", "text-anchor": "middle" }));
      if (t >= now) continue;
      const fired = spiking && value(layer.s[i][t]) > 0;
      picture.append(draw("circle", { class: fired ? "dot on" : "dot", cx: x(t), cy: y(u[t]), r: 5 }));
    }
  });
}

/* ---- 2: the surrogate ---- */

function paintSurrogate() {
  const [l, i] = data.layers[neuron[0]].spiking ? neuron : [data.layers.findIndex((layer) => layer.spiking), 0];
  if (l < 0) return put("surrogate", "No layer of this network spikes.");
  const curve = config.curve, layer = config.layers[l];
  const points = layer.u[i].map((u, t) => [value(layer.distance[i][t]), value(layer.psi[i][t]), t]).slice(0, now);
  const reach = Math.max(...curve.z.map(Math.abs));
  const high = Math.max(1, ...curve.psi) * 1.08;
  const said = `The surrogate derivative of ${neuronName(l, i)}: ` +
    points.map(([z, psi, t]) => `at time step ${t + 1} u − V_th is ${decimal(z, 3)} and ψ ${decimal(psi, 3)}`).join("; ") + ".";
  drawing("surrogate", 210, said, (picture, width) => {
    const left = 26, right = 14, top = 14, bottom = 176;
    const x = (z) => left + ((Math.max(-reach, Math.min(reach, z)) + reach) / (2 * reach)) * (width - left - right);
    const y = (v) => bottom - (v / high) * (bottom - top);
    picture.append(draw("path", { class: "thin", d: `M${left} ${y(0)} H${width - right}` }));
    picture.append(draw("path", { class: "thin", d: `M${x(-reach)} ${y(0)} H${x(0)} V${y(1)} H${x(reach)}` }));
    picture.append(draw("path", { class: "curve", d: "M" + curve.z.map((z, k) => `${x(z)} ${y(curve.psi[k])}`).join(" L") }));
    picture.append(text(x(0), 192, "u = V", { "text-anchor": "middle", class: "small" }), text(x(0) + 15, 195, "th", { class: "small" }));
    picture.append(text(width - right, 206, "u − Vth →", { "text-anchor": "end", class: "small quiet-text" }));
    picture.append(text(4, y(1) + 4, "1", { class: "small" }), text(4, y(0) + 4, "0", { class: "small" }));
    picture.append(text(x(reach) - 6, y(1) - 5, "the step", { "text-anchor": "end", class: "small quiet-text" }));
    const labels = new Map(); // of dots that lie upon each other, one label
    points.forEach(([z, psi, t]) => {
      picture.append(draw("circle", { class: value(layer.s[i][t]) > 0 ? "dot on" : "dot", cx: x(z), cy: y(psi), r: 5 }));
      const place = `${Math.round(x(z))} ${Math.round(y(psi))} ${Math.sign(z) || 1} ${Math.abs(z) > reach}`;
      labels.set(place, [...(labels.get(place) ?? []), t + 1]);
    });
    labels.forEach((times, place) => {
      const [px, py, side, beyond] = place.split(" ");
      picture.append(text(Number(px) + 9 * Number(side), Number(py) - (py > y(0) - 4 ? 8 : -4), `${times.join(", ")}${beyond === "true" ? " (beyond)" : ""}`,
        { "text-anchor": Number(side) < 0 ? "end" : "start", class: "small" }));
    });
  });
}

/* ---- 3: the network ---- */

function geometry(width) {
  const narrow = width < 480, left = narrow ? 36 : 88, right = 8, column = (width - left - right) / data.T;
  const rows = new Map();
  let y = 26;
  const rowHeight = { error: 30, neuron: narrow ? 44 : 50, input: 34 };
  const last = data.layers.length - 1;
  for (let i = 0; i < data.layers[last].size; i++) { rows.set(`e,${i}`, y); y += rowHeight.error; }
  for (let l = last; l >= 0; l--) {
    y += narrow ? 16 : 22;
    for (let i = data.layers[l].size - 1; i >= 0; i--) { rows.set(`${l},${i}`, y); y += rowHeight.neuron; }
  }
  y += narrow ? 12 : 18;
  for (let j = data.inputs - 1; j >= 0; j--) { rows.set(`-1,${j}`, y); y += rowHeight.input; }
  const size = [Math.min(column - (narrow ? 16 : 20), 62), narrow ? 30 : 34];
  return { narrow, left, right, column, rows, size, height: y + 4, x: (t) => left + column * (t + 0.5), y: (key) => rows.get(String(key)) };
}

/** The edges of a group of paths, as [key of the row, t] pairs; a bias begins at its own neuron. */
function edgesOf(group) {
  const edges = [], last = group.stops.at(-1);
  if (group.source !== null && group.start >= 0) {
    edges.push([[[group.source.join(","), group.start], [group.stops[0].slice(0, 2).join(","), group.stops[0][2]]], false]);
  }
  group.stops.forEach(([l, i, from, to], k) => {
    for (let t = from; t < to; t++) edges.push([[[`${l},${i}`, t], [`${l},${i}`, t + 1]], true]);
    const next = group.stops[k + 1];
    if (next) edges.push([[[`${l},${i}`, to], [`${next[0]},${next[1]}`, next[2]]], false]);
  });
  edges.push([[[`${last[0]},${last[1]}`, last[3]], [`e,${last[1]}`, last[3]]], false]);
  return edges;
}
const ends = (group) => group.stops.at(-1)[3];

function paintNetwork() {
  const all = groups().filter((group) => value(group.value) !== 0);
  const lit = all.filter(isLit);
  const said = `The network over ${data.T} time steps. ${lit.length} of ${all.length} routes of ${own().name} are lit. ` +
    "The tables below have every number.";
  const width = Math.max(260, Math.floor($("network").clientWidth || 600)), g = geometry(width);
  drawing("network", g.height, said, (picture) => {
    picture.append(draw("rect", { class: "now", x: g.x(now - 1) - g.column / 2, y: 0, width: g.column, height: g.height, rx: 6 }));
    for (let t = 0; t < data.T; t++) {
      picture.append(text(g.x(t), 12, g.narrow ? `${t + 1}` : `t = ${t + 1}`, { "text-anchor": "middle", class: "small quiet-text" }));
    }
    rowNames(picture, g);
    wires(picture, g, all);
    litEdges(picture, g, lit);
    for (let t = 0; t < data.T; t++) nodes(picture, g, t);
    if (chosen !== null) {
      const group = all.find((each) => each.k === chosen);
      if (group) picture.append(draw("path", { class: "chosen", d: edgesOf(group).map(([edge, wait]) => line(g, edge, wait)).join(" ") }));
    }
    for (let t = 0; t < data.T; t++) {
      picture.append(draw("rect", {
        x: g.x(t) - g.column / 2, y: 0, width: g.column, height: g.height, fill: "transparent", style: "cursor:pointer",
        onclick: () => setTime(t + 1),
      }));
    }
  });
}
function line(g, [[a, t], [b, later]], wait) {
  const x1 = g.x(t), y1 = g.y(a), x2 = g.x(later), y2 = g.y(b);
  if (wait) return `M${x1 + g.size[0] / 2} ${y1} H${x2 - g.size[0] / 2}`;
  const upwards = y2 < y1, half = (key) => (key.startsWith("e") ? 9 : key.startsWith("-1") ? 9 : g.size[1] / 2);
  if (!upwards) return `M${x1 + g.size[0] / 2} ${y1} C${x1 + g.column * 0.6} ${y1} ${x2 - g.column * 0.6} ${y2} ${x2 - g.size[0] / 2} ${y2}`;
  const between = [...g.rows.values()].some((y) => y < y1 && y > y2);
  if (!between) return `M${x1} ${y1 - half(a)} L${x2} ${y2 + half(b)}`;
  // around what lies between, so that no path seems to go through a neuron that it does not enter
  const aside = (g.size[0] / 2 + (g.narrow ? 5 : 6)) / 0.75 + (g.narrow ? 1 : 7), from = g.size[0] / 4;
  return `M${x1 - from} ${y1 - half(a)} C${x1 - aside} ${y1 - half(a) - 12} ${x2 - aside} ${y2 + half(b) + 12} ${x2 - from} ${y2 + half(b)}`;
}
function rowNames(picture, g) {
  const put = (key, words) => picture.append(text(g.left - 4, g.y(key) + 4, words, { "text-anchor": "end" }));
  for (const key of g.rows.keys()) {
    const [l, i] = key.split(",");
    if (l === "e") put(key, (g.narrow ? "e" : "error e") + (data.layers.at(-1).size > 1 ? down(Number(i)) : ""));
    else if (l === "-1") put(key, (g.narrow ? "x" : "input x") + down(Number(i)));
    else put(key, (g.narrow ? "" : data.layers[l].spiking ? "neuron " : "output ") + potentialName(Number(l), Number(i)));
  }
}
/** Every way that some path of the weight takes, thin: what could carry. */
function wires(picture, g, all) {
  const seen = new Set();
  all.forEach((group) => edgesOf(group).forEach(([edge, wait]) => {
    const d = line(g, edge, wait);
    if (!seen.has(d)) picture.append(draw("path", { class: "wire", d }));
    seen.add(d);
  }));
}
/** Lit ways, as thick as what they carry together; those that end later than now are faint. */
function litEdges(picture, g, lit) {
  const edges = new Map();
  lit.forEach((group) => edgesOf(group).forEach(([edge, wait]) => {
    const d = line(g, edge, wait), seen = edges.get(d) ?? { plus: 0, minus: 0, ended: false };
    const v = value(group.value);
    if (v > 0) seen.plus += v; else seen.minus -= v;
    seen.ended ||= ends(group) < now;
    edges.set(d, seen);
  }));
  const most = Math.max(1e-12, ...amounts(edges));
  const thick = (amount) => (1.6 + 7 * Math.sqrt(amount / most)).toFixed(2);
  edges.forEach((seen, d) => {
    const late = seen.ended ? "" : " late";
    if (seen.plus > 0) picture.append(draw("path", { class: `lit plus${late}`, d, "stroke-width": thick(seen.plus + seen.minus) }));
    if (seen.minus > 0) { // dashes on the paper's colour, to be seen upon the others
      picture.append(draw("path", { class: `lit under${late}`, d, "stroke-width": thick(seen.minus) }));
      picture.append(draw("path", { class: `lit minus${late}`, d, "stroke-width": thick(seen.minus) }));
    }
  });
}
const amounts = (edges) => [...edges.values()].map((seen) => seen.plus + seen.minus);

function nodes(picture, g, t) {
  const future = t >= now, [w, h] = g.size, x = g.x(t);
  for (const [key, y] of g.rows) {
    const [first, i] = key.split(","), l = Number(first);
    if (first === "e" || l < 0) {
      const v = first === "e" ? config.errors_out[i][t] : config.x[i][t];
      const half = first === "e" ? 14 : 12;
      picture.append(draw("rect", { class: `node${future ? " future" : value(v) !== 0 && l < 0 ? " fired" : ""}`, x: x - half - 4, y: y - 9, width: 2 * half + 8, height: 18, rx: 3 }));
      if (!future) picture.append(text(x, y + 4, say(v, 5), { "text-anchor": "middle", class: "small" }));
      continue;
    }
    const layer = config.layers[l], spiking = data.layers[l].spiking, u = layer.u[i][t];
    const fired = spiking && !future && value(layer.s[i][t]) > 0;
    picture.append(draw("rect", { class: `node${future ? " future" : ""}${fired ? " fired" : ""}`, x: x - w / 2, y: y - h / 2, width: w, height: h, rx: 5 }));
    if (future) continue;
    if (spiking) {
      const scale = 2 * value(layer.threshold[i]);
      const level = Math.max(0, Math.min(1, value(u) / scale));
      picture.append(draw("rect", { class: "level", x: x - w / 2 + 2, y: y + h / 2 - 2 - level * (h - 4), width: w - 4, height: level * (h - 4), rx: 3 }));
      picture.append(draw("path", { class: "threshold", d: `M${x - w / 2} ${y} H${x + w / 2}` }));
      if (fired) picture.append(draw("circle", { class: "fill", cx: x + w / 2 - 1, cy: y - h / 2 + 1, r: g.narrow ? 4 : 5.5 }));
    }
    picture.append(text(x, y + (g.narrow ? 11 : 13), say(u, g.narrow ? 4 : 6, g.narrow ? 3 : 4), { "text-anchor": "middle", class: "small" }));
  }
}
function paintKey() {
  const sample = (part, words) => make("span", {}, draw("svg", { viewBox: "0 0 34 12" }, ...part), words);
  const stroke = (name, thick) => [draw("path", { class: name, d: "M1 6 H33", "stroke-width": thick })];
  put("key",
    sample(stroke("lit plus", 4), "lit, contributes > 0"), sample(stroke("lit minus", 4), "lit, contributes < 0"),
    sample(stroke("lit plus late", 4), "ends later"), sample(stroke("wire", 1), "switched off"),
    sample([draw("rect", { class: "node", x: 4, y: 1, width: 26, height: 10, rx: 3 }), draw("rect", { class: "level", x: 5, y: 5, width: 24, height: 5 }),
      draw("path", { class: "threshold", d: "M4 4 H30" })], "potential, threshold"),
    sample([draw("circle", { class: "fill", cx: 17, cy: 6, r: 5 })], "spike"));
}

/* ---- 3: the controls ---- */

function paintWeights() {
  const byParameter = new Map();
  data.weights.forEach((each, k) => byParameter.set(each.parameter, [...(byParameter.get(each.parameter) ?? []), k]));
  const parts = [make("legend", {}, "The gradient of which weight?")];
  byParameter.forEach((those, parameter) => {
    const words = data.weights[those[0]].group;
    parts.push(make("div", { class: "group-name" }, words));
    parts.push(make("div", { class: "choices" }, ...those.map((k) => make("label", { class: "choice", title: data.weights[k].words },
      make("input", {
        type: "radio", name: "weight", value: k, checked: k === weight, "aria-label": `${data.weights[k].name}, ${data.weights[k].words}`,
        onchange: () => { weight = k; chosen = null; keepMethod(); paint(); announce(); },
      }), make("span", { "aria-hidden": "true" }, data.weights[k].name)))));
  });
  parts.push(make("div", { class: "group-name", id: "weight-said" }));
  put("weights", ...parts);
}
function paintWeightSaid() {
  $("weight-said").textContent = `${own().name} = ${say(own().value)}: ${own().words}`;
}
/** Another weight: the same method, where the switches were one. */
function keepMethod() {
  if (state.method) setTo(state.method);
}
function paintSwitches() {
  const able = choicesOf(weight), parts = [make("legend", {}, "Where may a path wait?")];
  const one = (name, words, on, idle, change) => make("label", { class: idle ? "switch idle" : "switch" },
    make("input", {
      type: "checkbox", role: "switch", id: name, checked: on,
      onchange: (event) => { change(event.target.checked); state.method = null; chosen = null; paint(); announce(); $(name)?.focus(); },
    }), make("span", {}, words));
  data.layers.forEach((layer, l) => {
    if (!layer.membrane) return;
    const idle = !able.waits.includes(l), mine = l === own().layer;
    parts.push(one(`wait-${l}`, `in ${layerName(l)}${mine ? ", the weight’s own" : ""}${idle ? " (no path of this weight does)" : ""}`,
      switches.waits.has(l), idle, (on) => (on ? switches.waits.add(l) : switches.waits.delete(l))));
  });
  parts.push(one("resets", `through the reset${able.resets ? "" : " (no path of this weight can)"}`, switches.resets, !able.resets, (on) => { switches.resets = on; }));
  if (data.weights.some((_, k) => choicesOf(k).loops)) {
    parts.push(one("loops", "back through recurrent or feedback synapses", switches.loops, !able.loops, (on) => { switches.loops = on; }));
  }
  if (data.weights.some((_, k) => choicesOf(k).traces)) {
    parts.push(one("traces", "in the trace alone, where no membrane remembers", switches.traces, !able.traces, (on) => { switches.traces = on; }));
  }
  put("switches", ...parts);
}
function paintMethods() {
  const on = litMethods();
  put("methods", ...data.methods.map((method) => make("button", {
    type: "button", id: `method-${method.name}`, "aria-pressed": String(on.includes(method)), title: method.keeps,
    onclick: () => { setTo(method.name); state.method = method.name; chosen = null; paint(); announce(); $(`method-${method.name}`).focus(); },
  }, method.title)));
  const said = on.length
    ? `${list(on.map((method) => method.title))}: ${on.length > 1 ? "for this weight the same paths. " : ""}${on.at(0).keeps}.`
    : "No method of the list keeps exactly these paths.";
  $("method-said").textContent = said;
}
function paintSum() {
  const all = groups().filter((group) => value(group.value) !== 0), lit = all.filter(isLit);
  const ended = lit.filter((group) => ends(group) < now), count = (those) => those.reduce((n, group) => n + group.paths, 0);
  const on = litMethods();
  const total = add(ended.map((group) => group.value));
  $("sum").textContent = sayBoth(total);
  $("sum").dataset.value = String(total);
  const words = [`${count(lit)} of ${count(all)} paths are lit`];
  if (now < data.T) words.push(`${count(ended)} of them have ended by t = ${now}`);
  else if (on.length) {
    const theirs = config.gradients[on[0].name][weight];
    const equal = isExact(theirs) && isExact(total) ? "exactly the same" : "the same but for rounding";
    words.push(`${list(on.map((method) => method.title))}, by the library’s own rule: ${sayBoth(theirs)}, ${equal}`);
    if (isExact(theirs) && isExact(total) && String(theirs) !== String(total)) throw new Error(`${theirs} is not ${total}`);
  }
  $("sum-said").textContent = `${words.join("; ")}.`;
}

/* ---- 3: the tables ---- */

const MOST = 12;
function paintPaths() {
  const all = groups().filter((group) => value(group.value) !== 0);
  all.sort((a, b) => Math.abs(value(b.value)) - Math.abs(value(a.value)) || a.k - b.k);
  const lit = all.filter(isLit), rows = [...lit, ...all.filter((group) => !isLit(group))].slice(0, state.more ? all.length : MOST);
  put("paths",
    make("thead", {}, make("tr", {}, ...["path", "factors", "contribution", "kept by"].map((words, k) =>
      make("th", { scope: "col", class: k === 2 ? null : "words" }, words)))),
    make("tbody", {}, ...rows.map((group) => make("tr", { class: isLit(group) ? (chosen === group.k ? "on" : null) : "off" },
      make("td", { class: "words" }, make("button", {
        type: "button", id: `path-${group.k}`, "aria-pressed": String(chosen === group.k), "aria-label": `Show ${wordsOf(group)}`,
        onclick: () => { chosen = chosen === group.k ? null : group.k; paint(); $(`path-${group.k}`)?.focus(); },
      }, chosen === group.k ? "shown" : "show"), ` ${wordsOf(group)}`),
      make("td", { class: "words" }, factorsOf(group)),
      make("td", {}, say(group.value)),
      make("td", { class: "words" }, group.methods.map((name) => data.methods.find((method) => method.name === name).title).join(" · ") || "none")))));
  const note = $("paths-more");
  note.replaceChildren();
  if (all.length > MOST) {
    note.append(`${state.more ? "All" : MOST} of ${all.length} routes, the lit ones first, the largest contributions first. `,
      make("button", { type: "button", id: "more", onclick: () => { state.more = !state.more; paintPaths(); $("more").focus(); } }, state.more ? "Show fewer" : "Show all"));
  }
}
function wordsOf(group) {
  const begin = group.source === null ? `the bias’s 1 at ${group.stops[0][2] + 1}` : `${group.source[0] < 0 ? "x" : "s" + up(group.source[0])}${down(group.source[1])} at ${group.start + 1}`;
  const waits = group.stops.filter(([, , from, to]) => to > from).map(([l, i, from, to]) => `${to - from} in ${potentialName(l, i)}`);
  const times = group.paths > 1 ? ` (${group.paths} paths)` : "";
  return `${begin}, ${waits.length ? `waits ${waits.join(", ")}` : "never waits"}, error at ${ends(group) + 1}${group.resets ? `, through the reset${times}` : ""}`;
}
/** The product, in the library's numbers; across a reset several paths are added. */
function factorsOf(group) {
  const parts = [];
  if (group.source !== null) parts.push(group.start < 0 ? "0" : say(group.source[0] < 0 ? config.x[group.source[1]][group.start] : config.layers[group.source[0]].s[group.source[1]][group.start]));
  group.stops.forEach(([l, i, from, to], k) => {
    const layer = config.layers[l];
    if (to > from) parts.push(group.resets ? "(waits)" : `λ${to - from > 1 ? digits(to - from, SUPER) : ""}`);
    if (data.layers[l].spiking) parts.push(`ψ${up(l)}${down(i)}[${to + 1}]: ${say(layer.psi[i][to])}`);
    if (k + 1 < group.stops.length) parts.push(`w: ${say(group.crossed[k])}`);
  });
  const last = group.stops.at(-1);
  parts.push(`e: ${say(config.errors_out[last[1]][last[3]])}`);
  return parts.join(" · ");
}
function paintNumbers() {
  const t = now - 1, rows = [], final = now === data.T;
  for (let j = 0; j < data.inputs; j++) rows.push([`x${down(j)}`, "", say(config.x[j][t]), "", say(config.traces.inputs[j]?.[t]), "", ""]);
  data.layers.forEach((layer, l) => {
    for (let i = 0; i < layer.size; i++) {
      const own = config.layers[l];
      rows.push([neuronName(l, i), say(own.u[i][t]), layer.spiking ? say(own.s[i][t]) : "", layer.spiking ? say(own.psi[i][t]) : "",
        say(config.traces.layers[l]?.[i]?.[t]), say(config.errors[0][l][i][t]), final ? say(config.errors[1][l][i][t]) : "at the end"]);
    }
  });
  const head = ["", "potential u", "spike s", "ψ", "trace â", `error g of ${data.shown[0]}`, `error δ of ${data.shown[1]}`];
  put("numbers", make("thead", {}, make("tr", {}, ...head.map((words) => make("th", { scope: "col" }, words)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row[0]), ...row.slice(1).map((cell) => make("td", {}, cell))))));
  $("numbers-note").textContent = `g[t] needs only this time step. δ[t] also holds what comes back from later: it is known at t = ${data.T}. ` +
    `Error at the outputs: ${config.errors_out.map((row) => say(row[t])).join(", ")}. Loss: ${data.loss} = ${sayBoth(config.loss)}.`;
}

/* ---- 4: state ---- */

function paintState() {
  const most = Math.max(...data.state.flatMap((each) => each.numbers)), colors = ["curve", "line", "line dashed", "thin", "thin dashed"];
  const said = `Numbers stored after ${data.T} time steps: ` + data.state.map((each) => `${each.title} ${each.numbers.at(-1)}`).join(", ") + ".";
  drawing("state", 230, said, (picture, width) => {
    const left = 34, right = 76, top = 12, bottom = 200;
    const x = (t) => left + ((width - left - right) * t) / Math.max(1, data.T - 1);
    const y = (v) => bottom - (v / most) * (bottom - top);
    picture.append(draw("path", { class: "thin", d: `M${left} ${bottom} H${width - right}` }));
    picture.append(draw("path", { class: "thin dashed", d: `M${x(now - 1)} ${top} V${bottom}` }));
    for (let t = 0; t < data.T; t++) picture.append(text(x(t), 218, `${t + 1}`, { class: "small quiet-text", "text-anchor": "middle" }));
    picture.append(text(left - 6, y(most) + 4, String(most), { class: "small", "text-anchor": "end" }), text(left - 6, bottom, "0", { class: "small", "text-anchor": "end" }));
    let above = Infinity;
    [...data.state.entries()].sort(([, a], [, b]) => a.numbers.at(-1) - b.numbers.at(-1)).forEach(([k, each]) => {
      picture.append(draw("path", { class: colors[k % colors.length], d: "M" + each.numbers.map((v, t) => `${x(t)} ${y(v)}`).join(" L") }));
      above = Math.min(y(each.numbers.at(-1)) + 4, above - 13);
      picture.append(text(width - right + 6, above, each.short, { class: "small" }));
    });
  });
  const t = now - 1, name = own().name;
  put("so-far",
    make("thead", {}, make("tr", {}, ...["method", `stored at t = ${now}`, `∇${name} so far`].map((words, k) => make("th", { scope: "col", class: k ? null : "words" }, words)))),
    make("tbody", {}, ...data.state.map((each) => make("tr", {}, make("th", { scope: "row", class: "words" }, each.title),
      make("td", {}, `${each.numbers[t]} numbers`), make("td", {}, soFar(each.name, t))))));
}
function soFar(name, t) {
  const terms = config.terms[name]?.[weight];
  if (terms) return decimal(value(add(terms.slice(0, t + 1))));
  return now === data.T && config.gradients[name] ? decimal(value(config.gradients[name][weight])) : `waits for t = ${data.T}`;
}

/* ---- 5: all gradients ---- */

function paintAll() {
  const columns = data.columns;
  const tables = data.weights.map((each, w) => make("tr", { class: w === weight ? "on" : null },
    make("th", { scope: "row" }, each.name),
    ...columns.map(({ name }) => {
      const v = config.gradients[name]?.[w];
      const same = name !== "bptt" && v !== undefined && v === config.gradients.bptt[w];
      return make("td", { class: same ? "same" : null, "data-method": name, "data-weight": w, "data-value": v === undefined ? null : String(v),
        title: v === undefined ? null : String(v) }, make("span", {}, v === undefined ? "–" : decimal(value(v))), ...fractionBelow(v));
    })));
  put("all", make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "weight"), ...columns.map(({ title }) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...tables));
  $("all-note").textContent = data.notes.join(" ");
}
/** An exact fraction, where it is short, below its decimal. */
function fractionBelow(v) {
  return typeof v === "string" && v.length <= 13 ? [make("small", {}, v.replace("-", "−"))] : [];
}
function paintTry() {
  put("try", ...data.tasks.map(({ ask, answer }) => make("details", {}, make("summary", {}, ...rich(ask)), make("p", {}, ...rich(answer)))));
}

/* ---- moving ---- */

function setTime(t) {
  now = Math.max(1, Math.min(data.T, t));
  chosen = null;
  paint();
  announce();
}
function announce() {
  const t = now - 1, fired = [];
  data.layers.forEach((layer, l) => {
    if (layer.spiking) config.layers[l].s.forEach((row, i) => { if (value(row[t]) > 0) fired.push(neuronName(l, i)); });
  });
  const on = litMethods().map((method) => method.title);
  $("live").textContent = `Time step ${now} of ${data.T}. ${fired.length ? `${list(fired)} fire${fired.length > 1 ? "" : "s"}` : "No neuron fires"}. ` +
    `Weight ${own().name}. ${on.length ? `The switches are ${list(on)}` : "The switches are no method"}. Sum of the lit paths that have ended: ${$("sum").textContent}.`;
}
function play() {
  if (timer) return stop();
  if (now === data.T) setTime(1);
  $("play").textContent = "Stop";
  timer = setInterval(() => { if (now >= data.T) return stop(); setTime(now + 1); }, 900);
}
function stop() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
}
function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (event.target instanceof Element && event.target.closest("input, select, textarea, .scroll, form")) return;
  const move = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 1, End: data.T }[event.key];
  if (move === undefined || ((event.key === "Home" || event.key === "End") && !event.target.closest?.("#unrolled"))) return;
  event.preventDefault();
  stop();
  setTime(move);
}

function paint() {
  $("time").value = now;
  $("time").setAttribute("aria-valuetext", `time step ${now} of ${data.T}`);
  $("time-said").textContent = `t = ${now} of ${data.T}`;
  $("back").disabled = now === 1;
  $("on").disabled = now === data.T;
  paintWeights.painted === data || paintWeights();
  paintWeights.painted = data;
  for (const task of [paintWeightSaid, paintPotential, paintSurrogate, paintNetwork, paintSwitches, paintMethods, paintSum, paintPaths, paintNumbers, paintState, paintAll]) task();
}

function start(given) {
  data = given;
  state.at = data.sliders.map((slider) => slider.start);
  takeConfig();
  weight = data.first_weight;
  now = data.T;
  chosen = null;
  neuron = [0, 0];
  setTo("ottt");
  state.method = "ottt";
  $("time").max = data.T;
  put("heading", ...rich(data.heading));
  $("version").textContent = data.version;
  put("reset-words", ...rich(data.reset_words));
  put("formula", ...data.formula.map((line) => make("span", {}, ...rich(line))));
  paintSliders();
  paintNeuronChoice();
  paintTry();
  paintKey();
  paint();
  announce();
}

/* ---- live: the form ---- */

const CHOICES = {
  reset: ["soft", "unleaked", "hard"], readout: ["spiking", "leaky", "linear"],
  loss: ["half-squares", "mean-squared-error", "mixed", "cross-entropy"],
};
const OPTIONS = { dialect: ["derivation", "authors"], reset_gradient: ["detached", "kept"] };
const OPTION_WORDS = { dialect: "OTTT step by step: dialect", reset_gradient: "BPTT step by step: reset" };

/** A form of everything in the description; the numbers of a matrix are named by their place in it. */
function editor(description) {
  $("edit").hidden = false;
  const form = $("form");
  const input = (name, v, label) => make("input", { name, value: v, "aria-label": label, autocomplete: "off", spellcheck: "false" });
  const matrix = (name, rows, words, cell) => make("fieldset", { class: "matrix" }, make("legend", {}, words),
    ...rows.map((row, i) => make("div", {}, ...row.map((v, j) => input(`${name}.${i}.${j}`, v, cell(i, j))))));
  const choice = (name, values, v, words) => make("label", { class: "field" }, words,
    make("select", { name }, ...values.map((each) => make("option", { selected: each === v }, each))));
  const field = (name, v, words) => make("label", { class: "field" }, words, input(name, v, words));
  const { surrogate } = description;
  form.replaceChildren(
    make("div", { class: "rows" },
      ...description.weights.map((rows, l) => matrix(`weights.${l}`, rows, `Weights into layer ${l + 1}: a row for each neuron`,
        (i, j) => `weight into neuron ${i + 1} of layer ${l + 1} from ${l ? "neuron" : "input"} ${j + 1}`)),
      ...(description.biases ?? []).flatMap((row, l) => (row ? [matrix(`biases.${l}`, [row], `Biases of layer ${l + 1}`,
        (_, i) => `bias of neuron ${i + 1} of layer ${l + 1}`)] : [])),
      ...(description.loops ?? []).map(([source, target, rows], k) => matrix(`loops.${k}`, rows, `Weights back from layer ${source + 1} to layer ${target + 1}`,
        (i, j) => `weight back into neuron ${i + 1} of layer ${target + 1} from neuron ${j + 1} of layer ${source + 1}`)),
      matrix("inputs", description.inputs, "Inputs: a row for each time step", (t, j) => `input ${j + 1} at time step ${t + 1}`),
      matrix("targets", [description.targets], "Targets", (_, i) => `target of output ${i + 1}`)),
    make("div", {}, field("decay", description.decay, "leak λ"), field("threshold", description.threshold, "threshold V_th"),
      ...Object.entries(surrogate).filter(([name]) => name !== "type").map(([name, v]) => field(`surrogate.${name}`, v, `${name} of ψ (${surrogate.type})`)),
      ...Object.entries(CHOICES).map(([name, values]) => choice(name, values, description[name], name === "readout" ? "last layer" : name)),
      ...Object.entries(OPTIONS).map(([name, values]) => choice(name, values, values[0], OPTION_WORDS[name]))),
    make("button", { type: "submit" }, "Compute"));
  let asked = 0;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const mine = ++asked;
    $("edit-fault").textContent = "";
    form.setAttribute("aria-busy", "true");
    try {
      const body = JSON.stringify(collect(form, description));
      const answer = await fetch("/explain", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error);
      if (mine === asked) start(found);
    } catch (error) {
      if (mine === asked) $("edit-fault").textContent = error.message;
    }
    form.setAttribute("aria-busy", "false");
  };
}
function collect(form, description) {
  const get = (name) => form.elements.namedItem(name).value.trim();
  const matrix = (name, rows) => rows.map((row, i) => row.map((_, j) => number(get(`${name}.${i}.${j}`))));
  const network = {
    ...description,
    weights: description.weights.map((rows, l) => matrix(`weights.${l}`, rows)),
    inputs: matrix("inputs", description.inputs),
    targets: matrix("targets", [description.targets])[0],
    decay: number(get("decay")), threshold: number(get("threshold")),
    surrogate: Object.fromEntries(Object.entries(description.surrogate).map(([name, v]) => [name, name === "type" ? v : number(get(`surrogate.${name}`))])),
  };
  if (description.biases) network.biases = description.biases.map((row, l) => row && matrix(`biases.${l}`, [row])[0]);
  if (description.loops) network.loops = description.loops.map(([source, target, rows], k) => [source, target, matrix(`loops.${k}`, rows)]);
  Object.keys(CHOICES).forEach((name) => { network[name] = get(name); });
  if (["mixed", "cross-entropy"].includes(network.loss)) network.numbers = "float64";
  return { network, options: Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, get(name)])) };
}
/** As JSON has it: a fraction as text, else a number; what is neither is sent as it is, for the library to refuse. */
const number = (words) => (/^[+-]?\d+$/.test(words) || /e/i.test(words) ? Number(words) : words);

$("neuron").onchange = (event) => { neuron = event.target.value.split(",").map(Number); paintPotential(); paintSurrogate(); };
$("time").oninput = (event) => { stop(); setTime(Number(event.target.value)); };
$("back").onclick = () => { stop(); setTime(now - 1); };
$("on").onclick = () => { stop(); setTime(now + 1); };
$("play").onclick = play;
document.addEventListener("keydown", keys);
const given = JSON.parse($("data").textContent);
start(given.network);
if (given.edit) editor(given.edit);
let width = document.documentElement.clientWidth;
addEventListener("resize", () => {
  if (document.documentElement.clientWidth !== width) { width = document.documentElement.clientWidth; paint(); }
});
const answers = () => document.querySelectorAll("details");
addEventListener("beforeprint", () => { paint(); answers().forEach((each) => { each.open = true; }); });
addEventListener("afterprint", () => answers().forEach((each) => { each.open = false; }));
}());
