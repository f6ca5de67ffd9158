"""Fast twins of the reference's operations: the same checks, the same results, other kernels.

A twin has the arrays of its original, and its own class of the same name. It may keep what it computes from parameters,
so it lives for one gradient, or for one step of a learner, in which they do not change. Rows [B, ...] are of one time
step or of several, one after the other: the row of sample b at time step t is t B + b.
"""

from __future__ import annotations

from ...network import operations
from ...network.operations.operation import Operation
from ...validation import FLOAT_DTYPES
from .convolution import Conv1d, Conv2d
from .dense import FastDense
from .pooling import AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d, Upsample2d
from .scaling import ChannelScale, Mask, Scale, SkipInit
from .weight_standardisation import WeightStandardised

ALL: tuple[type[Operation], ...] = (
    AveragePool1d,
    AveragePool2d,
    ChannelScale,
    Conv1d,
    Conv2d,
    MaxPool1d,
    MaxPool2d,
    Mask,
    Scale,
    SkipInit,
    Upsample2d,
    WeightStandardised,
)
TWINS: dict[type[Operation], type[Operation]] = {getattr(operations, kind.__name__): kind for kind in ALL}
TWINS[operations.Dense] = FastDense
NO_ARITHMETIC = (operations.Flatten, operations.Dropout)  # nothing is left to do faster


def fast_twin(operation: Operation) -> Operation:
    """The operation with fast kernels, its children too; one that is not ours, or of exact numbers, stays itself.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast.operations import fast_twin
    >>> chain = fast_twin(ot.Chain([ot.AveragePool2d(2), ot.Flatten()]))
    >>> chain.forward(np.arange(8.0).reshape(1, 1, 2, 4), np.ones(1))
    array([[2.5, 4.5]])
    >>> type(chain.operations[0]).__module__
    'ottt_ref.fast.operations.pooling'
    """
    if operation.dtype is not None and operation.dtype not in FLOAT_DTYPES:
        return operation
    if type(operation) is operations.Chain:
        return operation.with_children(fast_twin)
    kind = TWINS.get(type(operation))
    if kind is None:
        return operation
    operation.parameters.values()  # where a learner puts updates off, whoever reads them has them added
    twin = object.__new__(kind)
    twin.__dict__.update(operation.__dict__)
    return twin.with_children(fast_twin) if twin.children else twin


def described(operation: Operation) -> str:
    """What computes an operation, or its twin, in a few words.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast.operations import described
    >>> described(ot.Chain([ot.AveragePool2d(2), ot.Conv2d(np.ones((1, 1, 3, 3)))]))
    'image by image, then images laid flat, by lists or dense'
    """
    if type(operation) is operations.Chain:
        return ", then ".join(described(each) for each in operation.operations) or "nothing to compute"
    kind = TWINS.get(type(operation), type(operation))
    if isinstance(operation, operations.WeightStandardised) and kind in ALL:
        return f"weights standardised once, {described(operation.synapses)}"
    if kind in (Conv1d, Conv2d):
        return "images laid flat, by lists or dense"
    if kind in (AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d, Upsample2d):
        return "image by image"
    if kind is FastDense:
        return "event-driven or dense, by the share of spikes"
    if kind in ALL:
        return "row by row"
    return "a view" if type(operation) in NO_ARITHMETIC else "its own arithmetic"
