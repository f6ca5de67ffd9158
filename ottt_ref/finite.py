"""Results that are not finite: a computation that overflows says where, unless it is asked to let it pass.

What enters is finite, since every argument is checked. A product of finite numbers may still overflow to infinity, and
a difference of two infinities is not a number (NaN). Such a result looks like one: a spike of an infinite potential is
a 1, its surrogate derivative a 0, the loss then sane. So finished arrays are tested, and the first place where a number
is not finite is named: the quantity, the layer, the time step.

Under `allow_non_finite` such results are returned. What is given to the library stays checked: inputs, targets,
parameters, and the gradients that an optimiser is to follow.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from .kernel import kernel

_allowed: ContextVar[bool] = ContextVar("allow_non_finite", default=False)


class NonFiniteError(ValueError):
    """A result is NaN or infinite; the message says where it began.

    quantity   "potential of layer0", "loss", "error of layer1", "gradient of layer0.weight", ...
    value      what was found there, NaN or infinity
    index      where in the array of that quantity, of one time step if there is one
    time_step  t, counted from 0; None where it has none

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[1e200]])), ot.LIF())])
    >>> try:
    ...     ot.simulate(network, np.array([0.0, 1e200]).reshape(2, 1, 1))
    ... except ot.NonFiniteError as error:
    ...     print(error.quantity, error.time_step)
    ...     print(error.finding)
    potential of layer0 1
    potential of layer0 must be finite, got inf at index [0, 0] of time step 1
    """

    def __init__(
        self, quantity: str, value: float | np.floating, index: tuple[int, ...] = (), time_step: int | None = None
    ) -> None:
        super().__init__(quantity, value, index, time_step)  # all of them, so that it can be sent between processes
        self.quantity, self.value, self.index, self.time_step = quantity, value, index, time_step

    def at(self, time_step: int) -> "NonFiniteError":
        """The same, of a time step."""
        return NonFiniteError(self.quantity, self.value, self.index, time_step)

    @property
    def finding(self) -> str:
        """The message without the advice."""
        where = f" at index {list(self.index)}" if self.index else ""
        when = "" if self.time_step is None else f" {'of' if where else 'at'} time step {self.time_step}"
        return f"{self.quantity} must be finite, got {self.value}{where}{when}"

    def __str__(self) -> str:
        return f"{self.finding}; under `with ottt_ref.allow_non_finite():` such results are returned"


@contextmanager
def allow_non_finite() -> Iterator[None]:
    """A `with` block in which results that are NaN or infinite are returned, and raise no NonFiniteError.

    It holds for the thread or the task that is in the block. Arguments are checked as ever: inputs, targets and
    parameters must be finite, and an optimiser refuses gradients that are not.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[1e200]])), ot.LIF())])
    >>> with ot.allow_non_finite():
    ...     activity = ot.simulate(network, np.full((1, 1, 1), 1e200))
    >>> activity.potentials[0].item(), activity.spikes[0].item()
    (inf, 1.0)
    """
    token = _allowed.set(True)
    try:
        yield
    finally:
        _allowed.reset(token)


@kernel
def all_finite(values):
    """Whether no number is NaN or infinite: of those alone the difference from themselves is not 0."""
    wrong = 0
    for k in range(values.shape[0]):  # to the end: a loop that may stop on its way is not vectorised
        if values[k] - values[k] != 0:
            wrong += 1
    return wrong == 0


def is_finite(array: np.ndarray) -> bool:
    """Whether an array of any shape holds no NaN and no infinity; exact numbers are finite.

    >>> import numpy as np
    >>> from ottt_ref.finite import is_finite
    >>> is_finite(np.array([[1.0, 2.0]])), is_finite(np.array([[1.0, np.nan]]))
    (True, False)
    """
    if array.dtype.hasobject:
        return not any(_is_non_finite(number) for number in array.flat)
    return all_finite.compiled.dispatcher(array if array.ndim == 1 else array.reshape(-1))


def refuse_non_finite(quantity: str, array: np.ndarray, time_step: int | None = None) -> None:
    """Raise NonFiniteError that names the quantity if `array` holds NaN or infinity, unless that is allowed.

    >>> import numpy as np
    >>> from ottt_ref.finite import refuse_non_finite
    >>> try:
    ...     refuse_non_finite("potential of layer0", np.array([1.0, np.nan]), time_step=3)
    ... except ValueError as error:
    ...     print(error.finding)
    potential of layer0 must be finite, got nan at index [1] of time step 3
    """
    if not is_finite(array) and not _allowed.get():
        index = next(index for index, number in np.ndenumerate(array) if _is_non_finite(number))
        raise NonFiniteError(quantity, array.item(index), index, time_step)


class of_time_step:
    """A `with` block in which a NonFiniteError without a time step gets this one.

    >>> import numpy as np
    >>> from ottt_ref.finite import of_time_step, refuse_non_finite
    >>> try:
    ...     with of_time_step(2):
    ...         refuse_non_finite("loss", np.array([np.inf]))
    ... except ValueError as error:
    ...     print(error.finding)
    loss must be finite, got inf at index [0] of time step 2
    """

    def __init__(self, time_step: int) -> None:
        self.time_step = time_step

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, NonFiniteError) and error.time_step is None:
            raise error.at(self.time_step) from None


def allowed() -> bool:
    """Whether results that are not finite are to be returned.

    >>> import ottt_ref as ot
    >>> from ottt_ref.finite import allowed
    >>> with ot.allow_non_finite():
    ...     print(allowed())
    True
    """
    return _allowed.get()


def _is_non_finite(number):
    return isinstance(number, float | np.floating) and not math.isfinite(number)
