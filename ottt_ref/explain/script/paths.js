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
