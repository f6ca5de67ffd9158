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
          make("td", { class: "words factors" }, ...joined(factorsOf(group))),
          make("td", {}, say(group.value)),
          make(
            "td",
            { class: "words kept" },
            group.methods.map((name) => data.methods.find((method) => method.name === name).title).join(" · ") ||
              "none",
          ),
        ),
      ),
    ),
  );
  const note = $("paths-more");
  note.replaceChildren();
  if (all.some((group) => group.resets) && data.crossed)
    note.append(`A step through the reset multiplies by r[t] = `, ...rich(data.crossed), ". ");
  if (all.length > MOST) {
    note.append(
      `${state.more ? "All" : MOST} of ${many(all.length, "route")}, the lit ones first, the largest contributions first. ` +
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
/** The factors, in the library's numbers, as elements; where several paths are added, a step of waiting has several. */
function factorsOf(group) {
  const factor = (words, v) => make("span", { class: "factor", "data-value": String(v) }, `${words}${say(v)}`),
    found = [];
  if (group.source !== null) {
    const [l, j] = group.source,
      sent = l < 0 ? config.x[j] : (config.layers[l].s ?? config.layers[l].u)[j];
    found.push(factor("", group.start < 0 ? 0 : sent[group.start]));
  }
  group.stops.forEach(([l, i, from, to], k) => {
    found.push(...waitsOf(group, k, factor));
    if (data.layers[l].spiking) found.push(factor(`ψ${up(l)}${down(i)}[${to + 1}]: `, config.layers[l].psi[i][to]));
    if (k + 1 < group.stops.length) found.push(factor("w: ", group.crossed[k]));
  });
  const last = group.stops.at(-1);
  found.push(factor("e: ", config.errors_out[last[1]][last[3]]));
  if (group.paths > 1)
    found.push(
      make(
        "span",
        {},
        `(${group.paths} paths, added: all choices with at least one ${group.resets ? "r" : "step of the trace"})`,
      ),
    );
  return found;
}
/** The ways to wait from t to t + 1 in the k-th membrane of a route, [symbol, kind, factor], but those by a factor of 0. */
function waysOf(group, k, t) {
  const [l, i] = group.stops[k],
    layer = config.layers[l];
  return [
    ["λ", "leak", layer.leak?.[i][t]],
    [`r${up(l)}${down(i)}`, "reset", group.resets ? layer.reset?.[i][t] : undefined],
    ["λ of the trace", "trace", group.traced && k === 0 ? config.by_trace[weight][t] : undefined],
  ].filter(([, , v]) => v !== undefined && value(v) !== 0);
}
/** What waiting in the k-th membrane multiplies by: one number for equal leaks, else a number, or several, a step. */
function waitsOf(group, k, factor) {
  const stepsOf = ([, , from, to]) => [...Array(to - from).keys()].map((n) => from + n),
    steps = stepsOf(group.stops[k]);
  if (!steps.length) return [];
  if (!group.resets && !group.traced) {
    const [l, i] = group.stops[k];
    const power = steps.length > 1 ? digits(steps.length, SUPER) : "";
    return [factor(`λ${power}: `, times(steps.map((t) => config.layers[l].leak[i][t])))];
  }
  const kind = group.resets ? "reset" : "trace";
  const those = group.stops.flatMap((stop, m) => stepsOf(stop).map((t) => waysOf(group, m, t)));
  const only = those.filter((ways) => ways.some((way) => way[1] === kind)).length === 1; // then no path leaves it out
  return steps.map((t) => {
    const all = waysOf(group, k, t),
      shown = only && all.some((way) => way[1] === kind) ? all.filter((way) => way[1] === kind) : all;
    return make(
      "span",
      { class: "ways" },
      shown.length > 1 ? "(" : "",
      ...shown.flatMap(([symbol, kind, v], n) => [
        n ? " or " : "",
        make("span", { "data-kind": kind, "data-value": String(v) }, `${symbol}[${t + 1}]: ${say(v)}`),
      ]),
      shown.length > 1 ? ")" : "",
    );
  });
}
const joined = (parts) => parts.flatMap((part, k) => (k ? [" · ", part] : [part]));
/** Below the drawing, the route that is shown in it. */
function paintChosen(group) {
  const place = $("chosen");
  place.hidden = !group;
  if (group)
    put(
      "chosen",
      make("strong", {}, "The path that is drawn: "),
      `${wordsOf(group)}. `,
      ...joined(factorsOf(group)),
      ` = ${sayBoth(group.value)}`,
    );
}
function paintNumbers() {
  const t = now - 1,
    rows = [],
    final = now === data.T;
  for (let j = 0; j < data.inputs; j++)
    rows.push([`x${down(j)}`, "", "", say(config.x[j][t]), "", say(config.traces.inputs[j]?.[t]), "", ""]);
  data.layers.forEach((layer, l) => {
    for (let i = 0; i < layer.size; i++) {
      const own = config.layers[l];
      rows.push([
        neuronName(l, i),
        say(own.u[i][t]),
        layer.spiking ? say(own.threshold[i]) : "",
        layer.spiking ? say(own.s[i][t]) : "",
        layer.spiking ? say(own.psi[i][t]) : "",
        say(config.traces.layers[l]?.[i]?.[t]),
        say(config.errors[0][l][i][t]),
        final ? say(config.errors[1][l][i][t]) : `not before t = ${data.T}`,
      ]);
    }
  });
  const head = [
    "",
    "potential u",
    "threshold V_th",
    "spike s",
    "ψ",
    "trace â",
    `error g of ${data.shown[0]}`,
    `error δ of ${data.shown[1]}`,
  ];
  table("numbers", head, rows);
  $("numbers-note").textContent =
    "g[t] needs only this time step. δ[t] also holds what comes back from later: " +
    `BPTT goes back at t = ${data.T}, and then has all of them. ` +
    `Error at the output${data.layers.at(-1).size === 1 ? "" : "s"}: ${config.errors_out.map((row) => say(row[t])).join(", ")}. ` +
    `Loss: ${data.loss} = ${sayBoth(config.loss)}.`;
  $("backwards").hidden = !final;
  if (!final) return;
  const back = [];
  data.layers.forEach((layer, l) => {
    for (let i = 0; i < layer.size; i++) back.push([neuronName(l, i), ...config.errors[1][l][i].map((v) => say(v))]);
  });
  table("deltas", ["δ", ...config.errors[1][0][0].map((_, t) => `t = ${t + 1}`)], back);
}
/** Rows that begin with a name. */
function table(id, head, rows, name = {}) {
  put(
    id,
    make(
      "thead",
      {},
      make("tr", {}, ...head.map((words, k) => make("th", { scope: "col", ...(k ? {} : name) }, ...rich(words)))),
    ),
    make(
      "tbody",
      {},
      ...rows.map((row) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", ...name }, row[0]),
          ...row.slice(1).map((cell) => make("td", {}, ...[cell].flat())),
        ),
      ),
    ),
  );
}

function paintState() {
  const most = Math.max(...data.state.flatMap((each) => each.numbers)),
    colors = ["curve", "line", "line dashed", "thin", "thin dashed", "curve dashed"];
  const said =
    `Numbers stored after ${many(data.T, "time step")}: ` +
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
}
/** Beside the network: what each method has added up by now, and how many numbers it holds for that. */
function paintBeside() {
  const t = now - 1,
    most = Math.max(...data.state.flatMap((each) => each.numbers));
  const names = new Set(
    [
      "sltt",
      data.state.find((each) => each.name.startsWith("ottt")).name,
      "otpe",
      "bptt",
      "bptt-kept",
      "rtrl",
      "sr",
    ].filter((name) => config.gradients[name]),
  );
  const rows = [...names].map((name) => {
    const held = data.state.find((each) => each.name === name || each.also.includes(name))?.numbers[t];
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${held === undefined ? 0 : Math.max(1, Math.round((40 * held) / most))}px`;
    return [
      data.columns.find((each) => each.name === name).title,
      soFar(name),
      held === undefined ? "–" : [bar, String(held)],
    ];
  });
  table("so-far", ["method", `gradient of ${own().name} so far`, "numbers stored now"], rows, { class: "words" });
  $("beside-title").textContent = `What each method has at t = ${now}`;
}
function paintMadeOf() {
  put(
    "made-of",
    ...data.state.map(({ title, long, made_of, each_step, also }) => {
      const sum = made_of.reduce((n, [count]) => n + count, 0);
      const terms = made_of.map(([count, words]) => `${count} ${words}`).join(" + ");
      const each = each_step ? " for each time step" : "";
      const others = also.length ? "; differentiating the reset needs no more" : "";
      return make("li", {}, make("strong", {}, title), ` (${long}): ${sum}${each} = ${terms}${others}`);
    }),
    ...(data.state.some((each) => each.name === "otpe")
      ? []
      : [
          make(
            "li",
            {},
            make("strong", {}, "OTPE"),
            ": not counted for a network such as this one; its sum so far is that of its paths",
          ),
        ]),
  );
}
/** What a method has added up by now of the gradient of the weight. */
function soFar(name) {
  const terms = config.terms[name]?.[weight],
    method = data.methods.find((each) => each.name === name);
  const kept = () =>
    groups()
      .filter((group) => group.methods.includes(name) && ends(group) < now)
      .map((group) => group.value);
  if (terms) return decimal(value(add(terms.slice(0, now))));
  if (method?.forward) return decimal(value(add(kept())));
  return now === data.T ? decimal(value(config.gradients[name][weight])) : `not before t = ${data.T}`;
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
        const same = name !== "bptt" && v !== undefined && areEqual(v, config.gradients.bptt[w]);
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
