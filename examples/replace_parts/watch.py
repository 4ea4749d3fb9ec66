"""One training of a rule that is looked at epoch by epoch."""

import time

import keras
import numpy as np

from examples.replace_parts import rules
from keras_bp.callbacks import UpdateAngles

# Examples on which gradients are compared.
_BATCH = 256


def watched(name, sweep, study, rate, seed=0):
    """Trains with the first seed, and tells how it went.

    Args:
        name: String, of `rules.RULES`.
        sweep: `RuleSweep`.
        study: `RuleStudy`.
        rate: Float, of Adam.
        seed: Integer.

    Returns:
        Dictionary for JSON: `"accuracy"` for validation after each epoch,
        `"steps"` of an epoch, `"seconds"` of all, `"bytes"` of all variables
        of the model and the optimizer, `"layers"`, a dictionary from a layer
        to one of lists (`"angle"`, `"ratio"`, `"alignment"`).
    """
    keras.utils.set_random_seed(seed)
    model = rules.make(name, sweep.network, False)()
    model.optimizer.learning_rate.assign(rate)
    parts = sweep.for_method(name)(seed)
    x, y = parts["train"]
    angles = UpdateAngles(x[:_BATCH], y[:_BATCH])
    begin = time.perf_counter()
    history = model.fit(
        x,
        y,
        batch_size=study.batch,
        epochs=study.epochs,
        validation_data=parts["validation"],
        validation_batch_size=1000,
        verbose=0,
        callbacks=[angles],
    ).history
    layers = {}
    for _, found in angles.reports:
        for layer, values in found.items():
            for key, value in values.items():
                layers.setdefault(layer, {}).setdefault(key, []).append(value)
    variables = [*model.variables, *model.optimizer.variables]
    sizes = [
        np.prod(v.shape, dtype=int) * np.dtype(v.dtype).itemsize
        for v in variables
    ]
    return {
        "accuracy": [float(a) for a in history["val_accuracy"]],
        "steps": -(-len(x) // study.batch),
        "seconds": time.perf_counter() - begin,
        "bytes": int(sum(sizes)),
        "layers": layers,
    }


def steps_to(found, accuracy):
    """Steps after which an accuracy is reached, or None."""
    for epoch, value in enumerate(found["accuracy"], 1):
        if value >= accuracy:
            return epoch * found["steps"]
    return None
