/* One neuron over time, the sliders, and the surrogate. */

/** The same sliders beside the neuron and beside the network: what one is moved to, the other shows. */
function paintSliders() {
  state.shown = [];
  ["sliders", "sliders-too"].forEach((place) =>
    put(
      place,
      ...data.sliders.map((slider, k) => sliderOf(place, slider, k)),
      ...(given.edit ? [make("p", { class: "asked" })] : []),
    ),
  );
}
const FIXED = "Fixed here: with more values there would be too many paths for one page.";
const NONE = "Fixed here: the layers have no such number in common.";
const AS_IT_IS = "as it is";
function sliderOf(place, slider, k) {
  const id = place === "sliders" ? `slider-${slider.name}` : `slider-${slider.name}-too`;
  const said = make("output", { for: id });
  const input = make("input", {
    type: "range",
    id,
    min: 0,
    max: slider.values.length - 1,
    step: 1,
    disabled: slider.values.length < 2,
    oninput: (event) => {
      state.at[k] = Number(event.target.value);
      state.shown.forEach((show) => show());
      if (asking) return asking(slider.field, slider.values[state.at[k]]);
      takeConfig();
      paint();
      announce();
    },
  });
  const show = () => {
    const chosen = slider.values[state.at[k]];
    said.textContent = chosen === AS_IT_IS ? "–" : say(chosen);
    input.value = state.at[k];
    input.setAttribute("aria-valuetext", said.textContent);
  };
  state.shown.push(show);
  show();
  const words = make("span", {}, ...rich(`${slider.label} ${slider.symbol}`));
  const parts = [make("label", { for: id }, words, said), input];
  if (slider.values.length < 2) parts.push(make("p", { class: "note" }, slider.values[0] === AS_IT_IS ? NONE : FIXED));
  return make("div", { class: "slider" }, ...parts);
}
const state = { at: [], shown: [] };
/** What the library computed for the sliders' values: of a page that asks it, the one answer. */
function takeConfig() {
  let index = 0;
  data.sliders.forEach((slider, k) => {
    index = index * slider.values.length + state.at[k];
  });
  config = given.edit ? data.configs[0] : data.configs[index];
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
  const [l, i] = neuron,
    layer = config.layers[l],
    T = data.T;
  const u = layer.u[i].map(value),
    after = layer.after[i].map(value),
    spiking = data.layers[l].spiking;
  const threshold = spiking ? value(layer.threshold[i]) : null;
  const high = Math.max(...u, threshold ?? 0, 0.1) * 1.15,
    low = Math.min(0, ...u, ...after) * 1.15;
  const spikes = spiking
    ? layer.s[i]
        .map((s, t) => [value(s), t])
        .filter(([s]) => s > 0)
        .map(([, t]) => t + 1)
    : [];
  const said =
    `Potential of ${neuronName(l, i)}: ${u.map((v) => decimal(v, 3)).join(", ")}.` +
    (spiking ? ` Threshold ${say(layer.threshold[i])}. Spikes at time steps ${spikes.join(", ") || "none"}.` : "");
  drawing("potential", 210, said, (picture, width) => {
    const left = 34,
      right = 16,
      top = 10,
      bottom = 184;
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

function paintSurrogate() {
  const [l, i] = data.layers[neuron[0]].spiking ? neuron : [data.layers.findIndex((layer) => layer.spiking), 0];
  if (l < 0) return put("surrogate", "No layer of this network spikes.");
  const curve = config.curve,
    layer = config.layers[l];
  const points = layer.u[i].map((u, t) => [value(layer.distance[i][t]), value(layer.psi[i][t]), t]).slice(0, now);
  const reach = Math.max(...curve.z.map(Math.abs));
  const high = Math.max(1, ...curve.psi) * 1.08;
  const said =
    `The surrogate derivative of ${neuronName(l, i)}: ` +
    points
      .map(([z, psi, t]) => `at time step ${t + 1} u − V_th is ${decimal(z, 3)} and ψ ${decimal(psi, 3)}`)
      .join("; ") +
    ".";
  drawing("surrogate", 210, said, (picture, width) => {
    const left = 26,
      right = 14,
      top = 14,
      bottom = 176;
    const x = (z) => left + ((Math.max(-reach, Math.min(reach, z)) + reach) / (2 * reach)) * (width - left - right);
    const y = (v) => bottom - (v / high) * (bottom - top);
    picture.append(draw("path", { class: "thin", d: `M${left} ${y(0)} H${width - right}` }));
    picture.append(draw("path", { class: "thin", d: `M${x(-reach)} ${y(0)} H${x(0)} V${y(1)} H${x(reach)}` }));
    picture.append(
      draw("path", { class: "curve", d: "M" + curve.z.map((z, k) => `${x(z)} ${y(curve.psi[k])}`).join(" L") }),
    );
    picture.append(
      text(x(0), 192, "u = V", { "text-anchor": "middle", class: "small" }),
      text(x(0) + 15, 195, "th", { class: "small" }),
    );
    picture.append(text(width - right, 206, "u − Vth →", { "text-anchor": "end", class: "small quiet-text" }));
    picture.append(text(4, y(1) + 4, "1", { class: "small" }), text(4, y(0) + 4, "0", { class: "small" }));
    picture.append(text(x(reach) - 6, y(1) - 5, "the step", { "text-anchor": "end", class: "small quiet-text" }));
    const labels = new Map(); // of dots that lie upon each other, one label
    points.forEach(([z, psi, t]) => {
      picture.append(
        draw("circle", { class: value(layer.s[i][t]) > 0 ? "dot on" : "dot", cx: x(z), cy: y(psi), r: 5 }),
      );
      const place = `${Math.round(x(z))} ${Math.round(y(psi))} ${Math.sign(z) || 1} ${Math.abs(z) > reach}`;
      labels.set(place, [...(labels.get(place) ?? []), t + 1]);
    });
    labels.forEach((times, place) => {
      const [px, py, side, beyond] = place.split(" ");
      picture.append(
        text(
          Number(px) + 9 * Number(side),
          Number(py) - (py > y(0) - 4 ? 8 : -4),
          `${times.join(", ")}${beyond === "true" ? " (beyond)" : ""}`,
          { "text-anchor": Number(side) < 0 ? "end" : "start", class: "small" },
        ),
      );
    });
  });
}
