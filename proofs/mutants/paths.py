"""Faults in the paths, which E2, E5 and the K claims are about: their own tests must kill them."""

from .learning import killed_by
from .mutant import of_library

PATHS = killed_by(
    "test_paths.py",
    *of_library(
        "paths/unrolled.py",
        ("a soft reset of the wrong sign", "-(decay * threshold * psi)", "decay * threshold * psi"),
        ("an unleaked reset that leaks", "decay, -(threshold * psi)", "decay, -(decay * threshold * psi)"),
        ("a hard reset does not forget", "leak = decay * (1 - ", "leak = decay * (1 - 0 * "),
        ("a hard reset to 0", "reset = decay * (reset_potential - ", "reset = decay * (0 - "),
        ("the trace stops at a hard reset", "self._decays[l][i] * self._spikes", "0 * self._spikes"),
        ("the readout's bias is traced", "return None if j is None else Edge(", "return Edge("),
        (
            "a trace into the readout with the readout's decay",
            "self._decays[connection.source][j] if connection.source in layers else",
            "self._decays[connection.target][0] if connection.source in layers else",
        ),
        ("one decay for all", "result.tolist() * (size if len(given) == 1 else 1)", "result.tolist()[:1] * size"),
    ),
    *of_library(
        "paths/enumeration.py",
        (
            "delays arrive one time step late",
            "arrives >= unrolled.time_steps or (connection.loop and (way",
            "(arrives := arrives + connection.delay) >= unrolled.time_steps or (connection.loop and (way",
        ),
        ("a path waits after a trace", "way.start.layer) and not way.traced\n", "way.start.layer)\n"),
        ("paths without a reset count as paths over one", 'self.keep.resets != "some" or way.crossed', "True"),
        ("OTTT keeps what waits above", "is None or waits <= allowed)", "is None or True)"),
        ("what arrives was sent at once", "time if bias else time - start.connection.delay", "time"),
        ("paths with a trace are not counted", "none += by_trace[t]", "none += 0"),
        ("zeros are counted", "return not self.nonzero or bool(number != 0)", "return True"),
    ),
    *of_library(
        "paths/sums.py",
        ("a second reset ends a path", "(0, uncrossed + crossed) if edge", "(0, uncrossed) if edge"),
        ("any number of resets is none", '"any": uncrossed + crossed}', '"any": uncrossed}'),
        ("a trace goes on above", "Selection(waits=(), loops=False)", "Selection(loops=False)"),
        ("a trace that ends once it leaks", "by_traces * (leak + trace)", "by_traces * trace"),
    ),
    *of_library(
        "paths/selection.py",
        (
            "OTPE waits above alone",
            "range(l, min(l + self.membranes",
            "range(l + self.membranes // 2, min(l + self.membranes",
        ),
        ("a readout that cannot wait is asked", "if not neurons[l].stateless", "if True"),
        ("loops out of reach count", "looped = looped or", "looped = True or"),
        ("the reset counts where nothing waits", 'keep.resets if resets else keep.resets == "some"', "keep.resets"),
    ),
    *of_library(
        "paths/__init__.py",
        ("one path too many", "if number > limit:", "if number > limit + 1:"),
    ),
)
