"""The loss of one time step and its gradient, in plain NumPy, for `numpy_backend`."""

import numpy as np
from scipy.special import log_softmax, softmax


class Losses:
    """ℓ of outputs [B, C] and target rows [B, C], as the case's entry names it."""

    def squared_share(self):
        """What part of the loss is the squared error."""
        loss = self.entry["loss"]
        return loss["mse_weight"] if loss["type"] == "Mixed" else float(loss["type"] == "MeanSquaredError")

    def loss_value(self, outputs, targets):
        """ℓ, the mean over the rows."""
        share = self.squared_share()
        rows = (1 - share) * self.cross_entropy_value(outputs, targets)
        return np.mean(rows + share * self.squared_error_value(outputs, targets))

    def cross_entropy_value(self, outputs, targets):
        return -(targets * log_softmax(outputs, axis=1)).sum(axis=1)

    def squared_error_value(self, outputs, targets):
        return ((outputs - targets) ** 2).mean(axis=1)

    def loss_gradient(self, outputs, targets):
        """∂ℓ/∂o of each sample."""
        share = self.squared_share()
        return (1 - share) * self.cross_entropy(outputs, targets) + share * self.squared_error(outputs, targets)

    def cross_entropy(self, outputs, targets):
        return softmax(outputs, axis=1) - targets

    def squared_error(self, outputs, targets):
        return 2 * (outputs - targets) / outputs.shape[1]
