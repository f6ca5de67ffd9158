"""The fast twin of weight standardisation: the weight in use is computed once in the twin's life, or until it forgets.

A twin lives for one gradient, in which no parameter changes; of a learner it forgets after each step.
"""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np

from ...annotations import Shape
from ...kernel import rows
from ...network import operations
from ...network.operations.dense import Synapses
from ...network.operations.door import require_pairing
from ..kernels import pooling


class WeightStandardised(operations.WeightStandardised):
    """The twin of `ottt_ref.WeightStandardised`; its synapses are a twin too."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        return self.in_use().forward(values, bias_input)

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        return self.in_use().adjoint(error, input_shape)

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self.parameters)
        synapses = self.in_use()
        effective = np.zeros_like(synapses.weight)
        synapses.add_gradients({**gradients, "weight": effective}, error, presynaptic, bias_input)
        weight, gain = self.standardisation_gradients(effective)
        gradients["weight"] += weight
        gradients["gain"] += gain

    def standardisation_gradients(self, effective: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradients of the raw weight and of the gain, from that of the weight in use."""
        self.in_use()
        weight, gain = np.empty_like(effective), np.empty_like(self.gain)
        given = self.__dict__["_standardised"]
        pooling.standardisation_gradients(rows(weight), gain, rows(effective), *given, np.ascontiguousarray(self.gain))
        return weight, gain

    def forget(self) -> None:
        """Let go of the weight in use: the parameters have changed."""
        self.__dict__.pop("_synapses_in_use", None)

    def in_use(self) -> Synapses:
        """The synapses with the weight in use, computed when it is first asked for."""
        if "_synapses_in_use" not in self.__dict__:
            raw = np.ascontiguousarray(self.synapses.weight)
            effective = np.empty_like(raw)
            standardised, deviation = np.empty_like(rows(raw)), np.empty(len(raw))
            pooling.standardise(
                rows(effective), standardised, deviation, rows(raw), np.ascontiguousarray(self.gain),
                float(self.epsilon),
            )  # fmt: skip
            self.__dict__["_standardised"] = standardised, deviation
            self.__dict__["_synapses_in_use"] = self.synapses.replaced(weight=effective, keeps=True)
        return self.__dict__["_synapses_in_use"]
