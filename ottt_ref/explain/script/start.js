/* Moving through time, and the beginning. */

function setTime(t) {
  now = Math.max(1, Math.min(data.T, t));
  chosen = null;
  paint();
  announce();
}
function announce() {
  const t = now - 1,
    fired = [];
  data.layers.forEach((layer, l) => {
    if (layer.spiking)
      config.layers[l].s.forEach((row, i) => {
        if (value(row[t]) > 0) fired.push(neuronName(l, i));
      });
  });
  const on = litMethods().map((method) => method.title);
  $("live").textContent =
    `Time step ${now} of ${data.T}. ` +
    `${fired.length ? `${list(fired)} fire${fired.length > 1 ? "" : "s"}` : "No neuron fires"}. ` +
    `Weight ${own().name}. ${on.length ? `The switches are ${list(on)}` : "The switches are no method"}. ` +
    `Sum of the lit paths that have ended: ${$("sum").textContent}.`;
}
function play() {
  if (timer) return stop();
  if (now === data.T) setTime(1);
  $("play").textContent = "Stop";
  timer = setInterval(() => {
    if (now >= data.T) return stop();
    setTime(now + 1);
  }, 900);
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
  if (move === undefined || ((event.key === "Home" || event.key === "End") && !event.target.closest?.("#unrolled")))
    return;
  event.preventDefault();
  stop();
  setTime(move);
}

/** Whether the drawing stays in sight while its controls move by, where they stand below it: if a quarter is left. */
function hold() {
  const stage = document.querySelector(".stage"),
    height = stage.querySelector(".first").offsetHeight;
  stage.classList.toggle("held", height < 0.75 * innerHeight);
  stage.style.setProperty("--held", `${height}px`);
}

function paint() {
  $("time").value = now;
  $("time").setAttribute("aria-valuetext", `time step ${now} of ${data.T}`);
  $("time-said").textContent = `t = ${now} of ${data.T}`;
  $("back").disabled = now === 1;
  $("on").disabled = now === data.T;
  paintWeights.painted === data || paintWeights();
  paintWeights.painted = data;
  for (const task of [
    paintWeightSaid,
    paintPotential,
    paintSurrogate,
    paintNetwork,
    paintBeside,
    paintSwitches,
    paintMethods,
    paintSum,
    paintPaths,
    paintNumbers,
    paintState,
    paintAll,
  ])
    task();
  hold();
}

/** The sliders that are there, at the values that the library gave, where they have them: one may be held just now. */
function asBefore(old, wanted) {
  const at = wanted.map((slider, k) => old[k].values.indexOf(slider.values[slider.start]));
  const fit = wanted.every((slider, k) => old[k].field === slider.field && old[k].label === slider.label && at[k] >= 0);
  return fit ? old.map((slider, k) => ({ ...slider, start: at[k] })) : null;
}
/** Show what the library gave: as before, where the network has the same shape. */
function start(given) {
  const shape = (of) => JSON.stringify([of.T, of.inputs, of.layers, of.weights.map(({ name }) => name)]);
  const same = data !== undefined && shape(data) === shape(given);
  const sliders = data === undefined ? null : asBefore(data.sliders, given.sliders);
  data = { ...given, sliders: sliders ?? given.sliders };
  state.at = data.sliders.map((slider) => slider.start);
  takeConfig();
  stop();
  chosen = null;
  if (!same) {
    weight = data.first_weight;
    now = data.T;
    neuron = [0, 0];
    state.method = "ottt";
  }
  if (state.method) setTo(state.method);
  $("time").max = data.T;
  put("heading", ...rich(data.heading));
  put("seen", ...rich(data.seen));
  $("seen").hidden = !data.seen;
  $("version").textContent = data.version;
  put("reset-words", ...rich(data.reset_words));
  put("formula", ...data.formula.map((line) => make("span", {}, ...rich(line))));
  if (sliders) state.shown.forEach((show) => show());
  else paintSliders();
  paintNeuronChoice();
  paintMadeOf();
  paintTry();
  paintKey();
  paint();
  announce();
}

$("neuron").onchange = (event) => {
  neuron = event.target.value.split(",").map(Number);
  paintPotential();
  paintSurrogate();
};
$("time").oninput = (event) => {
  stop();
  setTime(Number(event.target.value));
};
$("back").onclick = () => {
  stop();
  setTime(now - 1);
};
$("on").onclick = () => {
  stop();
  setTime(now + 1);
};
$("play").onclick = play;
document.addEventListener("keydown", keys);
start(given.network);
if (given.edit) editor(given.edit);
let width = document.documentElement.clientWidth;
addEventListener("resize", () => {
  if (document.documentElement.clientWidth !== width) {
    width = document.documentElement.clientWidth;
    paint();
  } else hold();
});
const answers = () => document.querySelectorAll("details");
addEventListener("beforeprint", () => {
  paint();
  answers().forEach((each) => {
    each.open = true;
  });
});
addEventListener("afterprint", () =>
  answers().forEach((each) => {
    each.open = false;
  }),
);
