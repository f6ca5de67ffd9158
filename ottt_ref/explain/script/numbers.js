/* Numbers: whole numbers and "3/8" are exact, others are floats. Fractions are added exactly. */

const isExact = (v) => typeof v === "string" || (data.exact && Number.isSafeInteger(v));
function parts(v) {
  const [n, d] = String(v).split("/");
  return [BigInt(n), d === undefined ? 1n : BigInt(d)];
}
function value(v) {
  if (typeof v === "number") return v;
  const [n, d] = v.split("/");
  return Number(n) / (d === undefined ? 1 : Number(d));
}
function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}
function add(values) {
  if (!values.every(isExact)) return values.reduce((sum, v) => sum + value(v), 0);
  let [n, d] = [0n, 1n];
  for (const v of values) {
    const [p, q] = parts(v);
    n = n * q + p * d;
    d *= q;
    const g = gcd(n, d) || 1n;
    n /= g;
    d /= g;
  }
  return d === 1n ? (n <= 9007199254740991n && n >= -9007199254740991n ? Number(n) : String(n)) : `${n}/${d}`;
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
/** A short fraction with its decimal, or the decimal alone. */
function sayBoth(v) {
  const short = say(v, 15);
  return short.includes("/") ? `${short} = ${decimal(value(v))}` : short;
}
