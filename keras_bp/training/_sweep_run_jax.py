"""Runs of one method under JAX: one compiled function of all variables."""

import keras
from keras import ops

from keras_bp.training._sweep_run import (
    AT_ONCE,
    SweptModel,
    length_of,
    right_predictions,
)


class JaxSweptModel(SweptModel):
    """A run is one call of a function that `jax.jit` compiles."""

    def _graph(self):
        import jax

        return jax.jit(self._run)

    def _use(self, model, x):
        model(x)

    def _use_metrics(self, model, batch):
        model.test_on_batch(*batch)
        model.reset_metrics()
        if model.optimizer.use_ema:
            raise ValueError(
                "learning_rate_sweep expects an optimizer without `use_ema` "
                f"under JAX. Received: one with it, by {self._method!r}"
            )

    def _values(self, model):
        """State of a step, as `train_step` takes it, without metrics."""
        return [
            [ops.copy(v.value) for v in part]
            for part in (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
            )
        ]

    def _run(self, values, rate, data, order):
        import jax

        model, optimizer = self._model, self._model.optimizer
        place = [v is optimizer.learning_rate for v in optimizer.variables]
        values[2][place.index(True)] = ops.cast(rate, "float32")
        metrics = [ops.zeros_like(v.value) for v in model.metrics_variables]

        def epoch(state, rows):
            return self._epoch((*state[:3], metrics), rows, data["train"])

        state, losses = jax.lax.scan(epoch, (*values, metrics), order)
        found = {"train_loss": losses[-1]}
        for part in data:
            if part != "train":
                found[part] = self._evaluated(state, metrics, data[part])
        return found

    def _epoch(self, state, rows, data):
        """The state after an epoch, and its mean loss."""
        import jax

        def step(state, chosen):
            batch = keras.tree.map_structure(lambda a: a[chosen], data)
            logs, state = self._model.train_step(state, batch)
            return state, logs["loss"]

        full, rest = divmod(len(rows), self._batch_size)
        loss = ops.zeros(())
        if full:
            chosen = rows[: full * self._batch_size]
            chosen = ops.reshape(chosen, (full, self._batch_size))
            state, losses = jax.lax.scan(step, state, chosen)
            loss = losses[-1]
        if rest:
            state, loss = step(state, rows[-rest:])
        return state, loss

    def _evaluated(self, state, metrics, data):
        """Dictionary of the loss, the metrics, and the accuracy of classes."""
        trainable, fixed = state[:2]
        right = total = 0.0
        for begin in range(0, length_of(data), AT_ONCE):
            batch = keras.tree.map_structure(
                lambda a, begin=begin: a[begin : begin + AT_ONCE], data
            )
            logs, (_, fixed, metrics) = self._model.test_step(
                (trainable, fixed, metrics), batch
            )
            scores, _ = self._model.predict_step((trainable, fixed), batch[:1])
            found = right_predictions(batch[1], scores)
            if found is None:
                continue
            weight = ops.ones(len(found)) if len(batch) < 3 else batch[2]
            shape = (-1, *(1,) * (len(found.shape) - 1))
            weight = ops.reshape(weight, shape) * ops.ones(found.shape)
            right += ops.sum(ops.cast(found, weight.dtype) * weight)
            total += ops.sum(weight)
        logs = {k: v for k, v in logs.items() if len(ops.shape(v)) == 0}
        return (
            {**logs, "accuracy": right / total} if found is not None else logs
        )
