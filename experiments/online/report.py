"""What comes out: accuracies over time, recovery, budgets, the fitted order; as data, tables and lines."""

import numpy as np
from scipy import stats

from ..sweep.statistics import CONFIDENCE, difference
from .runs.order import RATES

BASE = "bptt"
SHARE = 0.95  # of the accuracy before the drift, which counts as recovered
FITTED = 1e-3  # the largest η of the fit: above, spikes flip often
MARGIN = 0.02  # how far from 2 the interval of the exponent may reach

HEADER = (
    "drift", "rule", "η", "accuracy over the stream (%)", f"minus BPTT, {100 * CONFIDENCE:g} % interval",
    "before the drift", "at the end", "samples to recover", "mistakes by the drift",
)  # fmt: skip
BUDGET = (
    "drift", "rule", "updates", "forward: MAC", "AC", "errors: MAC", "pairing: MAC", "AC", "optimiser: MAC",
    "MAC in all",
)  # fmt: skip


def interval(values):
    """The mean and the ends of its interval by Student's t; None for these of one value."""
    found = difference(values, np.zeros(len(values)))
    return [found.mean, found.low, found.high]


def correct(result):
    """Whether each sample was told right before it was learned from, float [n]."""
    return np.array([float(each) for each in result["correct"]])


def smoothed(right, window):
    """The accuracy over the last `window` samples of each half; over those that there are near a half's start."""
    half = len(right) // 2
    return np.concatenate([_trailing(part, window) for part in (right[:half], right[half:])])


def _trailing(part, window):
    sums = np.concatenate([[0.0], np.cumsum(part)])
    ends = np.arange(1, len(part) + 1)
    starts = np.maximum(0, ends - window)
    return (sums[ends] - sums[starts]) / (ends - starts)


def recovery(right, window):
    """How many samples after the drift until the last `window` of them, all after it, are told as well as before.

    As well is SHARE of the accuracy over the `window` samples before the drift. None where the stream ends first.
    """
    half = len(right) // 2
    goal = SHARE * right[max(0, half - window) : half].mean()
    after = right[half:]
    full = _trailing(after, window)[window - 1 :]
    reached = np.flatnonzero(full >= goal)
    return int(reached[0]) + window if len(reached) else None


def mistakes(right, window):
    """How many more mistakes were made after the drift than at the accuracy before it."""
    half = len(right) // 2
    return float(np.sum(right[max(0, half - window) : half].mean() - right[half:]))


def summaries(results, rates, window):
    """A summary for each drift and rule, from results by drift, rule and seed."""
    cells = {}
    for (drift, rule, seed), result in results.items():
        cells.setdefault((drift, rule), {})[seed] = result
    return [
        _summary(drift, rule, runs, cells.get((drift, BASE), {}), rates[drift, rule], window)
        for (drift, rule), runs in cells.items()
    ]


def _summary(drift, rule, runs, base, rate, window):
    known = {"drift": drift, "rule": rule, "learning_rate": rate, "seeds": len(runs)}
    failed = [result["failed"] for result in runs.values() if "failed" in result]
    if failed:
        return {**known, "failed": failed}
    rights = {seed: correct(result) for seed, result in runs.items()}
    length = len(next(iter(rights.values())))
    half = length // 2
    recovered = [recovery(right, window) for right in rights.values()]
    both = [seed for seed in runs if seed in base and "failed" not in base[seed]]
    apart = gain = None
    if rule != BASE and both:
        found = difference([runs[seed]["accuracy"] for seed in both], [base[seed]["accuracy"] for seed in both])
        apart = [found.mean, found.low, found.high]
        lead = np.array([np.cumsum(rights[seed] - correct(base[seed])) for seed in both])
        gain = [interval(column) for column in lead.T]
    curves = np.array([smoothed(right, window) for right in rights.values()])
    return {
        **known,
        "failed": [],
        "samples": length,
        "accuracy": interval([right.mean() for right in rights.values()]),
        "difference": apart,
        "before": interval([right[max(0, half - window) : half].mean() for right in rights.values()]),
        "end": interval([right[-min(window, length - half) :].mean() for right in rights.values()]),
        "recovered": recovered,
        "recovery": None if None in recovered else interval(recovered),
        "mistakes": interval([mistakes(right, window) for right in rights.values()]),
        "gain": gain,
        "curve": [interval(column) for column in curves.T],
        "budget": _budget(list(runs.values()), length),
    }


def _budget(runs, length):
    """Of the whole stream: updates; and operations, from the means over the samples that were counted."""
    updates, parameters = runs[0]["updates_of_a_sample"] * length, runs[0]["parameters"]
    found = {"updates": updates, "optimiser_macs": updates * parameters}
    if all(run["operations"] for run in runs):
        means = np.mean([run["operations"] for run in runs], axis=0) * length
        found |= {name: means[k].tolist() for k, name in enumerate(("forward", "errors", "gradients"))}
    return found


def rows(found):
    """Rows for HEADER."""
    return [_row(each) for each in found]


def _row(each):
    head = (each["drift"], each["rule"], f"{each['learning_rate']:g}")
    if each["failed"]:
        return (*head, f"failed: {each['failed'][0]}", *("" for _ in HEADER[4:]))
    return (
        *head,
        spread(each["accuracy"], 100, ".2f"),
        "" if each["difference"] is None else ends(each["difference"]),
        *(spread(each[name], 100, ".1f") for name in ("before", "end")),
        recovery_text(each),
        spread(each["mistakes"], 1, ".0f"),
    )


def recovery_text(each):
    """The samples to recover, or in how many seeds the stream ended first."""
    if each["recovery"] is not None:
        return spread(each["recovery"], 1, ".0f")
    return f"not in {each['recovered'].count(None)} of {each['seeds']}"


def spread(interval, factor, form):
    """A mean ± half of its interval."""
    mean, low, high = interval
    text = f"{factor * mean:{form}}"
    return text if low is None else f"{text} ± {factor * (high - low) / 2:{form}}"


def ends(interval):
    """A difference in points with the ends of its interval."""
    mean, low, high = interval
    text = f"{100 * mean:+.2f}"
    return text if low is None else f"{text} [{100 * low:+.2f}, {100 * high:+.2f}]"


def budget_rows(found):
    """Rows for BUDGET, in millions but for the updates."""
    return [_budget_row(each["drift"], each["rule"], each["budget"]) for each in found if not each["failed"]]


def _budget_row(drift, rule, budget):
    def millions(number):
        return f"{number / 1e6:,.1f}"

    head, optimiser = (drift, rule, f"{budget['updates']:,}"), budget["optimiser_macs"]
    if "forward" not in budget:
        return (*head, "", "", "", "", "", millions(optimiser), "")
    forward, errors, gradients = (budget[name] for name in ("forward", "errors", "gradients"))
    whole = forward[0] + errors[0] + gradients[0] + optimiser
    return (*head, *(millions(n) for n in (*forward, errors[0], *gradients, optimiser, whole)))


def fitted(results):
    """The exponents of η, from results by network and seed: a mapping for each network.

    fit         of the samples in which no spike flips at any η up to FITTED, over these η: the root mean square of
                ‖difference‖ over them, by `stats.linregress` of its logarithm, with its interval
    everything  the same of all samples and all η, with those in which spikes flip
    """
    found = []
    for network in dict.fromkeys(network for network, _ in results):
        mine = [result for (name, _), result in results.items() if name == network]
        norms = np.concatenate([np.array(result["norms"]) for result in mine])
        flips = np.concatenate([np.array(result["flips"]) for result in mine])
        up_to = np.array(RATES) <= FITTED * (1 + 1e-9)
        calm = (flips[:, up_to] == 0).all(axis=1)
        found.append(
            {
                "network": network,
                "samples": len(norms),
                "calm": int(calm.sum()),
                "fit": exponent(np.array(RATES)[up_to], norms[calm][:, up_to]),
                "everything": exponent(np.array(RATES), norms),
                "rates": list(RATES),
                "calm_norms": _root_mean_square(norms[calm]) if calm.any() else None,
                "norms": _root_mean_square(norms),
                "flipped": (flips > 0).mean(axis=0).tolist(),
            }
        )
    return found


def exponent(rates, norms):
    """The exponent of η in ‖difference‖, [samples, rates], and the ends of its interval; None without samples."""
    size = np.array(_root_mean_square(norms)) if len(norms) else np.zeros(1)
    if not (size > 0).all() or len(rates) < 3:
        return None
    line = stats.linregress(np.log(rates), np.log(size))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(rates) - 2) * line.stderr
    return [float(line.slope), float(line.slope - half), float(line.slope + half)]


def _root_mean_square(norms):
    return np.sqrt(np.mean(norms**2, axis=0)).tolist()


def second_order(fit):
    """Whether the interval of an exponent lies within 2 ± MARGIN; None without an exponent."""
    return None if fit is None else fit[1] >= 2 - MARGIN and fit[2] <= 2 + MARGIN


def order_findings(orders):
    """A line for each network: the exponent, its interval, and the verdict against 2."""
    return [_order_line(each) for each in orders]


def _order_line(each):
    where = f"η's exponent, {each['network']} network, {each['calm']} of {each['samples']} samples without a flip"
    if each["fit"] is None:
        return f"{where}: none was measured"
    slope, low, high = each["fit"]
    verdict = "holds" if second_order(each["fit"]) else "FAILED"
    inside = "2 lies in it" if low <= 2 <= high else f"it misses 2 by {min(abs(low - 2), abs(high - 2)):.1g}"
    text = (
        f"{where}: {slope:.5f} [{low:.5f}, {high:.5f}] for η up to {FITTED:g}; second order {verdict}: the interval "
        f"{'lies' if verdict == 'holds' else 'does not lie'} within 2 ± {MARGIN:g}, and {inside}"
    )
    if each["everything"] is None:
        return text
    return f"{text}. Over all η and samples, flips and all: {each['everything'][0]:.3f}"


def findings(found):
    """A line for each drift and rule, of what the stream says against BPTT."""
    lines = []
    for each in found:
        if each["failed"] or not each["difference"]:
            continue
        low, high = each["difference"][1:]
        if low is None:
            said = "one seed has no interval"
        elif low > 0:
            said = "better than BPTT"
        elif high < 0:
            said = "worse than BPTT"
        else:
            said = "not told apart from BPTT"
        lines.append(f"drift of {each['drift']}, {each['rule']}: {ends(each['difference'])} points, {said}")
    return lines
