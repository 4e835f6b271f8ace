"""A network whose probabilities are calibrated, with nothing left to apply: the temperature is in its weights.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017: softmax(z / T), with one T
fitted on rows that the network did not learn from. z = Wx + b, so W / T and b / T are the calibrated network. No
answer's order changes, and so no accuracy.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from fer_cli.analysis.calibrate import fit_temperature
from fer_cli.errors import UsageError
from fer_cli.models import uncompiled_twin


def cooled(
    network: keras.Model, probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.integer]
) -> tuple[keras.Model, float]:
    """A calibrated copy, and its temperature.

    probabilities: the network's, (N, K), for held-out rows. labels: (N,), in the order of its outputs. Raises
    `UsageError` for a network without a Dense layer `logits`, whose weights the temperature goes to.
    """
    if not any(layer.name == "logits" and isinstance(layer, keras.layers.Dense) for layer in network.layers):
        raise UsageError("--calibrate: expected a network with a Dense layer named logits. Received: one without")
    # Probabilities are logits but for a constant a row, which softmax takes out again.
    logits = np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float32).tiny))
    temperature = fit_temperature(logits, labels)
    twin = uncompiled_twin(network)
    logit_layer = twin.get_layer("logits")
    logit_layer.set_weights([weight / temperature for weight in logit_layer.get_weights()])
    return twin, temperature
