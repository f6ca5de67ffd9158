/* Numbers. Of a page of floats, numbers; else whole numbers and "3/8" are exact, "~0.3" is not. Exact ones are added
   exactly, however long they are. */

const ROUNDED = "~";
const isExact = (v) => data.exact && !isRounded(v);
const isRounded = (v) => typeof v === "string" && v.startsWith(ROUNDED);
function parts(v) {
  const [n, d] = String(v).split("/");
  return [BigInt(n), d === undefined ? 1n : BigInt(d)];
}
function value(v) {
  if (typeof v === "number") return v;
  if (isRounded(v)) return Number(v.slice(ROUNDED.length));
  const [n, d] = v.split("/");
  if (d === undefined) return Number(n);
  const drop = Math.max(0, Math.max(n.length, d.length) - 300); // beyond floats: fewer digits of both
  return drop ? Number(n.slice(0, -drop) || 0) / Number(d.slice(0, -drop) || 1) : Number(n) / Number(d);
}
function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}
function fraction(n, d) {
  const g = gcd(n, d) || 1n;
  n /= g;
  d /= g;
  if (d !== 1n) return `${n}/${d}`;
  return n <= 9007199254740991n && n >= -9007199254740991n ? Number(n) : String(n);
}
const rounded = (x) => (data.exact ? ROUNDED + x : x);
function add(values) {
  if (!values.every(isExact)) return rounded(values.reduce((sum, v) => sum + value(v), 0));
  let [n, d] = [0n, 1n];
  for (const v of values) {
    const [p, q] = parts(v);
    n = n * q + p * d;
    d *= q;
    const g = gcd(n, d) || 1n; // or it grows with the number of terms
    n /= g;
    d /= g;
  }
  return fraction(n, d);
}
function times(values) {
  if (!values.every(isExact)) return rounded(values.reduce((product, v) => product * value(v), 1));
  let [n, d] = [1n, 1n];
  for (const v of values) {
    const [p, q] = parts(v);
    n *= p;
    d *= q;
  }
  return fraction(n, d);
}
/** Whether two numbers are the same: exact ones, or others but for what rounding makes of some hundred terms. */
function areEqual(a, b) {
  if (isExact(a) && isExact(b)) return String(a) === String(b);
  return Math.abs(value(a) - value(b)) <= 1e-12 * Math.max(Math.abs(value(a)), Math.abs(value(b)));
}
function decimal(x, digits = 4) {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return String(x);
  const text = Math.abs(x) < 1e-4 || Math.abs(x) >= 1e6 ? x.toExponential(2) : String(Number(x.toPrecision(digits)));
  return text.replace("-", "−");
}
function say(v, width = 7, precision = 4) {
  if (v === null || v === undefined) return "–";
  if (isExact(v) && String(v).length <= width) return String(v).replace("-", "−");
  return decimal(value(v), precision);
}
/** With as many digits as so many letters have room for. */
function fitting(v, letters) {
  const found = [4, 3, 2, 1].map((precision) => say(v, Math.min(letters, 7), precision));
  return found.find((each) => each.length <= letters) ?? value(v).toExponential(0).replaceAll("-", "−");
}
/** A short fraction with its decimal, or the decimal alone. */
function sayBoth(v) {
  const short = say(v, 15);
  return short.includes("/") ? `${short} = ${decimal(value(v))}` : short;
}
/** "1 time step", "2 time steps". */
const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
