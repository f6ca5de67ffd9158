/* Weights, switches, methods, and the sum of what is lit. */

function paintWeights() {
  const byParameter = new Map();
  data.weights.forEach((each, k) => byParameter.set(each.parameter, [...(byParameter.get(each.parameter) ?? []), k]));
  const parts = [make("legend", {}, "The gradient of which weight?")];
  byParameter.forEach((those, parameter) => {
    const words = data.weights[those[0]].group;
    parts.push(make("div", { class: "group-name" }, words));
    parts.push(
      make(
        "div",
        { class: "choices" },
        ...those.map((k) =>
          make(
            "label",
            { class: "choice", title: data.weights[k].words },
            make("input", {
              type: "radio",
              name: "weight",
              value: k,
              checked: k === weight,
              "aria-label": `${data.weights[k].name}, ${data.weights[k].words}`,
              onchange: () => {
                weight = k;
                chosen = null;
                keepMethod();
                paint();
                announce();
              },
            }),
            make("span", { "aria-hidden": "true" }, data.weights[k].name),
          ),
        ),
      ),
    );
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
  const able = choicesOf(weight),
    parts = [make("legend", {}, "Where may a path wait?")];
  const one = (name, words, on, idle, change) =>
    make(
      "label",
      { class: idle ? "switch idle" : "switch" },
      make("input", {
        type: "checkbox",
        role: "switch",
        id: name,
        checked: on,
        onchange: (event) => {
          change(event.target.checked);
          state.method = null;
          chosen = null;
          paint();
          announce();
          $(name)?.focus();
        },
      }),
      make("span", {}, words),
    );
  data.layers.forEach((layer, l) => {
    if (!layer.membrane) return;
    const idle = !able.waits.includes(l),
      mine = l === own().layer;
    parts.push(
      one(
        `wait-${l}`,
        `in ${layerName(l)}${mine ? ", the weight’s own" : ""}${idle ? " (no path of this weight does)" : ""}`,
        switches.waits.has(l),
        idle,
        (on) => (on ? switches.waits.add(l) : switches.waits.delete(l)),
      ),
    );
  });
  parts.push(
    one(
      "resets",
      `through the reset${able.resets ? "" : " (no path of this weight can)"}`,
      switches.resets,
      !able.resets,
      (on) => {
        switches.resets = on;
      },
    ),
  );
  if (data.weights.some((_, k) => choicesOf(k).loops)) {
    parts.push(
      one("loops", "back through recurrent or feedback synapses", switches.loops, !able.loops, (on) => {
        switches.loops = on;
      }),
    );
  }
  if (data.weights.some((_, k) => choicesOf(k).traces)) {
    parts.push(
      one("traces", "in the trace alone, where no membrane remembers", switches.traces, !able.traces, (on) => {
        switches.traces = on;
      }),
    );
  }
  put("switches", ...parts);
}
function paintMethods() {
  const on = litMethods();
  put(
    "methods",
    ...data.methods.map((method) =>
      make(
        "button",
        {
          type: "button",
          id: `method-${method.name}`,
          "aria-pressed": String(on.includes(method)),
          title: method.keeps,
          onclick: () => {
            setTo(method.name);
            state.method = method.name;
            chosen = null;
            paint();
            announce();
            $(`method-${method.name}`).focus();
          },
        },
        method.title,
      ),
    ),
  );
  const lines = on.map((method) =>
    make("span", {}, make("strong", {}, method.title), ` (${method.long}) ${method.keeps}.`),
  );
  if (on.length > 1) lines.push(make("span", {}, "For this weight these are the same paths."));
  if (!on.length) lines.push(make("span", {}, "No method of the list keeps exactly these paths."));
  put("method-said", ...lines);
}
/** Who adds up the lit paths as time moves, and who goes back at the end. */
function whenAdded(on) {
  const [forward, backward] = [true, false].map((way) =>
    on.filter((each) => each.forward === way).map((each) => each.title),
  );
  return [
    ...(forward.length ? [`${list(forward)} add${forward.length > 1 ? "" : "s"} them up as time moves`] : []),
    ...(backward.length ? [`${list(backward)} only at the end, going back`] : []),
  ];
}
function paintSum() {
  const all = groups().filter((group) => value(group.value) !== 0),
    lit = all.filter(isLit);
  const ended = lit.filter((group) => ends(group) < now),
    count = (those) => those.reduce((n, group) => n + group.paths, 0);
  const on = litMethods();
  const total = add(ended.map((group) => group.value));
  $("sum").textContent = onlyAtTheEnd() ? `not before t = ${data.T}` : sayBoth(total);
  $("sum").dataset.value = String(total);
  const back = count(all.filter((group) => group.resets));
  const [some, done] = [count(lit), count(ended)];
  const words = [
    `${some} of ${many(count(all), "path")} ${some === 1 ? "is" : "are"} lit` +
      (back ? ` (${back} of all ${back === 1 ? "goes" : "go"} through the reset)` : ""),
  ];
  if (now < data.T) words.push(`${done} of them ${done === 1 ? "has" : "have"} ended by t = ${now}`, ...whenAdded(on));
  else if (on.length) {
    const theirs = on.map((method) => config.gradients[method.name][weight]);
    const exact = [total, ...theirs].every(isExact);
    const equal = exact ? "exactly the same" : "the same but for rounding";
    words.push(`${list(on.map((method) => method.title))}, by the library’s own rule: ${sayBoth(theirs[0])}, ${equal}`);
    if (exact && theirs.some((each) => String(each) !== String(total))) throw new Error(`${theirs} is not ${total}`);
  }
  $("sum-said").textContent = `${words.join("; ")}.`;
}
