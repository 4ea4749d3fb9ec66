"""One step of `ImplicitModel`."""

from keras import ops

from keras_bp.training._implicit_curvature import update_curvatures
from keras_bp.training._implicit_dual import Problem, Step, dual_gradients
from keras_bp.training._implicit_elsewhere import used_elsewhere
from keras_bp.training._implicit_layers import (
    factors,
    solved_for_samples,
    wide,
)
from keras_bp.training._implicit_layerwise import layerwise_gradients
from keras_bp.training._implicit_losses import example_weights, targets
from keras_bp.training._implicit_penalties import l2_decays
from keras_bp.training._implicit_record import Record
from keras_bp.training._implicit_search import activations_in
from keras_bp.training._implicit_units import UNIT_RUNS
from keras_bp.training._replicas import gathered, replicas, share, summed


def forward(model, x, y, sample_weight):
    """Runs a model on a batch, and records its implicit layers.

    Returns:
        `ImplicitStep` and the predictions.
    """
    import tensorflow as tf

    if model.elsewhere is None:
        model.elsewhere = used_elsewhere(
            model,
            [x for x, _ in model.trained_implicitly()],
            x,
            y,
            sample_weight,
        )
    layers = model.trained_implicitly()
    record = _record(model, [layer for layer, _ in layers])
    weights = example_weights(sample_weight)
    with tf.GradientTape() as tape:
        with record.recording(tape.watch):
            y_pred = model(x, training=True)
        loss = model.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
        )
        scaled = model.optimizer.scale_loss(loss)
    step = ImplicitStep(model, tape, record)
    step.loss, step.scaled = loss, scaled
    step.targets = targets(model, y_pred, sample_weight, y)
    step.terms = _terms(model, step.targets)
    step.layers = [pair for pair in layers if record.calls(pair[0])]
    step.decays = l2_decays([layer for layer, _ in step.layers])
    if model.rule == "dual":
        step.find_parts(weights)
        step.curvatures = update_curvatures(
            model, step.layers, x, sample_weight
        )
    return step, y_pred


def _terms(model, found):
    """Number of terms of the loss: of all replicas where a rule is of all."""
    if not found:
        return ops.ones(()) * replicas()
    terms = found[0].terms()
    if not found[0].is_mean:
        return terms
    if model.rule == "averaged":
        # Gradients of replicas are shares, which add up.
        terms = terms * replicas()
    elif model.exact:
        terms = summed(terms)
    # Of a last batch a replica may have no example.
    return ops.where(terms > 0, terms, ops.ones_like(terms))


def _record(model, layers):
    if model.rule == "truncated":
        return Record([])
    if model.rule == "dual":
        return Record(layers)
    return Record([*layers, *activations_in(model.model)], UNIT_RUNS)


class ImplicitStep:
    """Turns gradients into those by which explicit steps are implicit.

    Args:
        model: `ImplicitModel`.
        tape: `tf.GradientTape`.
        record: `Record`.
    """

    def __init__(self, model, tape, record):
        self._model, self.tape, self.record = model, tape, record

    def find_parts(self, weights):
        """Records what the weights of layers meet."""
        if not self.targets:
            raise ValueError(
                f'{type(self._model).__name__} with rule="dual" expects '
                "`loss` to be given to `compile`, whose curvature it measures. "
                "Received: loss=None"
            )
        seed, compiled = self._model.seed_generator, self._model.jit_compile
        self.parts = {
            id(layer): factors(
                layer,
                self.record.calls(layer),
                weights,
                seed,
                bool(compiled),
                of_all=self._model.exact,
            )
            for layer, _ in self.layers
        }

    def gradients(self):
        """A gradient for each trainable weight of the model, or None."""
        if self._model.rule == "truncated":
            weights = self._model.trainable_variables
            found = self.tape.gradient(self.scaled, [x.value for x in weights])
            return self._truncated(found)
        if self._model.rule == "dual":
            found = self._dual()
        else:
            found = layerwise_gradients(self._model, self)
        return [found.get(id(x)) for x in self._model.trainable_variables]

    def _truncated(self, gradients):
        """The step ends where the linear model of the loss is zero."""
        scale = ops.cast(
            self._model.optimizer.scale_loss(ops.ones(())), "float32"
        )
        gradients = [
            None if g is None else wide(ops.convert_to_tensor(g))
            for g in gradients
        ]
        # Losses and gradients of replicas are shares, which add up.
        of_all = summed if self._model.exact else lambda x: x * replicas()
        square = sum(
            ops.cast(ops.sum(ops.square(of_all(g))), "float32")
            for g in gradients
            if g is not None
        )
        square = square / ops.square(scale)
        rate = ops.cast(self._model.proximal_rate(), square.dtype)
        limit = of_all(ops.cast(self.loss, square.dtype)) / ops.maximum(
            rate * square, 1e-30
        )
        part = ops.clip(limit, 0.0, 1.0)
        return [None if g is None else _times(g, part) for g in gradients]

    def _dual(self):
        problems, step = self.problems(), self.numbers()
        found = {
            id(weight): value
            for problem, values in zip(
                problems, dual_gradients(problems, step), strict=True
            )
            for weight, value in zip(problem.part.weights, values, strict=True)
        }
        return {**self._direct, **found}

    def numbers(self):
        """`Step` of the joint problems."""
        return Step(
            self._model.proximal_rate(),
            self.terms,
            self.decays,
            bool(self._model.jit_compile),
        )

    def problems(self):
        """List of `Problem`, of the joint step."""
        parts = [part for group in self.parts.values() for part in group]
        solved = [
            part
            for part in parts
            if solved_for_samples(part, self.decays)
            and not any(id(w) in self._model.elsewhere for w in part.weights)
        ]
        self._differentiate(solved)
        problems = []
        for (layer, _), value in zip(self.layers, self.curvatures, strict=True):
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
        direct, of_logits = self.tape.gradient(
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
        if self._model.exact:
            # All solve for all rows, and their steps are added.
            self._of_logits = {
                key: share(gathered(x)) for key, x in self._of_logits.items()
            }


def _times(tensor, factor):
    return tensor * ops.cast(factor, tensor.dtype)


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
