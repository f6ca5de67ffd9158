"""The engines that are made for some networks, fastest first; what none of them takes goes by windows of time steps."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..learning.losses import Loss
from ..methods import METHODS as REFERENCE
from ..methods.shared.gradients import Gradients
from ..network.network import Network
from . import dense_chains

#: Each has `suits(network, method, **asked)`, why it does not take a network, "" if it does, and `gradients`.
ALL: dict[str, ModuleType] = {"one call for a chain of dense layers": dense_chains}


def found(network: Network, method: str, asked: Mapping[str, Any]) -> ModuleType | None:
    """The first engine that takes a network, and what is asked for; None where none does.

    asked  beside the sequence: error_feedback, regulariser, input_gradients, terms, reset_gradient, loss_of
    """
    if any(asked[name] is not False for name in ("input_gradients", "terms")):
        return None
    return next((engine for engine in ALL.values() if not engine.suits(network, method, **asked)), None)


def gradients(
    engine: ModuleType,
    method: str,
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss,
    *,
    dialect: str = "derivation",
    weights: npt.ArrayLike | None,
    time_steps: int | None,
    initial_state: Mapping[str, np.ndarray] | None,
) -> Gradients:
    """What an engine gives; the reference is asked where something is refused or is not finite."""
    return engine.gradients(
        network,
        inputs,
        targets,
        loss,
        method=method,
        dialect=dialect,
        weights=weights,
        time_steps=time_steps,
        initial_state=initial_state,
        reference=REFERENCE[method].gradients,
    )
