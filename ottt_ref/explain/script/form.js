/* The form of --live, in which the network is changed. */

const CHOICES = {
  reset: ["soft", "unleaked", "hard"],
  readout: ["spiking", "leaky", "linear"],
  loss: ["half-squares", "mean-squared-error", "mixed", "cross-entropy"],
};
const OPTIONS = { dialect: ["derivation", "authors"], reset_gradient: ["detached", "kept"] };
const OPTION_WORDS = { dialect: "OTTT step by step: dialect", reset_gradient: "BPTT step by step: reset" };

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
      matrix("targets", [description.targets], "Targets", (_, i) => `target of output ${i + 1}`),
    ),
    make(
      "div",
      {},
      field("decay", description.decay, "decay λ"),
      field("threshold", description.threshold, "threshold V_th"),
      ...Object.entries(surrogate)
        .filter(([name]) => name !== "type")
        .map(([name, v]) => field(`surrogate.${name}`, v, `${name} of ψ (${surrogate.type})`)),
      ...Object.entries(CHOICES).map(([name, values]) =>
        choice(name, values, description[name], name === "readout" ? "last layer" : name),
      ),
      ...Object.entries(OPTIONS).map(([name, values]) => choice(name, values, values[0], OPTION_WORDS[name])),
    ),
    make("button", { type: "submit" }, "Compute"),
  );
  let asked = 0;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const mine = ++asked;
    $("edit-fault").textContent = "";
    form.setAttribute("aria-busy", "true");
    try {
      const body = JSON.stringify(collect(form, description));
      const answer = await fetch("/explain", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
      });
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
    decay: number(get("decay")),
    threshold: number(get("threshold")),
    surrogate: Object.fromEntries(
      Object.entries(description.surrogate).map(([name, v]) => [
        name,
        name === "type" ? v : number(get(`surrogate.${name}`)),
      ]),
    ),
  };
  if (description.biases) network.biases = description.biases.map((row, l) => row && matrix(`biases.${l}`, [row])[0]);
  if (description.loops)
    network.loops = description.loops.map(([source, target, rows], k) => [
      source,
      target,
      matrix(`loops.${k}`, rows),
    ]);
  Object.keys(CHOICES).forEach((name) => {
    network[name] = get(name);
  });
  if (["mixed", "cross-entropy"].includes(network.loss)) network.numbers = "float64";
  return { network, options: Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, get(name)])) };
}
/** As JSON has it: a fraction as text, else a number; what is neither is sent as it is, for the library to refuse. */
const number = (words) => (/^[+-]?\d+$/.test(words) || /e/i.test(words) ? Number(words) : words);
