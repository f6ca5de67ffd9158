/* The form of --live, in which the network is changed. */

const CHOICES = {
  reset: ["soft", "unleaked", "hard"],
  readout: ["spiking", "leaky", "linear"],
  loss: ["half-squares", "mean-squared-error", "mixed", "cross-entropy"],
};
const OPTIONS = { dialect: ["derivation", "authors"], reset_gradient: ["detached", "kept"] };
const OPTION_WORDS = { dialect: "OTTT step by step: dialect", reset_gradient: "BPTT step by step: reset" };

const BY_LAYER = [
  ["decay", "decay λ"],
  ["threshold", "threshold V_th"],
];

/** A form of everything in the description; the numbers of a matrix are named by their place in it. */
function editor(description) {
  $("edit").hidden = false;
  const form = $("form");
  const input = (name, v, label) =>
    make("input", { name, value: v, "aria-label": label, autocomplete: "off", spellcheck: "false" });
  const matrix = (name, rows, words, cell) =>
    make(
      "fieldset",
      { class: "matrix" },
      make("legend", {}, words),
      ...rows.map((row, i) => make("div", {}, ...row.map((v, j) => input(`${name}.${i}.${j}`, v, cell(i, j))))),
    );
  const choice = (name, values, v, words) =>
    make(
      "label",
      { class: "field" },
      words,
      make("select", { name }, ...values.map((each) => make("option", { selected: each === v }, each))),
    );
  const field = (name, v, words) => make("label", { class: "field" }, words, input(name, v, words));
  const { surrogate } = description;
  form.replaceChildren(
    make(
      "div",
      { class: "rows" },
      ...description.weights.map((rows, l) =>
        matrix(
          `weights.${l}`,
          rows,
          `Weights into layer ${l + 1}: a row for each neuron`,
          (i, j) => `weight into neuron ${i + 1} of layer ${l + 1} from ${l ? "neuron" : "input"} ${j + 1}`,
        ),
      ),
      ...(description.biases ?? []).flatMap((row, l) =>
        row
          ? [
              matrix(
                `biases.${l}`,
                [row],
                `Biases of layer ${l + 1}`,
                (_, i) => `bias of neuron ${i + 1} of layer ${l + 1}`,
              ),
            ]
          : [],
      ),
      ...(description.loops ?? []).map(([source, target, rows], k) =>
        matrix(
          `loops.${k}`,
          rows,
          `Weights back from layer ${source + 1} to layer ${target + 1}`,
          (i, j) =>
            `weight back into neuron ${i + 1} of layer ${target + 1} from neuron ${j + 1} of layer ${source + 1}`,
        ),
      ),
      matrix(
        "inputs",
        description.inputs,
        "Inputs: a row for each time step",
        (t, j) => `input ${j + 1} at time step ${t + 1}`,
      ),
      ...BY_LAYER.filter(([name]) => Array.isArray(description[name])).map(([name, words]) =>
        matrix(
          name,
          description[name].map((each) => [each].flat()),
          `${words}: a row for each layer`,
          (l, i) => `${words} of layer ${l + 1}${Array.isArray(description[name][l]) ? `, neuron ${i + 1}` : ""}`,
        ),
      ),
      matrix("targets", [description.targets], "Targets", (_, i) => `target of output ${i + 1}`),
    ),
    make(
      "div",
      {},
      ...BY_LAYER.filter(([name]) => !Array.isArray(description[name])).map(([name, words]) =>
        field(name, description[name], words),
      ),
      ...Object.entries(surrogate)
        .filter(([name]) => name !== "type")
        .map(([name, v]) => field(`surrogate.${name}`, v, `${name} of ψ (${surrogate.type})`)),
      ...Object.entries(CHOICES).map(([name, values]) =>
        choice(name, values, description[name], name === "readout" ? "last layer" : name),
      ),
      ...Object.entries(OPTIONS).map(([name, values]) => choice(name, values, values[0], OPTION_WORDS[name])),
    ),
    make("button", { type: "submit" }, "Compute"),
    make("span", { id: "edit-said", role: "status" }),
  );
  let running = false,
    again = false,
    answered = null;
  const remember = () => {
    answered = data.sliders.map((slider) => form.elements.namedItem(slider.field)?.value);
  };
  /** One request at a time: what is changed in the meantime is asked for after it. */
  const request = async () => {
    again = running;
    if (running) return;
    running = true;
    saying("computing …");
    let fault = "";
    do {
      again = false;
      try {
        const body = JSON.stringify(collect(form, description));
        const answer = await fetch("/explain", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body,
        });
        const found = await answer.json();
        if (!answer.ok) throw new Error(found.error);
        fault = "";
        if (!again) start(found);
      } catch (error) {
        fault = error.message;
      }
    } while (again);
    running = false;
    saying("");
    if (fault) refused(fault);
    else remember();
  };
  /** Say what the library refused; sliders that were moved, and their fields, go back to what is shown. */
  const refused = (fault) => {
    $("edit-fault").textContent = fault;
    if (!data.sliders.some((slider, k) => state.at[k] !== slider.start)) return;
    document.querySelectorAll(".asked").forEach((each) => {
      each.textContent = fault;
    });
    state.at = data.sliders.map((slider) => slider.start);
    state.shown.forEach((show) => show());
    data.sliders.forEach((slider, k) => {
      if (answered[k] !== undefined) form.elements.namedItem(slider.field).value = answered[k];
    });
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    request();
  };
  form.onchange = (event) => {
    if (event.target.tagName === "SELECT") request(); // in which Enter does not submit
  };
  asking = (name, v) => {
    form.elements.namedItem(name).value = String(v);
    request();
  };
  remember();
}
/** Beside the form and the sliders, that the library computes; or nothing. */
function saying(words) {
  $("form").setAttribute("aria-busy", String(words !== ""));
  document.body.classList.toggle("computing", words !== "");
  $("edit-fault").textContent = "";
  $("edit-said").textContent = words;
  document.querySelectorAll(".asked").forEach((each) => {
    each.textContent = words;
  });
}
/** What stands in the form; numbers as they were written, which the library reads exactly. */
function collect(form, description) {
  const get = (name) => form.elements.namedItem(name).value.trim();
  const matrix = (name, rows) => rows.map((row, i) => [row].flat().map((_, j) => get(`${name}.${i}.${j}`)));
  const network = {
    ...description,
    weights: description.weights.map((rows, l) => matrix(`weights.${l}`, rows)),
    inputs: matrix("inputs", description.inputs),
    targets: matrix("targets", [description.targets])[0],
    surrogate: Object.fromEntries(
      Object.entries(description.surrogate).map(([name, v]) => [name, name === "type" ? v : get(`surrogate.${name}`)]),
    ),
  };
  BY_LAYER.forEach(([name]) => {
    const given = description[name];
    network[name] = Array.isArray(given)
      ? given.map((each, l) => (Array.isArray(each) ? matrix(name, given)[l] : get(`${name}.${l}.0`)))
      : get(name);
  });
  if (description.biases) network.biases = description.biases.map((row, l) => row && matrix(`biases.${l}`, [row])[0]);
  if (description.loops)
    network.loops = description.loops.map(([source, target, rows], k) => [source, target, matrix(`loops.${k}`, rows)]);
  Object.keys(CHOICES).forEach((name) => {
    network[name] = get(name);
  });
  if (["mixed", "cross-entropy"].includes(network.loss)) network.numbers = "float64";
  return { network, options: Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, get(name)])) };
}
