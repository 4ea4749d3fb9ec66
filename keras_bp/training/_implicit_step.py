"""One step of `ImplicitModel`."""

import keras
from keras import ops

from keras_bp.training import _implicit_curvature as curving
from keras_bp.training._implicit_dual import Step, dual_gradients
from keras_bp.training._implicit_layers import factors, solved_for_samples, wide
from keras_bp.training._implicit_record import Record

_MEMORY = 0.95


def forward(model, x, y, sample_weight):
    """Runs a model on a batch, and records its implicit layers.

    Returns:
        `ImplicitStep` and the predictions.
    """
    import tensorflow as tf

    layers = model.trained_implicitly()
    record = Record([layer for layer, _ in layers])
    with tf.GradientTape(persistent=True) as tape:
        with record.recording():
            y_pred = model(x, training=True)
        loss = model.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
        )
        logits = _output_logits(record, layers, y_pred)
        signs = curving.probe(logits, sample_weight, model.seed_generator)
        scaled = model.optimizer.scale_loss(loss)
    step = ImplicitStep(model, layers, tape)
    step.loss, step.scaled, step.signs = loss, scaled, signs
    step.outputs = y_pred
    step.weights = sample_weight
    step.parts = {
        id(layer): factors(
            layer, record.calls(layer), sample_weight, model.seed_generator
        )
        for layer, _ in layers
    }
    return step, y_pred


def _output_logits(record, layers, y_pred):
    """Logits of the predictions, where the last layer knows them."""
    outputs = keras.tree.flatten(y_pred)
    known = {
        id(call.output): call.logits
        for layer, _ in layers
        for call in record.calls(layer)
        if call.logits is not None
    }
    return [known.get(id(output), output) for output in outputs]


class ImplicitStep:
    """Turns gradients into those by which explicit steps are implicit.

    Args:
        model: `ImplicitModel`.
        layers: List of pairs, a layer and the weight that holds its curvature.
        tape: Persistent `tf.GradientTape`.
    """

    def __init__(self, model, layers, tape):
        self._model, self._layers, self._tape = model, layers, tape

    def gradients(self):
        """A gradient for each trainable weight of the model, or None."""
        parts = [part for group in self.parts.values() for part in group]
        decays = _decays(self._layers)
        solved = []
        if self._model.rule == "dual":
            solved = [p for p in parts if solved_for_samples(p, decays)]
        inside = {id(w) for part in solved for w in part.weights}
        others = [
            w for w in self._model.trainable_variables if id(w) not in inside
        ]
        direct, of_logits = self._tape.gradient(
            self.scaled, [[w.value for w in others], [p.logits for p in solved]]
        )
        found = {id(w): g for w, g in zip(others, direct, strict=True)}
        if self._model.rule == "truncated":
            return self._truncated(found)
        of_logits = {
            id(part): ops.concatenate(
                [ops.reshape(wide(g), (-1, g.shape[-1])) for g in group]
            )
            for part, group in zip(solved, of_logits, strict=True)
        }
        self._dual(found, of_logits, decays)
        return found

    def _truncated(self, found):
        """The step ends where the linear model of the loss is zero."""
        scale = self._model.optimizer.scale_loss(ops.ones(()))
        known = [
            wide(ops.convert_to_tensor(g))
            for g in found.values()
            if g is not None
        ]
        square = sum(ops.sum(ops.square(g / scale)) for g in known)
        rate = self._model.proximal_rate()
        share = ops.minimum(1.0, self.loss / ops.maximum(rate * square, 1e-30))
        return {k: None if g is None else g * share for k, g in found.items()}

    def _dual(self, found, of_logits, decays):
        model = self._model
        self._update_curvatures()
        step = Step(model.proximal_rate(), self._terms(), decays)
        for layer, curvature in self._layers:
            h = curvature.value * self._bound() * model.curvature_scale
            for part in self.parts[id(layer)]:
                given = [found.get(id(w)) for w in part.weights]
                new = dual_gradients(
                    part, given, of_logits.get(id(part)), h, step
                )
                for weight, value in zip(part.weights, new, strict=True):
                    found[id(weight)] = value

    def _terms(self):
        """Number of terms that the loss is the mean of."""
        output = keras.tree.flatten(self.outputs)[0]
        reduction = getattr(self._model.loss, "reduction", None)
        if reduction == "sum":
            return ops.ones(())
        terms = ops.cast(ops.size(output) // output.shape[-1], "float32")
        if reduction == "mean_with_sample_weight" and self.weights is not None:
            terms = terms * ops.mean(wide(self.weights))
        return terms

    def _bound(self):
        model = self._model
        if model.output_curvature is not None:
            return model.output_curvature
        output = keras.tree.flatten(self.outputs)[0]
        return curving.output_bound(model.loss, output.shape[-1])

    def _update_curvatures(self):
        import tensorflow as tf

        model = self._model
        weights = [
            [w.value for part in self.parts[id(layer)] for w in part.weights]
            for layer, _ in self._layers
        ]

        def measured():
            found = self._tape.gradient(self.signs, weights)
            return [
                self._mixed(
                    old, curving.curvature(self.parts[id(layer)], group)
                )
                for (layer, old), group in zip(self._layers, found, strict=True)
            ]

        def kept():
            return [ops.convert_to_tensor(old) for _, old in self._layers]

        due = ops.equal(model.steps.value % model.curvature_every, 0)
        for (_, old), new in zip(
            self._layers, tf.cond(due, measured, kept), strict=True
        ):
            old.assign(new)

    def _mixed(self, old, new):
        new = ops.cast(new, "float32")
        mixed = _MEMORY * old.value + (1 - _MEMORY) * new
        return ops.where(ops.equal(self._model.steps.value, 0), new, mixed)


_NAMES = ("kernel", "bias", "recurrent", "embeddings", "gamma", "beta")


def _decays(layers):
    """Factors of L2 penalties, by the id of the weight."""
    found = {}
    for layer, _ in layers:
        holder = getattr(layer, "cell", layer)
        for name in _NAMES:
            rule = getattr(holder, f"{name}_regularizer", None)
            if isinstance(rule, keras.regularizers.L2):
                kernel = "recurrent_kernel" if name == "recurrent" else name
                found[id(getattr(holder, kernel))] = 2.0 * float(rule.l2)
    return found
