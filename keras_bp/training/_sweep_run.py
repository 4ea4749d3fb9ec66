"""Runs of one method: a model that is traced once and begun anew."""

import math
import time

import keras
import numpy as np
from keras import ops

from keras_bp.training._sweep_checks import check_model
from keras_bp.training.backprop_q_model import BackpropQModel

# Examples that are evaluated at once.
AT_ONCE = 1000


class SweptModel:
    """A compiled model whose runs differ in initial values, data and rate.

    A run is one call of a graph. It is traced for the first run, and again
    only for data of other shapes.

    Args:
        method: String, its name, for messages.
        make: Function without arguments that returns a compiled model.
        seeds: List of integers, of all runs.
        epochs: Integer.
        batch_size: Integer.
    """

    def __init__(self, method, make, seeds, epochs, batch_size):
        self._method, self._make, self._seeds = method, make, seeds
        self._epochs, self._batch_size = epochs, batch_size
        self._model, self._initial = None, {}
        self._traced = self._graph()

    def run(self, seed, rate, data, order):
        """Trains and evaluates.

        Args:
            seed: Integer, one of the seeds.
            rate: Float, the learning rate.
            data: Dictionary from the name of a part to its tensors.
            order: Tensor of `order`.

        Returns:
            Dictionary of floats, NaN where they are not finite: `train_loss`,
            a dictionary for each other part, and `seconds`.
        """
        if self._model is None:
            self._make_all(data)
        begin = time.perf_counter()
        rate = np.asarray(rate, "float64")
        found = self._traced(self._initial[seed], rate, data, order)
        found = keras.tree.map_structure(_number, found)
        return {**found, "seconds": time.perf_counter() - begin}

    def order(self, seed, data):
        """Indices of the examples for each epoch, `(epochs, examples)`."""
        length = length_of(data["train"])
        rows = [
            np.random.default_rng([seed, epoch]).permutation(length)
            for epoch in range(self._epochs)
        ]
        return ops.convert_to_tensor(np.stack(rows), "int32")

    def _make_all(self, data):
        """Makes a model to be traced, and one of each seed for its values."""
        model = self._made(self._seeds[0], data)
        # Metrics get their variables when they are used.
        self._use_metrics(model, first_batch(data, self._batch_size))
        forms = [_form(v) for v in _variables(model)]
        # All before the first run: with a global seed TensorFlow forgets the
        # graphs that it has made ready.
        for seed in self._seeds:
            made = self._made(seed, data)
            if [_form(v) for v in _variables(made)] != forms:
                raise ValueError(
                    "learning_rate_sweep expects a function of `methods` to "
                    "make the same model each time. Received: another number "
                    f"of variables, or other shapes, by {self._method!r}"
                )
            self._initial[seed] = self._values(made)
        self._model = model

    def _made(self, seed, data):
        keras.utils.set_random_seed(seed)
        model = self._make()
        check_model(self._method, model)
        batch = first_batch(data, self._batch_size)
        # For the weights of layers that wait for an input.
        self._use(model, batch[0])
        if isinstance(model, BackpropQModel):
            # Its first batch would make them, after values are read.
            model.build_critics(batch[1])
        model.optimizer.build(model.trainable_variables)
        return model


class TensorFlowSweptModel(SweptModel):
    """A run is one call of a `tf.function`."""

    def __init__(self, *args):
        super().__init__(*args)
        self._step, self._accuracy = None, keras.metrics.Mean()

    def _graph(self):
        import tensorflow as tf

        # As by `fit`, the Python code of a train step is not rewritten.
        return tf.function(self._run, autograph=False)

    def _use(self, model, x):
        model.predict_step((x,))

    def _use_metrics(self, model, batch):
        import tensorflow as tf

        model.test_step(batch)
        self._step = model.train_step
        if model.jit_compile:
            self._step = tf.function(
                model.train_step, jit_compile=True, autograph=False
            )

    def _values(self, model):
        return [ops.copy(v.value) for v in _variables(model)]

    def _run(self, values, rate, data, order):
        model = self._model
        for variable, value in zip(_variables(model), values, strict=True):
            variable.assign(value)
        model.optimizer.learning_rate.assign(rate)
        self._train(data["train"], order)
        found = {"train_loss": _results(model).get("loss", np.nan)}
        model.optimizer.finalize_variable_values(model.trainable_variables)
        for part in data:
            if part != "train":
                found[part] = self._evaluated(data[part])
        return found

    def _train(self, data, order):
        import tensorflow as tf

        def epoch(index):
            self._model.reset_metrics()
            _over_batches(self._step, data, order[index], self._batch_size)
            return index + 1

        tf.while_loop(lambda index: index < self._epochs, epoch, [0])

    def _evaluated(self, data):
        """Dictionary of the loss, the metrics, and the accuracy of classes."""
        model, classified, named = self._model, [], set()

        def step(batch):
            # Metrics that only training has are left out.
            named.update(model.test_step(batch))
            right = right_predictions(batch[1], model.predict_step(batch[:1]))
            if right is not None:
                classified.append(True)
                self._accuracy.update_state(right, *batch[2:])

        model.reset_metrics()
        self._accuracy.reset_state()
        order = ops.arange(length_of(data), dtype="int32")
        _over_batches(step, data, order, AT_ONCE)
        found = {k: v for k, v in _results(model).items() if k in named}
        if classified:
            found["accuracy"] = self._accuracy.result()
        return found


def _over_batches(step, data, order, size):
    """Calls `step` with batches in the given order, the last one smaller."""
    import tensorflow as tf

    def batch(begin, length):
        rows = tf.slice(order, [begin], [length])
        return keras.tree.map_structure(lambda x: tf.gather(x, rows), data)

    def body(begin):
        step(batch(begin, size))
        return begin + size

    # Batches have static shapes: the last one is traced by itself.
    full, rest = divmod(order.shape[0], size)
    if full:
        tf.while_loop(lambda begin: begin < full * size, body, [0])
    if rest:
        step(batch(full * size, rest))


def right_predictions(y, y_pred):
    """Whether classes are predicted, or None for other labels.

    A prediction that holds NaN is wrong; its largest entry would be the first.
    """
    if keras.tree.is_nested(y) or keras.tree.is_nested(y_pred):
        return None
    shape, classes = tuple(y.shape), y_pred.shape[-1]
    if len(shape) == len(y_pred.shape) and shape[-1] == 1:
        y, shape = ops.squeeze(y, -1), shape[:-1]
    integers = keras.backend.is_int_dtype(y.dtype)
    if not integers or classes == 1 or shape != tuple(y_pred.shape[:-1]):
        return None
    found = ops.cast(ops.argmax(y_pred, axis=-1), "int64")
    right = ops.equal(found, ops.cast(y, "int64"))
    broken = ops.any(ops.isnan(y_pred), axis=-1)
    return ops.logical_and(right, ops.logical_not(broken))


def _results(model):
    found = model.get_metrics_result()
    return {k: v for k, v in found.items() if len(ops.shape(v)) == 0}


def _number(tensor):
    found = float(tensor)
    return found if math.isfinite(found) else math.nan


def optimizers(model):
    """All that a model has, that of `compile` first; each once."""
    found = {id(model.optimizer): model.optimizer}
    for value in vars(model).values():
        if isinstance(value, keras.optimizers.Optimizer):
            found[id(value)] = value
    return list(found.values())


def _variables(model):
    """Of the model, with the states of its seeds, and of its optimizers."""
    found = [v for optimizer in optimizers(model) for v in optimizer.variables]
    if isinstance(model, BackpropQModel):
        # None of the variables of the model.
        found += model.critics.variables
    return [*model.variables, *found]


def _form(variable):
    return tuple(variable.shape), variable.dtype


def first_batch(data, size):
    return keras.tree.map_structure(lambda x: x[:size], data["train"])


def length_of(data):
    return keras.tree.flatten(data)[0].shape[0]
