"""A1: the pages are the methods. Each page of `ottt_ref.plain` computes the gradients of the method of its name."""

import numpy as np

import ottt_ref as ot
from ottt_ref.methods import METHODS

from ..cases import fires, networks
from ..claim import Claim, Finding, Refuted
from ..equations import ON_PAGES, Sketch

# Every method of the library that has a page, with each of the options that the kit's cases ask for.
PAGES_AND_OPTIONS = tuple(
    (page, options)
    for name, method in METHODS.items()
    if (page := name.replace("-", "_")) in ot.plain.__all__
    for _, options in method.variants.values()
)


def check(case):
    """Every page against its method, with each of their options: every entry of every parameter."""
    live = fires(ot.simulate(case.exact_network, case.exact_inputs))
    for name, options in PAGES_AND_OPTIONS:
        method = general(case, name, options)
        require_same(" ".join((name, *options.values())), by_page(case, name, options), method)
        live = live and any(np.any(value != 0) for value in method.values())
    return Finding(None, live)


def by_page(case, name, options):
    """The page's gradients, by the names of the network's parameters, as nested lists."""
    surrogate = case.exact_network.layers[0].neuron.surrogate
    classes = case.sizes[-1]
    weight_gradients, bias_gradients = getattr(ot.plain, name).gradients(
        case.weights,
        case.biases,
        case.inputs,
        [[int(c == label) for c in range(classes)] for label in case.labels],
        case.neuron.decay,
        case.neuron.threshold,
        lambda z: surrogate.derivative(np.array([z], dtype=object))[0],
        mean_squared_error,
        **options,
    )
    layers = zip(weight_gradients, bias_gradients)
    return dict(zip(case.exact_network.parameters, (part for layer in layers for part in layer), strict=True))


def mean_squared_error(o, y, time_steps):
    """∂L[t]/∂o[t] of the mean squared error."""
    return [2 * (output - target) / (len(o) * time_steps) for output, target in zip(o, y)]


def general(case, name, options):
    """The method's Gradients."""
    method = getattr(ot, name).gradients
    return method(case.exact_network, case.exact_inputs, case.targets, ot.losses.MeanSquaredError(), **options)


def require_same(name, page, method):
    """Raise Refuted at the first entry in which page and method differ, or that is not exact on the page."""
    for parameter, expected in method.items():
        got = np.array(page[parameter], dtype=object)
        if got.shape != expected.shape:
            raise Refuted(f"{name}, {parameter}: of shape {got.shape} on the page, {expected.shape} of the method")
        for index, value in np.ndenumerate(got):
            if isinstance(value, float) or value != expected[index]:
                raise Refuted(
                    f"{name}, {parameter}{list(index)}: {value!r} on the page, {expected[index]!r} of the method"
                )


CLAIM = Claim(
    name="A1",
    statement="the pages are the methods: BPTT, OTTT, SLTT, RTRL and SR of ottt_ref.plain equal the general ones",
    hypotheses="dense networks, soft reset, linear readout, one λ and V_th; both dialects of OTTT, the reset's "
    "gradient detached and kept; any surrogate, loss, depth, T and batch",
    source="ottt_ref/plain",
    checked="all entries: pages and public functions over fractions",
    kind="exact",
    sketch=Sketch(
        formula=r"\nabla^{\text{page}} = \nabla^{\text{method}}",
        proof=(
            r"A page is the method's equations, written out for dense networks: the general method does the same sums "
            r"in another order and through more layers of code. Both are run on the same fractions, which no order "
            r"of summation changes, and every entry is compared."
        ),
        equations=ON_PAGES,
    ),
    strategy=networks(widths=(1, 3), time_steps=(1, 4), resets=("soft",), readouts=("linear",), loops=("none",)),
    check=check,
    share=0.5,
)
