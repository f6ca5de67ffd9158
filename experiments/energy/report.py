"""What comes out: operations and picojoules, by method, with intervals over seeds; and what they leave out."""

import numpy as np

from ..intervals import of_mean
from .counting import PARTS
from .measure import ENERGIES, total

KINDS = ("MAC", "AC")
HEADER = ("method", "of an", *KINDS, "nJ", "nJ, weights read from 8 kB", "of it pairing: MAC", "pairing: AC")
UPDATE_HEADER = ("method", "MAC", "AC", "nJ", "pairing: MAC", "pairing: AC")


def summaries(runs):
    """By method, as plain data: means over seeds, of the means over images, of the counts of each part."""
    found = []
    for method in dict.fromkeys(run["method"] for run in runs):
        mine = [run for run in runs if run["method"] == method]
        each = {"method": method, "seeds": len(mine)}
        for what in ("inference", "update"):
            counts = np.array([[_table(image) for image in run[what]] for run in mine]).mean(
                axis=1
            )  # [seeds, parts, 2]
            each[what] = {
                "parts": {name: counts[:, p].mean(axis=0).tolist() for p, name in enumerate(PARTS)},
                "MAC": list(of_mean(counts[:, :, 0].sum(axis=1).tolist(), 0.0)),
                "AC": list(of_mean(counts[:, :, 1].sum(axis=1).tolist(), 0.0)),
                "picojoules": list(of_mean([ENERGIES.of(one.sum(axis=0)) for one in counts], 0.0)),
            }
        found.append(each)
    return found


def _table(parts):
    return [parts[name] for name in PARTS]


def reads(parts):
    """Numbers read from a memory of weights and gradients, one for each operation at a synapse."""
    return sum(sum(parts[name]) for name in ("forward", "errors", "pairing"))


def rows(found):
    """Rows for HEADER, two per method."""
    made = []
    for each in found:
        for what in ("inference", "update"):
            of = each[what]
            with_reads = of["picojoules"][0] + ENERGIES.read_small_cache * reads(of["parts"])
            pairing = [f"{count:,.0f}" for count in of["parts"]["pairing"]] if what == "update" else ["-", "-"]
            made.append(
                [
                    each["method"],
                    what,
                    *(text(of[kind], 1, "{:,.0f}") for kind in KINDS),
                    text(of["picojoules"], 1000, "{:,.1f}"),
                    f"{with_reads / 1000:,.1f}",
                    *pairing,
                ]
            )
    return made


def small_rows(small):
    """Rows for UPDATE_HEADER, one per method that was counted."""
    made = []
    for method, parts in small["update"].items():
        if isinstance(parts, str):
            continue
        counts = total(parts)
        pairing = (f"{count:,}" for count in parts["pairing"])
        made.append([method, *(f"{count:,}" for count in counts), f"{ENERGIES.of(counts) / 1000:,.1f}", *pairing])
    return made


def text(interval, divisor, form):
    """A mean, and half of its interval where there is one."""
    mean, low, high = interval
    shown = form.format(mean / divisor)
    return shown if low is None else f"{shown} ± {form.format((high - low) / 2 / divisor)}"


def findings(found, small):
    """What the counts say of the trace, and what the picojoules leave out, a line each."""
    by_method = {each["method"]: each["update"] for each in found}
    lines = [
        f"a MAC takes {ENERGIES.multiply_accumulate} pJ, an AC {ENERGIES.accumulate} pJ ({ENERGIES.source})",
    ]
    if "bptt" in by_method:
        for name in ("ottt-a", "ottt-o"):
            if name in by_method:
                lines.append(_of_the_trace(name, by_method))
    for each in found[:1]:
        parts = each["update"]["parts"]
        lines.append(
            f"left out: reading memory. An update by {each['method']} has {reads(parts):,.0f} operations at synapses. "
            f"Each reads a weight or a gradient: {ENERGIES.read_small_cache:g} pJ from a cache of 8 kB, "
            f"{ENERGIES.read_large_cache:g} pJ from one of 1 MB. BPTT also writes and reads every time step's activity"
        )
    lines.append(
        "left out too: surrogate derivatives (exponentials), the loss, and the optimiser, which with momentum takes "
        "two MAC for each parameter, once a sequence, but T times in OTTT_O"
    )
    lines += [reason for reason in small["update"].values() if isinstance(reason, str)]
    return lines


def _of_the_trace(name, by_method):
    ours, theirs = (by_method[each]["parts"]["pairing"] for each in (name, "bptt"))
    picojoules = [ENERGIES.of(counts) for counts in (ours, theirs)]
    return (
        f"pairing errors with what is presynaptic: {name} {ours[0]:,.0f} MAC and {ours[1]:,.0f} AC, since a trace is a "
        f"real number; bptt {theirs[0]:,.0f} MAC and {theirs[1]:,.0f} AC, since it meets spikes: "
        f"{picojoules[0] / picojoules[1]:.1f} times the energy"
    )


def content(runs, found, small):
    """What the JSON file holds beside settings and versions."""
    return {"energies": vars(ENERGIES), "runs": runs, "summaries": found, "small": small}
