/* The network unrolled in time, with its lit paths. */

function geometry(width) {
  const narrow = width < 480,
    left = narrow ? 36 : 88,
    right = 8,
    column = (width - left - right) / data.T;
  const rows = new Map();
  let y = 26;
  const rowHeight = { error: 30, neuron: narrow ? 44 : 50, input: 34 };
  const last = data.layers.length - 1;
  for (let i = 0; i < data.layers[last].size; i++) {
    rows.set(`e,${i}`, y);
    y += rowHeight.error;
  }
  for (let l = last; l >= 0; l--) {
    y += narrow ? 16 : 22;
    for (let i = data.layers[l].size - 1; i >= 0; i--) {
      rows.set(`${l},${i}`, y);
      y += rowHeight.neuron;
    }
  }
  y += narrow ? 12 : 18;
  for (let j = data.inputs - 1; j >= 0; j--) {
    rows.set(`-1,${j}`, y);
    y += rowHeight.input;
  }
  const size = [Math.min(column - (narrow ? 16 : 20), 62), narrow ? 30 : 34];
  return {
    narrow,
    left,
    right,
    column,
    rows,
    size,
    height: y + 4,
    x: (t) => left + column * (t + 0.5),
    y: (key) => rows.get(String(key)),
  };
}

/** The edges of a group of paths, as [key of the row, t] pairs; a bias begins at its own neuron. */
function edgesOf(group) {
  const edges = [],
    last = group.stops.at(-1);
  if (group.source !== null && group.start >= 0) {
    edges.push([
      [
        [group.source.join(","), group.start],
        [group.stops[0].slice(0, 2).join(","), group.stops[0][2]],
      ],
      false,
    ]);
  }
  group.stops.forEach(([l, i, from, to], k) => {
    for (let t = from; t < to; t++)
      edges.push([
        [
          [`${l},${i}`, t],
          [`${l},${i}`, t + 1],
        ],
        true,
      ]);
    const next = group.stops[k + 1];
    if (next)
      edges.push([
        [
          [`${l},${i}`, to],
          [`${next[0]},${next[1]}`, next[2]],
        ],
        false,
      ]);
  });
  edges.push([
    [
      [`${last[0]},${last[1]}`, last[3]],
      [`e,${last[1]}`, last[3]],
    ],
    false,
  ]);
  return edges;
}
const ends = (group) => group.stops.at(-1)[3];

function paintNetwork() {
  const all = groups().filter((group) => value(group.value) !== 0);
  const lit = all.filter(isLit);
  const said =
    `The network over ${data.T} time steps. ${lit.length} of ${all.length} routes of ${own().name} are lit. ` +
    "The tables below have every number.";
  const width = Math.max(260, Math.floor($("network").clientWidth || 600)),
    g = geometry(width);
  drawing("network", g.height, said, (picture) => {
    picture.append(
      draw("rect", { class: "now", x: g.x(now - 1) - g.column / 2, y: 0, width: g.column, height: g.height, rx: 6 }),
    );
    for (let t = 0; t < data.T; t++) {
      picture.append(
        text(g.x(t), 12, g.narrow ? `${t + 1}` : `t = ${t + 1}`, {
          "text-anchor": "middle",
          class: "small quiet-text",
        }),
      );
    }
    rowNames(picture, g);
    wires(picture, g, all);
    litEdges(picture, g, lit);
    for (let t = 0; t < data.T; t++) nodes(picture, g, t);
    if (chosen !== null) {
      const group = all.find((each) => each.k === chosen);
      if (group)
        picture.append(
          draw("path", {
            class: "chosen",
            d: edgesOf(group)
              .map(([edge, wait]) => line(g, edge, wait))
              .join(" "),
          }),
        );
    }
    for (let t = 0; t < data.T; t++) {
      picture.append(
        draw("rect", {
          x: g.x(t) - g.column / 2,
          y: 0,
          width: g.column,
          height: g.height,
          fill: "transparent",
          style: "cursor:pointer",
          onclick: () => setTime(t + 1),
        }),
      );
    }
  });
}
function line(g, [[a, t], [b, later]], wait) {
  const x1 = g.x(t),
    y1 = g.y(a),
    x2 = g.x(later),
    y2 = g.y(b);
  if (wait) return `M${x1 + g.size[0] / 2} ${y1} H${x2 - g.size[0] / 2}`;
  const upwards = y2 < y1,
    half = (key) => (key.startsWith("e") ? 9 : key.startsWith("-1") ? 9 : g.size[1] / 2);
  if (a === b) {
    // a neuron that hears itself: over the top, apart from waiting
    const [w, h] = g.size.map((each) => each / 2);
    return `M${x1 + w / 2} ${y1 - h} C${x1 + w} ${y1 - 2.4 * h} ${x2 - w} ${y2 - 2.4 * h} ${x2 - w / 2} ${y2 - h}`;
  }
  if (!upwards) {
    const [out, into, bend] = [x1 + g.size[0] / 2, x2 - g.size[0] / 2, g.column * 0.6];
    return `M${out} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${into} ${y2}`;
  }
  const between = [...g.rows.values()].some((y) => y < y1 && y > y2);
  if (!between) return `M${x1} ${y1 - half(a)} L${x2} ${y2 + half(b)}`;
  // around what lies between, so that no path seems to go through a neuron that it does not enter
  const aside = (g.size[0] / 2 + (g.narrow ? 5 : 6)) / 0.75 + (g.narrow ? 1 : 7),
    from = g.size[0] / 4;
  const [low, high] = [y1 - half(a), y2 + half(b)];
  return `M${x1 - from} ${low} C${x1 - aside} ${low - 12} ${x2 - aside} ${high + 12} ${x2 - from} ${high}`;
}
function rowNames(picture, g) {
  const put = (key, words) => picture.append(text(g.left - 4, g.y(key) + 4, words, { "text-anchor": "end" }));
  for (const key of g.rows.keys()) {
    const [l, i] = key.split(",");
    if (l === "e") put(key, (g.narrow ? "e" : "error e") + (data.layers.at(-1).size > 1 ? down(Number(i)) : ""));
    else if (l === "-1") put(key, (g.narrow ? "x" : "input x") + down(Number(i)));
    else
      put(
        key,
        (g.narrow ? "" : data.layers[l].spiking ? "neuron " : "output ") + potentialName(Number(l), Number(i)),
      );
  }
}
/** Every way that some path of the weight takes, thin: what could carry. */
function wires(picture, g, all) {
  const seen = new Set();
  all.forEach((group) =>
    edgesOf(group).forEach(([edge, wait]) => {
      const d = line(g, edge, wait);
      if (!seen.has(d)) picture.append(draw("path", { class: "wire", d }));
      seen.add(d);
    }),
  );
}
/** Lit ways, as thick as what they carry together; those that end later than now are faint. */
function litEdges(picture, g, lit) {
  const edges = new Map(),
    atTheEnd = onlyAtTheEnd();
  lit.forEach((group) =>
    edgesOf(group).forEach(([edge, wait]) => {
      const d = line(g, edge, wait),
        seen = edges.get(d) ?? { plus: 0, minus: 0, ended: false };
      const v = value(group.value);
      if (v > 0) seen.plus += v;
      else seen.minus -= v;
      seen.ended ||= ends(group) < now && !atTheEnd;
      edges.set(d, seen);
    }),
  );
  const most = Math.max(1e-12, ...amounts(edges));
  const thick = (amount) => (1.6 + 7 * Math.sqrt(amount / most)).toFixed(2);
  edges.forEach((seen, d) => {
    const late = seen.ended ? "" : " late";
    if (seen.plus > 0)
      picture.append(draw("path", { class: `lit plus${late}`, d, "stroke-width": thick(seen.plus + seen.minus) }));
    if (seen.minus > 0) {
      // dashes on the paper's colour, to be seen upon the others
      picture.append(draw("path", { class: `lit under${late}`, d, "stroke-width": thick(seen.minus) }));
      picture.append(draw("path", { class: `lit minus${late}`, d, "stroke-width": thick(seen.minus) }));
    }
  });
}
const amounts = (edges) => [...edges.values()].map((seen) => seen.plus + seen.minus);

function nodes(picture, g, t) {
  const future = t >= now,
    [w, h] = g.size,
    x = g.x(t);
  for (const [key, y] of g.rows) {
    const [first, i] = key.split(","),
      l = Number(first);
    if (first === "e" || l < 0) {
      const v = first === "e" ? config.errors_out[i][t] : config.x[i][t];
      const half = first === "e" ? 14 : 12;
      picture.append(
        draw("rect", {
          class: `node${future ? " future" : value(v) !== 0 && l < 0 ? " fired" : ""}`,
          x: x - half - 4,
          y: y - 9,
          width: 2 * half + 8,
          height: 18,
          rx: 3,
        }),
      );
      if (!future) picture.append(text(x, y + 4, say(v, 5), { "text-anchor": "middle", class: "small" }));
      continue;
    }
    const layer = config.layers[l],
      spiking = data.layers[l].spiking,
      u = layer.u[i][t];
    const fired = spiking && !future && value(layer.s[i][t]) > 0;
    picture.append(
      draw("rect", {
        class: `node${future ? " future" : ""}${fired ? " fired" : ""}`,
        x: x - w / 2,
        y: y - h / 2,
        width: w,
        height: h,
        rx: 5,
      }),
    );
    if (future) continue;
    if (spiking) {
      const scale = 2 * value(layer.threshold[i]);
      const level = Math.max(0, Math.min(1, value(u) / scale));
      picture.append(
        draw("rect", {
          class: "level",
          x: x - w / 2 + 2,
          y: y + h / 2 - 2 - level * (h - 4),
          width: w - 4,
          height: level * (h - 4),
          rx: 3,
        }),
      );
      picture.append(draw("path", { class: "threshold", d: `M${x - w / 2} ${y} H${x + w / 2}` }));
      if (fired)
        picture.append(
          draw("circle", { class: "fill", cx: x + w / 2 - 1, cy: y - h / 2 + 1, r: g.narrow ? 4 : 5.5 }),
        );
    }
    picture.append(
      text(x, y + (g.narrow ? 11 : 13), say(u, g.narrow ? 4 : 6, g.narrow ? 3 : 4), {
        "text-anchor": "middle",
        class: "small",
      }),
    );
    if (spiking && !g.narrow) {
      const words = `ψ ${say(layer.psi[i][t], 6)}`;
      picture.append(text(x, y - 5, words, { "text-anchor": "middle", class: "small quiet-text" }));
    }
  }
}
function paintKey() {
  const sample = (part, words) => make("span", {}, draw("svg", { viewBox: "0 0 34 12" }, ...part), words);
  const stroke = (name, thick) => [draw("path", { class: name, d: "M1 6 H33", "stroke-width": thick })];
  put(
    "key",
    sample(stroke("lit plus", 4), "lit, contributes > 0"),
    sample(stroke("lit minus", 4), "lit, contributes < 0"),
    sample(stroke("lit plus late", 4), "ends later"),
    sample(stroke("wire", 1), "switched off"),
    sample(
      [
        draw("rect", { class: "node", x: 4, y: 1, width: 26, height: 10, rx: 3 }),
        draw("rect", { class: "level", x: 5, y: 5, width: 24, height: 5 }),
        draw("path", { class: "threshold", d: "M4 4 H30" }),
      ],
      "potential, threshold",
    ),
    sample([draw("circle", { class: "fill", cx: 17, cy: 6, r: 5 })], "spike"),
  );
}
