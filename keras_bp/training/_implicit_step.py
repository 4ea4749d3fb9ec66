"""One step of `ImplicitModel`."""

import keras
from keras import ops

from keras_bp.training._implicit_curvature import update_curvatures
from keras_bp.training._implicit_dual import Problem, Step, dual_gradients
from keras_bp.training._implicit_layers import factors, solved_for_samples, wide
from keras_bp.training._implicit_losses import example_weights, targets
from keras_bp.training._implicit_record import Record


def forward(model, x, y, sample_weight):
    """Runs a model on a batch, and records its implicit layers.

    Returns:
        `ImplicitStep` and the predictions.
    """
    import tensorflow as tf

    layers = model.trained_implicitly()
    record = Record([layer for layer, _ in layers])
    weights = example_weights(sample_weight)
    with tf.GradientTape() as tape:
        with record.recording():
            y_pred = model(x, training=True)
        loss = model.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
        )
        scaled = model.optimizer.scale_loss(loss)
    found = targets(model, y_pred, sample_weight)
    layers = [pair for pair in layers if record.calls(pair[0])]
    step = ImplicitStep(model, layers, tape)
    step.loss, step.scaled = loss, scaled
    step.terms = found[0].terms() if found else ops.ones(())
    step.parts = {
        id(layer): factors(
            layer, record.calls(layer), weights, model.seed_generator
        )
        for layer, _ in layers
    }
    if model.rule == "dual":
        step.curvatures = update_curvatures(model, layers, x, sample_weight)
    return step, y_pred


class ImplicitStep:
    """Turns gradients into those by which explicit steps are implicit.

    Args:
        model: `ImplicitModel`.
        layers: List of pairs, a layer and the weight that holds its curvature.
        tape: `tf.GradientTape` for the loss.
    """

    def __init__(self, model, layers, tape):
        self._model, self._layers, self._tape = model, layers, tape

    def gradients(self):
        """A gradient for each trainable weight of the model, or None."""
        if self._model.rule == "truncated":
            weights = self._model.trainable_variables
            found = self._tape.gradient(self.scaled, [x.value for x in weights])
            return self._truncated(found)
        return self._dual()

    def _truncated(self, gradients):
        """The step ends where the linear model of the loss is zero."""
        scale = ops.cast(
            self._model.optimizer.scale_loss(ops.ones(())), "float32"
        )
        square = sum(
            ops.sum(ops.square(wide(ops.convert_to_tensor(g)) / scale))
            for g in gradients
            if g is not None
        )
        rate = ops.cast(self._model.proximal_rate(), square.dtype)
        limit = ops.cast(self.loss, square.dtype) / ops.maximum(
            rate * square, 1e-30
        )
        share = ops.clip(limit, 0.0, 1.0)
        return [
            None if g is None else wide(ops.convert_to_tensor(g)) * share
            for g in gradients
        ]

    def _dual(self):
        model = self._model
        decays = l2_decays([layer for layer, _ in self._layers])
        step = Step(
            model.proximal_rate(), self.terms, decays, bool(model.jit_compile)
        )
        problems = self._problems(decays)
        found = {
            id(weight): value
            for problem, values in zip(
                problems, dual_gradients(problems, step), strict=True
            )
            for weight, value in zip(problem.part.weights, values, strict=True)
        }
        return [
            found.get(id(x), self._direct.get(id(x)))
            for x in model.trainable_variables
        ]

    def _problems(self, decays):
        parts = [part for group in self.parts.values() for part in group]
        solved = [part for part in parts if solved_for_samples(part, decays)]
        self._differentiate(solved)
        problems = []
        for (layer, _), value in zip(
            self._layers, self.curvatures, strict=True
        ):
            for part in self.parts[id(layer)]:
                h = value * self._model.curvature_scale
                if id(part) in self._of_logits:
                    of_logits = self._of_logits[id(part)]
                    problems.append(Problem(part, h, None, of_logits))
                    continue
                direct = [self._direct[id(w)] for w in part.weights]
                if all(gradient is not None for gradient in direct):
                    problems.append(Problem(part, h, direct))
        return problems

    def _differentiate(self, solved):
        """Gradients of the loss: of logits where they do, else of weights."""
        inside = {id(w) for part in solved for w in part.weights}
        others = [
            w for w in self._model.trainable_variables if id(w) not in inside
        ]
        direct, of_logits = self._tape.gradient(
            self.scaled,
            [[w.value for w in others], [part.logits for part in solved]],
            unconnected_gradients="none",
        )
        self._direct = {
            id(w): None if g is None else wide(ops.convert_to_tensor(g))
            for w, g in zip(others, direct, strict=True)
        }
        self._of_logits = {
            id(part): _joined_rows(part.logits, group)
            for part, group in zip(solved, of_logits, strict=True)
        }


def _joined_rows(logits, gradients):
    return ops.concatenate(
        [
            ops.reshape(
                ops.zeros_like(wide(x)) if g is None else wide(g),
                (-1, x.shape[-1]),
            )
            for x, g in zip(logits, gradients, strict=True)
        ]
    )


_WITH_L2 = (keras.regularizers.L2, keras.regularizers.L1L2)
_NAMES = ("kernel", "bias", "recurrent", "embeddings", "gamma", "beta")


def l2_decays(layers):
    """Factors of L2 penalties, by the id of the weight."""
    found = {}
    for layer in layers:
        holder = getattr(layer, "cell", layer)
        for name in _NAMES:
            rule = getattr(holder, f"{name}_regularizer", None)
            if isinstance(rule, _WITH_L2):
                kernel = "recurrent_kernel" if name == "recurrent" else name
                found[id(getattr(holder, kernel))] = 2.0 * float(rule.l2)
    return found
