/* The network unrolled in time, with its lit paths. */

const LINE = 12.5; // of the numbers in a box
/** What a box has, from top to bottom: for each its symbol, and (i, t) → the number, null before it is known. */
function linesOf(l) {
  const { errors, traces } = config,
    ended = now === data.T;
  if (l < 0)
    return [["x", (j, t) => config.x[j][t]], ...(traces.inputs.length ? [["â", (j, t) => traces.inputs[j][t]]] : [])];
  const layer = config.layers[l];
  return [
    [data.layers[l].spiking ? "u" : "o", (i, t) => layer.u[i][t]],
    ...(layer.psi ? [["ψ", (i, t) => layer.psi[i][t]]] : []),
    ...(traces.layers[l] ? [["â", (i, t) => traces.layers[l][i][t]]] : []),
    ["g", (i, t) => errors[0][l][i][t]],
    ["δ", (i, t) => (ended ? errors[1][l][i][t] : null)],
  ];
}
function geometry(room) {
  const narrow = room < 480,
    left = narrow ? 38 : 92,
    right = 6,
    width = Math.max(room, left + right + data.T * (narrow ? 52 : 66)),
    column = (width - left - right) / data.T;
  const rows = new Map(),
    halves = new Map();
  let y = 34; // below the numbers of the time steps, and what the lit paths add there
  const place = (key, half, gap) => {
    y += half + gap / 2;
    rows.set(key, y);
    halves.set(key, half);
    y += half + gap / 2;
  };
  const last = data.layers.length - 1,
    boxOf = (l) => 4 + (linesOf(l).length * LINE) / 2;
  for (let i = 0; i < data.layers[last].size; i++) place(`e,${i}`, 9, 8);
  for (let l = last; l >= 0; l--) {
    y += narrow ? 12 : 14;
    for (let i = 0; i < data.layers[l].size; i++) place(`${l},${i}`, boxOf(l), 18);
  }
  y += narrow ? 10 : 12;
  for (let j = 0; j < data.inputs; j++) place(`-1,${j}`, boxOf(-1), 10);
  return {
    narrow,
    left,
    right,
    width,
    column,
    rows,
    size: Math.min(column - (narrow ? 12 : 18), 70),
    height: y + 4,
    x: (t) => left + column * (t + 0.5),
    y: (key) => rows.get(String(key)),
    half: (key) => halves.get(String(key)),
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
    `The network over ${many(data.T, "time step")}. ${lit.length} of ${many(all.length, "route")} of ${own().name} ` +
    `${lit.length === 1 ? "is" : "are"} lit. The tables below have every number.`;
  $("no-path").textContent = all.length ? "" : whyNone();
  $("no-path").hidden = all.length > 0;
  const box = $("network"),
    room = Math.max(260, Math.floor(box.clientWidth || 600)),
    g = geometry(room);
  drawing(
    "network",
    g.height,
    said,
    (picture) => {
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
      wires(picture, g, all);
      litEdges(picture, g, lit);
      endings(picture, g, lit);
      for (let t = 0; t < data.T; t++) nodes(picture, g, t);
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
    },
    g.width,
  );
  const names = rowNames(g, lit.length > 0 && !onlyAtTheEnd());
  $("network").firstChild.append(names);
  box.onscroll = () => keepInSight(names, box.scrollLeft);
  const [from, to] = [g.x(now - 1) - g.column - g.left, g.x(now - 1) + g.column];
  if (from < box.scrollLeft) box.scrollLeft = Math.max(0, from);
  else if (to > box.scrollLeft + room) box.scrollLeft = to - room;
  keepInSight(names, box.scrollLeft);
  paintChosen(all.find((each) => each.k === chosen));
}
function line(g, [[a, t], [b, later]], wait) {
  const x1 = g.x(t),
    y1 = g.y(a),
    x2 = g.x(later),
    y2 = g.y(b),
    w = g.size / 2;
  if (wait) return `M${x1 + w} ${y1} H${x2 - w}`;
  if (a === b) {
    // a neuron that hears itself: over the top, apart from waiting
    const top = y1 - g.half(a),
      rise = 16;
    return `M${x1 + w / 2} ${top} C${x1 + w} ${top - rise} ${x2 - w} ${top - rise} ${x2 - w / 2} ${top}`;
  }
  if (y2 > y1) {
    const bend = g.column * 0.6;
    return `M${x1 + w} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - w} ${y2}`;
  }
  const [low, high] = [y1 - g.half(a), y2 + g.half(b)];
  const between = [...g.rows.values()].some((y) => y < y1 && y > y2);
  if (!between) return `M${x1} ${low} L${x2} ${high}`;
  // around what lies between, so that no path seems to go through a neuron that it does not enter
  const aside = (w + (g.narrow ? 4 : 6)) / 0.75 + (g.narrow ? 1 : 7),
    from = w / 2;
  return `M${x1 - from} ${low} C${x1 - aside} ${low - 12} ${x2 - aside} ${high + 12} ${x2 - from} ${high}`;
}
/** The names of the rows stay where a drawing is scrolled. */
function keepInSight(names, scrolled) {
  names.setAttribute("transform", `translate(${scrolled} 0)`);
  names.firstChild.setAttribute("visibility", scrolled ? "visible" : "hidden");
}
/** At the left, what each line of a box is, on ground of its own, which is seen where the drawing is scrolled. */
function rowNames(g, summed) {
  const ground = draw("rect", { class: "ground", width: g.left - 4, height: g.height, visibility: "hidden" });
  const picture = draw("g", {}, ground);
  if (summed)
    picture.append(
      text(g.left - (g.narrow ? 9 : 8), 29, g.narrow ? "adds" : "lit paths add", {
        "text-anchor": "end",
        class: "small",
      }),
    );
  const put = (y, words, extra = {}) =>
    picture.append(text(g.left - (g.narrow ? 9 : 8), y, words, { "text-anchor": "end", ...extra }));
  for (const [key, y] of g.rows) {
    const [first, index] = key.split(","),
      i = Number(index);
    if (first === "e") {
      put(y + 4, (g.narrow ? "e" : "error e") + (data.layers.at(-1).size > 1 ? down(i) : ""));
      continue;
    }
    const l = Number(first);
    linesOf(l).forEach(([symbol], k) => {
      const whose = k ? "" : (l < 0 ? "" : up(l)) + down(i);
      put(lineAt(g, key, k), symbol + whose, { class: k ? "small quiet-text" : null });
    });
    if (!g.narrow) {
      const words = l < 0 ? "input" : data.layers[l].spiking ? "neuron" : "output";
      picture.append(text(2, lineAt(g, key, 0), words, { class: "quiet-text" }));
    }
  }
  return picture;
}
const lineAt = (g, key, k) => g.y(key) - g.half(key) + 3 + LINE * (k + 0.75);
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
/** Above each time step, what the lit paths that end there contribute together. */
function endings(picture, g, lit) {
  if (!lit.length || onlyAtTheEnd()) return;
  for (let t = 0; t < now; t++) {
    const sum = add(lit.filter((group) => ends(group) === t).map((group) => group.value));
    picture.append(
      text(g.x(t), 29, fitting(sum, Math.floor(g.column / 6.4)), {
        "text-anchor": "middle",
        class: "small sum-of-step",
        "data-number": `sum,${t}`,
      }),
    );
  }
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
    w = g.size,
    x = g.x(t);
  for (const [key, y] of g.rows) {
    const [first, i] = key.split(","),
      l = Number(first),
      half = g.half(key);
    const measured = l >= 0 && data.layers[l].spiking; // then there is a level at the left
    const begin = measured ? (g.narrow ? 9 : 12) : 2,
      room = Math.floor((w - begin - 2) / 5.7);
    const number = (at, v, symbol) =>
      picture.append(
        text(x + begin / 2 - 1, at, fitting(v, room), {
          "text-anchor": "middle",
          class: "small",
          "data-number": `${symbol},${key},${t}`,
        }),
      );
    const sent = first === "e" ? null : l < 0 ? config.x[i][t] : config.layers[l].s?.[i][t];
    const fired = !future && sent !== null && sent !== undefined && value(sent) !== 0;
    picture.append(
      draw("rect", {
        class: `node${future ? " future" : ""}${fired ? " fired" : ""}`,
        x: x - w / 2,
        y: y - half,
        width: w,
        height: 2 * half,
        rx: first === "e" || l < 0 ? 3 : 5,
      }),
    );
    if (future) continue;
    if (first === "e") {
      number(y + 4, config.errors_out[i][t], "e");
      continue;
    }
    if (measured) thermometer(picture, g, key, t);
    linesOf(l).forEach(([symbol, at], k) => {
      const v = at(Number(i), t);
      if (v !== null && v !== undefined) number(lineAt(g, key, k), v, symbol);
    });
    if (fired && l >= 0)
      picture.append(draw("circle", { class: "fill", cx: x + w / 2 - 1, cy: y - half + 1, r: g.narrow ? 4 : 5.5 }));
  }
}
/** The potential as a level between 0 and twice the threshold, which is in the middle. */
function thermometer(picture, g, key, t) {
  const [l, i] = key.split(",").map(Number),
    layer = config.layers[l],
    x = g.x(t) - g.size / 2,
    bottom = g.y(key) + g.half(key) - 3,
    height = 2 * g.half(key) - 6;
  const level = Math.max(0, Math.min(1, value(layer.u[i][t]) / (2 * value(layer.threshold[i]))));
  picture.append(
    draw("rect", {
      class: "level",
      x: x + 3,
      y: bottom - level * height,
      width: g.narrow ? 4 : 6,
      height: level * height,
    }),
    draw("path", { class: "threshold", d: `M${x} ${g.y(key)} H${x + (g.narrow ? 8 : 11)}` }),
  );
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
        draw("rect", { class: "node", x: 8, y: 0.5, width: 24, height: 11, rx: 3 }),
        draw("rect", { class: "level", x: 10, y: 4, width: 6, height: 7 }),
        draw("path", { class: "threshold", d: "M8 6 H18" }),
      ],
      "potential, and the threshold (a stroke)",
    ),
    sample([draw("circle", { class: "fill", cx: 17, cy: 6, r: 5 })], "spike"),
    make(
      "span",
      {},
      `In a box: potential u, ψ, trace â, error g of ${data.shown[0]}, error δ of ${data.shown[1]} (not before the end).`,
    ),
  );
}
