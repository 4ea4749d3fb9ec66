"""How the result of a training depends on the learning rate."""

import keras
from keras import ops

from keras_bp.training._sweep_checks import (
    check_arguments,
    checked_data,
    digest,
)
from keras_bp.training._sweep_file import SweepFile
from keras_bp.training._sweep_result import LearningRateSweep


def learning_rate_sweep(
    methods, data, rates, seeds=(0,), epochs=10, batch_size=100, path=None
):
    r"""Trains at each of some learning rates, with each of some seeds.

    For comparing methods of training by their best result, and by how well
    the learning rate must be known for it (`LearningRateSweep.decades`).
    Thousands of small runs are quick, since a method is traced once: a run
    sets all variables anew, and is one call of a graph, in this process.

    * All rates of a seed begin at the same values: those of a model that is
      made after `keras.utils.set_random_seed(seed)`. Weights, slots and
      `iterations` of each optimizer that the model has, the states of seed
      generators, and the critics of a `BackpropQModel` (without a replay) are
      set to them. The rate is that of `model.optimizer`. Noise
      of the global generator, in a model without seed generators of its own,
      is not the same in each run.
    * The order of the examples in an epoch depends on the seed and on the
      number of the epoch. Each epoch ends with a smaller batch if the
      examples do not fill the last one, as with `fit`; that batch is traced
      by itself.
    * Steps are those of `train_step`, in graph mode whatever `compile` says
      of `run_eagerly`, and compiled by XLA if it says `jit_compile=True`.
      Under JAX all of a run is compiled.
    * A run whose loss is not finite goes on, and its row says what came of
      it. Where labels are integers and predictions have an axis of classes,
      `"accuracy"` is the share of labels at the largest prediction; a
      prediction with NaN is wrong. Other metrics are taken from `compile`.

    Args:
        methods: Dictionary from names to functions without arguments, each of
            which returns a compiled model, the same except for random values.
            Its optimizer has a learning rate that is no schedule.
        data: Dictionary with `"train"`, `"validation"` and perhaps `"test"`,
            each `(x, y)` or `(x, y, sample_weight)` of arrays or structures of
            arrays; and perhaps `"name"`, a string for the entry `"set"` of
            rows. Or a function that returns it for a seed, so that seeds may
            differ in their folds; equal shapes are traced once.
        rates: Sequence of positive floats, the learning rates.
        seeds: Sequence of integers. Defaults to `(0,)`.
        epochs: Integer. Defaults to `10`.
        batch_size: Integer. Defaults to `100`.
        path: Path of a file of JSON lines, to which each row is added as soon
            as it is finished, or None. Rows that are there already are not run
            again: a name of a method must stand for the same method.
            Defaults to `None`.

    Returns:
        `LearningRateSweep`, of the accuracy if there is one, or of the loss.
        Its rows are dictionaries with `"set"`, `"method"`, `"seed"`,
        `"rate"`, `"data"` (a digest), `"train_loss"` (the mean of the last
        epoch), `"validation"` and `"test"` (dictionaries of `"loss"` and
        metrics) and `"seconds"`. What is not finite is NaN, null in the file.

    Raises:
        RuntimeError: The backend is neither TensorFlow nor JAX.
        TypeError: `methods` is no dictionary of functions that return models,
            or a number is none.
        ValueError: A number is out of range; a model is not compiled, has a
            schedule or a replay, or is not the same each time; `data` has
            another form; or the file is of other settings or of other data.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import learning_rate_sweep
    >>> def gradient_descent():
    ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> x = np.array([[-1.0], [1.0]])
    >>> sweep = learning_rate_sweep(
    ...     {"descent": gradient_descent},
    ...     {"train": (x, 2 * x), "validation": (x, 2 * x)},
    ...     rates=[0.05, 0.5, 5.0],
    ... )
    >>> sweep.best_rate("descent")
    0.5
    """
    rates, seeds = check_arguments(methods, rates, seeds, epochs, batch_size)
    settings = {"epochs": int(epochs), "batch_size": int(batch_size)}
    file, rows = SweepFile(path, settings), []
    prepare = _prepare(data)
    for method, make in methods.items():
        model = _swept_model()(
            method, make, seeds, int(epochs), int(batch_size)
        )
        for seed in seeds:
            name, arrays, told = prepare(seed)
            keys = [
                {"set": name, "method": method, "seed": seed, "rate": rate}
                for rate in rates
            ]
            left = [key for key in keys if file.get(key, told) is None]
            for key, found in _runs(model, left, arrays):
                file.append({**key, "data": told, **found})
            rows += [file.get(key, told) for key in keys]
    return LearningRateSweep(rows)


def _prepare(data):
    """A function that returns name, parts and digest for a seed."""
    if callable(data):
        known = None
    else:
        name, arrays = checked_data(data, None)
        known = name, arrays, digest(arrays)

    def prepare(seed):
        if known is not None:
            return known
        name, arrays = checked_data(data, seed)
        return name, arrays, digest(arrays)

    return prepare


def _runs(model, keys, arrays):
    """Pairs of a key of `keys` and what its run found."""
    if not keys:
        return
    data = keras.tree.map_structure(ops.convert_to_tensor, arrays)
    order = model.order(keys[0]["seed"], data)
    for key in keys:
        yield key, model.run(key["seed"], key["rate"], data, order)


def _swept_model():
    """The class of runs under the backend that Keras has."""
    backend = keras.backend.backend()
    if backend == "jax":
        from keras_bp.training._sweep_run_jax import JaxSweptModel

        return JaxSweptModel
    if backend != "tensorflow":
        raise RuntimeError(
            "learning_rate_sweep runs under TensorFlow and JAX. "
            f"Received: the backend {backend!r}"
        )
    from keras_bp.training._sweep_run import TensorFlowSweptModel

    return TensorFlowSweptModel
