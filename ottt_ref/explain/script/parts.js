/* What is shown now, and helpers that make elements and drawings. */

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
const given = JSON.parse($("data").textContent);
let data, config, weight, now, switches, chosen, timer, neuron;
let asking = null; // of a page that is served: asks the library for another value of a field

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  fill(element, attributes, children);
  return element;
}
function fill(element, attributes, children) {
  for (const [name, v] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), v);
    else if (v === true) element.setAttribute(name, "");
    else if (v !== false && v !== null && v !== undefined) element.setAttribute(name, v);
  }
  element.append(...children.filter((child) => child !== null));
}
function put(id, ...children) {
  $(id).replaceChildren(...children);
}
/** A picture as wide as there is room, or wider; then its place can be scrolled. */
function drawing(id, height, label, paint, least = 0) {
  const room = Math.max(260, Math.floor($(id).clientWidth || 600)),
    width = Math.max(room, least);
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  if (width > room) picture.style.minWidth = `${width}px`;
  paint(picture, width);
  put(id, picture);
}
/** Words in which "V_th" is to be read as V with a th below. */
function rich(words) {
  return words.split(/(?<=[Vv])_(th|reset)\b/).map((part, k) => (k % 2 ? make("sub", {}, part) : part));
}
const text = (x, y, words, attributes = {}) => draw("text", { x, y, ...attributes }, words);
const SUPER = "⁰¹²³⁴⁵⁶⁷⁸⁹",
  SUB = "₀₁₂₃₄₅₆₇₈₉";
const digits = (n, table) =>
  String(n)
    .split("")
    .map((c) => table[c])
    .join("");
const up = (l) => digits(l + 1, SUPER);
const down = (i) => digits(i + 1, SUB);
const layerName = (l) => (data.layers[l].spiking ? `layer ${l + 1}` : "readout");
const neuronName = (l, i) => (data.layers[l].spiking ? `neuron ${i + 1} of layer ${l + 1}` : `output ${i + 1}`);
const potentialName = (l, i) => (data.layers[l].spiking ? "u" : "o") + up(l) + down(i);
const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
