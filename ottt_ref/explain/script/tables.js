/* The tables, and what each method stores. */

const MOST = 12;
function paintPaths() {
  const all = groups().filter((group) => value(group.value) !== 0);
  all.sort((a, b) => Math.abs(value(b.value)) - Math.abs(value(a.value)) || a.k - b.k);
  const lit = all.filter(isLit),
    rows = [...lit, ...all.filter((group) => !isLit(group))].slice(0, state.more ? all.length : MOST);
  put(
    "paths",
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        ...["path", "factors", "contribution", "kept by"].map((words, k) =>
          make("th", { scope: "col", class: k === 2 ? null : "words" }, words),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      ...rows.map((group) =>
        make(
          "tr",
          { class: isLit(group) ? (chosen === group.k ? "on" : null) : "off" },
          make(
            "td",
            { class: "words" },
            make(
              "button",
              {
                type: "button",
                id: `path-${group.k}`,
                "aria-pressed": String(chosen === group.k),
                "aria-label": `Show ${wordsOf(group)}`,
                onclick: () => {
                  chosen = chosen === group.k ? null : group.k;
                  paint();
                  $(`path-${group.k}`)?.focus();
                },
              },
              chosen === group.k ? "shown" : "show",
            ),
            ` ${wordsOf(group)}`,
          ),
          make("td", { class: "words" }, factorsOf(group)),
          make("td", {}, say(group.value)),
          make(
            "td",
            { class: "words" },
            group.methods.map((name) => data.methods.find((method) => method.name === name).title).join(" · ") ||
              "none",
          ),
        ),
      ),
    ),
  );
  const note = $("paths-more");
  note.replaceChildren();
  if (all.length > MOST) {
    note.append(
      `${state.more ? "All" : MOST} of ${all.length} routes, the lit ones first, the largest contributions first. ` +
        "A route is one path, or all paths through the reset by the same neurons at the same times. ",
      make(
        "button",
        {
          type: "button",
          id: "more",
          onclick: () => {
            state.more = !state.more;
            paintPaths();
            $("more").focus();
          },
        },
        state.more ? "Show fewer" : "Show all",
      ),
    );
  }
}
function wordsOf(group) {
  const begin =
    group.source === null
      ? `the bias’s 1 at ${group.stops[0][2] + 1}`
      : `${group.source[0] < 0 ? "x" : "s" + up(group.source[0])}${down(group.source[1])} at ${group.start + 1}`;
  const waits = group.stops
    .filter(([, , from, to]) => to > from)
    .map(([l, i, from, to]) => `${to - from} in ${potentialName(l, i)}`);
  const times = group.paths > 1 ? ` (${group.paths} paths)` : "";
  const waiting = waits.length ? `waits ${waits.join(", ")}` : "never waits";
  return `${begin}, ${waiting}, error at ${ends(group) + 1}${group.resets ? `, through the reset${times}` : ""}`;
}
/** The product, in the library's numbers; across a reset several paths are added. */
function factorsOf(group) {
  const parts = [];
  if (group.source !== null)
    parts.push(
      group.start < 0
        ? "0"
        : say(
            group.source[0] < 0
              ? config.x[group.source[1]][group.start]
              : config.layers[group.source[0]].s[group.source[1]][group.start],
          ),
    );
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
  const t = now - 1,
    rows = [],
    final = now === data.T;
  for (let j = 0; j < data.inputs; j++)
    rows.push([`x${down(j)}`, "", say(config.x[j][t]), "", say(config.traces.inputs[j]?.[t]), "", ""]);
  data.layers.forEach((layer, l) => {
    for (let i = 0; i < layer.size; i++) {
      const own = config.layers[l];
      rows.push([
        neuronName(l, i),
        say(own.u[i][t]),
        layer.spiking ? say(own.s[i][t]) : "",
        layer.spiking ? say(own.psi[i][t]) : "",
        say(config.traces.layers[l]?.[i]?.[t]),
        say(config.errors[0][l][i][t]),
        `${say(config.errors[1][l][i][t])}${final ? "" : ` (at t = ${data.T})`}`,
      ]);
    }
  });
  const head = [
    "",
    "potential u",
    "spike s",
    "ψ",
    "trace â",
    `error g of ${data.shown[0]}`,
    `error δ of ${data.shown[1]}`,
  ];
  put(
    "numbers",
    make("thead", {}, make("tr", {}, ...head.map((words) => make("th", { scope: "col" }, words)))),
    make(
      "tbody",
      {},
      ...rows.map((row) =>
        make("tr", {}, make("th", { scope: "row" }, row[0]), ...row.slice(1).map((cell) => make("td", {}, cell))),
      ),
    ),
  );
  $("numbers-note").textContent =
    `g[t] needs only this time step. δ[t] also holds what comes back from later: it is known at t = ${data.T}. ` +
    (final ? "At this last step nothing comes back, so δ is g: go a step back to see them differ. " : "") +
    `Error at the outputs: ${config.errors_out.map((row) => say(row[t])).join(", ")}. ` +
    `Loss: ${data.loss} = ${sayBoth(config.loss)}.`;
}

function paintState() {
  const most = Math.max(...data.state.flatMap((each) => each.numbers)),
    colors = ["curve", "line", "line dashed", "thin", "thin dashed"];
  const said =
    `Numbers stored after ${data.T} time steps: ` +
    data.state.map((each) => `${each.title} ${each.numbers.at(-1)}`).join(", ") +
    ".";
  drawing("state", 230, said, (picture, width) => {
    const left = 34,
      right = 76,
      top = 12,
      bottom = 200;
    const x = (t) => left + ((width - left - right) * t) / Math.max(1, data.T - 1);
    const y = (v) => bottom - (v / most) * (bottom - top);
    picture.append(draw("path", { class: "thin", d: `M${left} ${bottom} H${width - right}` }));
    picture.append(draw("path", { class: "thin dashed", d: `M${x(now - 1)} ${top} V${bottom}` }));
    for (let t = 0; t < data.T; t++)
      picture.append(text(x(t), 218, `${t + 1}`, { class: "small quiet-text", "text-anchor": "middle" }));
    picture.append(
      text(left - 6, y(most) + 4, String(most), { class: "small", "text-anchor": "end" }),
      text(left - 6, bottom, "0", { class: "small", "text-anchor": "end" }),
    );
    let above = Infinity;
    [...data.state.entries()]
      .sort(([, a], [, b]) => a.numbers.at(-1) - b.numbers.at(-1))
      .forEach(([k, each]) => {
        picture.append(
          draw("path", {
            class: colors[k % colors.length],
            d: "M" + each.numbers.map((v, t) => `${x(t)} ${y(v)}`).join(" L"),
          }),
        );
        above = Math.min(y(each.numbers.at(-1)) + 4, above - 13);
        picture.append(text(width - right + 6, above, `${each.short} ${each.numbers.at(-1)}`, { class: "small" }));
      });
  });
  const t = now - 1,
    name = own().name;
  put(
    "so-far",
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        ...["method", `stored at t = ${now}`, `gradient of ${name} so far`].map((words, k) =>
          make("th", { scope: "col", class: k ? null : "words" }, words),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      ...data.state.map((each) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", class: "words" }, each.title),
          make("td", {}, `${each.numbers[t]} numbers`),
          make("td", {}, soFar(each.name, t)),
        ),
      ),
    ),
  );
}
function paintMadeOf() {
  put(
    "made-of",
    ...data.state.map(({ title, long, made_of, each_step }) => {
      const sum = made_of.reduce((n, [count]) => n + count, 0);
      const terms = made_of.map(([count, words]) => `${count} ${words}`).join(" + ");
      const each = each_step ? " for each time step" : "";
      return make("li", {}, make("strong", {}, title), ` (${long}): ${sum}${each} = ${terms}`);
    }),
  );
}
function soFar(name, t) {
  const terms = config.terms[name]?.[weight];
  if (terms) return decimal(value(add(terms.slice(0, t + 1))));
  return now === data.T && config.gradients[name]
    ? decimal(value(config.gradients[name][weight]))
    : `waits for t = ${data.T}`;
}

function paintAll() {
  const columns = data.columns;
  const tables = data.weights.map((each, w) =>
    make(
      "tr",
      { class: w === weight ? "on" : null },
      make("th", { scope: "row" }, each.name),
      ...columns.map(({ name }) => {
        const v = config.gradients[name]?.[w];
        const same = name !== "bptt" && v !== undefined && v === config.gradients.bptt[w];
        return make(
          "td",
          {
            class: same ? "same" : null,
            "data-method": name,
            "data-weight": w,
            "data-value": v === undefined ? null : String(v),
            title: v === undefined ? null : String(v),
          },
          make("span", {}, v === undefined ? "–" : decimal(value(v))),
          ...fractionBelow(v),
        );
      }),
    ),
  );
  put(
    "all",
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("th", { scope: "col" }, "weight"),
        ...columns.map(({ title }) => make("th", { scope: "col" }, title)),
      ),
    ),
    make("tbody", {}, ...tables),
  );
  $("all-note").textContent = data.notes.join(" ");
}
/** An exact fraction, where it is short, below its decimal. */
function fractionBelow(v) {
  return typeof v === "string" && v.length <= 13 ? [make("small", {}, v.replace("-", "−"))] : [];
}
function paintTry() {
  put(
    "try",
    ...data.tasks.map(({ ask, answer }) =>
      make("details", {}, make("summary", {}, ...rich(ask)), make("p", {}, ...rich(answer))),
    ),
  );
}
