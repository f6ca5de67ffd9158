/* The routes of the chosen weight: which are lit, and which methods keep the very same. */

const own = () => data.weights[weight];
const groups = () =>
  own().groups.map((group, k) => ({
    ...group,
    k,
    value: config.contributions[weight][k],
    paths: config.counts[weight][k],
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
/** Whether the switches are methods that add up nothing before the end: BPTT. */
function onlyAtTheEnd() {
  const on = now < data.T ? litMethods() : [];
  return on.length > 0 && !on.some((method) => method.forward);
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
/** Why no path of the weight carries anything, in sentences. */
function whyNone() {
  const { layer, index, source, delay } = own(),
    zero = (row) => row.every((v) => value(v) === 0);
  const sent =
    source === null
      ? [1]
      : source[0] < 0
        ? config.x[source[1]]
        : (config.layers[source[0]].s ?? config.layers[source[0]].u)[source[1]];
  const reasons = [];
  if (zero(sent.slice(0, source === null ? 1 : Math.max(0, data.T - delay))))
    reasons.push("nothing ever arrives at this weight");
  for (let l = layer; l < data.layers.length; l++) {
    const psi = config.layers[l].psi,
      those = psi && (l === layer ? [psi[index[0]]] : psi);
    if (those && those.every(zero))
      reasons.push(
        `ψ of ${l === layer ? neuronName(l, index[0]) : `every neuron of layer ${l + 1}`} is 0 at every time step, for its potential is never near the threshold`,
      );
  }
  if (config.errors_out.every(zero)) reasons.push("every error is 0: there is nothing to change at the output");
  if (!reasons.length) reasons.push("each has a factor of 0: no spike, or ψ or an error that is 0 just then");
  return `No path of ${own().name} carries anything: ${reasons.join("; and ")}. So its gradient is 0 in every method that adds up paths.`;
}
