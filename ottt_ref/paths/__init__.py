"""Gradients as sums over paths: which paths each method keeps, and what each of them contributes.

A path of ∇W^l[i, j] starts where a presynaptic spike s_j[t_0] enters membrane i of layer l, waits there until
t_1 >= t_0, leaves through ψ^l_i[t_1], crosses a weight into layer l + 1, waits until t_2 >= t_1, ..., and ends at an
output error. A recurrent or feedback connection is crossed in the same way, and arrives one time step later; one with a
delay of d time steps arrives d time steps later. No recursion in time: each path is multiplied out.

    find(network, inputs, targets, "layer0.weight", (0, 1))   the paths of one entry of one parameter, each a Path
    count(network, inputs, targets, "layer0.weight", (0, 1))  how many there are, before any is walked along
    gradients(network, inputs, targets, keep="ottt")          the sums of the paths that a method keeps, or a Selection
    METHODS, kept_by, methods_of                              what each method keeps: `selection`

`python -m pydoc ottt_ref.paths.selection` lists what each method keeps, `ottt_ref.paths.unrolled` the edges.
Source: claims E2 and E5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..learning.losses import Loss, Mixed
from ..methods.shared.gradients import Gradients, require_activity
from ..methods.shared.task import require_task
from ..network.network import Network
from ..simulation.simulator import Activity, run
from ..validation import require_count, require_flag, shown
from . import enumeration
from .enumeration import Enumeration, Start
from .path import Crossing, Edge, Factor, Membrane, Path
from .selection import METHODS, Keeps, Selection, kept_by, methods_of, require_selection
from .sums import PathSums
from .unrolled import Unrolled, require_known

__all__ = [
    "EVERY_PATH",
    "LIMIT",
    "METHODS",
    "Crossing",
    "Edge",
    "Factor",
    "Keeps",
    "Membrane",
    "Path",
    "PathSums",
    "Selection",
    "accumulate",
    "count",
    "find",
    "find_in",
    "gradients",
    "kept_by",
    "methods_of",
]

#: So many paths of one entry are walked along, and no more: a network with more is refused.
LIMIT = 100_000

#: Whatever some method keeps.
EVERY_PATH = Selection(resets="any", traces=True)


def find(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    parameter: str,
    index: Sequence[int],
    loss: Loss = Mixed(),
    *,
    keep: str | Selection = EVERY_PATH,
    nonzero: bool = False,
    limit: int = LIMIT,
) -> list[Path]:
    """The paths of one entry of a parameter's gradient, over all samples.

    inputs     [T, B, n_in], of the network's dtype or of whole numbers
    targets    as of `bptt.gradients`
    parameter  its name, "layer0.weight"
    index      of the entry: (i, j) of a weight, (i,) of a bias
    keep       a Selection, or the name of a method, one of METHODS; what any method keeps if not given
    nonzero    whether to leave out paths with a factor of 0: no spike, ψ = 0, ...
    limit      of how many paths at most

    Raises TypeError or ValueError that names the argument, before any work: also for layers whose paths are not known
    (dense LIF networks alone have them) and where there are more than `limit` paths, with their number.

    Their contributions add up to the gradient. That of BPTT:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=7), np.ones((4, 1, 2)), np.array([1])
    >>> found = ot.paths.find(network, inputs, labels, "layer0.weight", (0, 1))
    >>> total = sum(path.contribution for path in found if "bptt" in path.methods)
    >>> np.isclose(total, ot.bptt.gradients(network, inputs, labels)["layer0.weight"][0, 1])
    np.True_
    """
    _, activity, output_errors = _simulated(network, inputs, targets, loss)
    return find_in(network, activity, output_errors, parameter, index, keep=keep, nonzero=nonzero, limit=limit)


def find_in(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    parameter: str,
    index: Sequence[int],
    *,
    keep: str | Selection = EVERY_PATH,
    nonzero: bool = False,
    limit: int = LIMIT,
) -> list[Path]:
    """The algebra alone of `find`: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Over fractions contributions are fractions:

    >>> import numpy as np, ottt_ref as ot
    >>> options = {"readout": "spiking", "surrogate": ot.surrogate.Rectangle(4.0)}
    >>> network = ot.dense_network([1, 1, 1], decay=0.5, **options, rng=0).exact()
    >>> activity = ot.simulate(network, ot.exact_array(np.array([[[1]], [[0]]])))
    >>> for path in ot.paths.find_in(network, activity, activity.outputs + 1, "layer1.bias", (0,), keep="ottt"):
    ...     print([str(factor.value) for factor in path.factors if factor.kind != "surrogate"])
    ['1', '1']
    ['1', '1/2', '1']
    ['1', '1']
    """
    unrolled, selection, start = _asked(network, activity, output_errors, parameter, index, keep, nonzero)
    require_count("limit", limit)
    number = enumeration.count(unrolled, selection, start, nonzero)
    if number > limit:
        steps, samples = _many(unrolled.time_steps, "time step"), _many(unrolled.batch_size, "sample")
        raise ValueError(
            f"network must have at most {_many(limit, 'path')} of {parameter}{list(start.index)} over {steps} and "
            f"{samples} to list them, got {_in_words(number)}: `paths.gradients` adds them up"
        )
    try:
        return list(Enumeration(unrolled, selection, nonzero).paths(start))
    except RecursionError:
        raise ValueError(
            f"network must have paths of fewer membranes to list them, got {_many(len(network.layers), 'layer')} over "
            f"{_many(unrolled.time_steps, 'time step')}: `paths.gradients` adds them up"
        ) from None


def count(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    parameter: str,
    index: Sequence[int],
    loss: Loss = Mixed(),
    *,
    keep: str | Selection = EVERY_PATH,
    nonzero: bool = False,
) -> int:
    """How many paths `find` would list, with no limit; it takes the same arguments, and raises the same errors.

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=7), np.ones((20, 1, 2)), np.array([1])
    >>> [ot.paths.count(network, inputs, labels, "layer0.weight", (0, 1), keep=keep) for keep in ("sltt", "bptt-kept")]
    [40, 4194260]
    """
    _, activity, output_errors = _simulated(network, inputs, targets, loss)
    unrolled, selection, start = _asked(network, activity, output_errors, parameter, index, keep, nonzero)
    return enumeration.count(unrolled, selection, start, nonzero)


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    keep: str | Selection = "bptt",
) -> Gradients:
    """The sum over the paths that a method keeps, or a Selection, for every entry of every parameter.

    inputs, targets  as of `bptt.gradients`
    keep             the name of a method, one of METHODS, or a Selection

    The sums are made membrane by membrane (`PathSums`), not path by path: also for networks with too many to list.
    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.

    Where a path may wait in the readout alone, and where OTTT's may:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=7), np.ones((4, 1, 2)), np.array([1])
    >>> keep = ot.paths.Selection(waits={0}, loops=False)
    >>> sums, ottt = ot.paths.gradients(network, inputs, labels, keep=keep), ot.ottt.gradients(network, inputs, labels)
    >>> bool(np.allclose(sums["layer0.weight"], ottt["layer0.weight"]))
    True
    """
    total, activity, output_errors = _simulated(network, inputs, targets, loss)
    values = accumulate(network, activity, output_errors, keep=keep)
    return Gradients(values, total, activity.outputs, final_state=activity.final_state)


def accumulate(
    network: Network, activity: Activity, output_errors: np.ndarray, *, keep: str | Selection = "bptt"
) -> dict[str, np.ndarray]:
    """The algebra alone of `gradients`: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([1, 1, 1], decay=0.5, rng=0), np.ones((3, 1, 1))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((3, 1, 1))
    >>> ot.paths.accumulate(network, activity, output_errors, keep="sltt")["readout.bias"].tolist()
    [3.0]
    """
    return PathSums(network, activity, output_errors, keep).gradients()


def _simulated(network, inputs, targets, loss):
    """The loss, the network's Activity and ∂L/∂o [T, B, n_out]."""
    task = require_task(network, inputs, targets, loss)
    require_known(network)
    activity = run(network, task.inputs)
    total, output_errors = task.sequence_loss(activity.outputs)
    return total, activity, output_errors


def _many(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"


def _in_words(number):
    digits = int(number.bit_length() * math.log10(2)) + 1  # Python writes no number of more than 4300 digits
    return str(number) if digits <= 12 else f"a number of about {digits} digits"


def _asked(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    parameter: str,
    index: Sequence[int],
    keep: str | Selection,
    nonzero: bool,
) -> tuple[Unrolled, Selection, Start]:
    require_activity(network, activity, output_errors, False)
    require_known(network)
    require_flag("nonzero", nonzero)
    selection = require_selection(keep, network)
    return Unrolled(network, activity, output_errors), selection, _start(network, parameter, index)


def _start(network, parameter, index):
    """The Start of an entry of a parameter."""
    owners = {name: connection for connection in network.connections for name in connection.parameters}
    if not isinstance(parameter, str) or parameter not in owners:
        raise ValueError(f"parameter must be one of {', '.join(owners)}, got {shown(parameter)}")
    shape = network.parameters[parameter].shape
    if not isinstance(index, tuple | list) or len(index) != len(shape):
        raise TypeError(f"index must be that of an entry of {parameter}, {len(shape)} numbers, got {shown(index)}")
    place = tuple(require_count(f"index[{k}]", number, 0) for k, number in enumerate(index))
    for k, (number, size) in enumerate(zip(place, shape)):
        if number >= size:
            raise ValueError(f"index[{k}] must be below {size} in {parameter}, got {number}")
    return Start(parameter, place, owners[parameter])
