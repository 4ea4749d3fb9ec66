"""The rule of Fagan and Iyengar: each unit and example by itself."""

import dataclasses

from keras import ops

from keras_bp.ops._proximal_diagnostics import proximal_roots
from keras_bp.ops.proximal_unit import proximal_unit
from keras_bp.training._implicit_convex import convex_loss
from keras_bp.training._implicit_layers import wide
from keras_bp.training._implicit_units import (
    activation_of,
    bias_in,
    is_activation,
    squared_norms,
    weight_gradients,
)
from keras_bp.training._replicas import share


@dataclasses.dataclass
class Use:
    """A call of a layer, and the activation that follows.

    Attributes:
        layer: Layer.
        call: `UnitCall`.
        function: Function or layer, the activation.
        activation: String or None, its name for `proximal_unit`.
        slope: Float or None, of a leaky ReLU.
        output: Tensor that the activation returned.
    """

    layer: object
    call: object
    function: object
    activation: str | None
    slope: float | None
    output: object


def uses(layers, record):
    """List of `Use`, one for each call of layers.

    Args:
        layers: List of layers.
        record: `Record` of them, and of layers that are activations.
    """
    followers = {
        id(call.inputs): (layer, call)
        for layer in record.layers
        if is_activation(layer)
        for call in record.calls(layer)
    }
    found = []
    for layer in layers:
        for call in record.calls(layer):
            function = layer.activation
            name, slope = activation_of(function)
            output, follower = call.output, followers.get(id(call.output))
            if name == "linear" and follower is not None:
                function, after = follower
                name, slope = activation_of(function)
                output = after.output
            found.append(Use(layer, call, function, name, slope, output))
    return found


@dataclasses.dataclass(frozen=True)
class Proximal:
    """Numbers of the steps of units.

    Attributes:
        rate: Scalar tensor, the learning rate.
        terms: Scalar tensor, by which steps are averaged; 1 where each example
            takes the share of a step that it has in the loss.
        decays: Dictionary from the id of a weight to the factor of its L2
            penalty.
    """

    rate: object
    terms: object
    decays: dict


class UnitSolver:
    """The proximal problem of the units of one call.

    Args:
        use: `Use`.
        delta: Tensor, the gradient of the loss by the logits.
        gradient: Tensor, the same by the output of the activation.
        target: `Target` of the model where the output is its prediction and
            the loss is to be kept whole, or None.
        numbers: `Proximal`.
    """

    def __init__(self, use, delta, gradient, target, numbers):
        self._use, self._target, self._numbers = use, target, numbers
        self._delta = wide(delta)
        dtype = self._delta.dtype
        self._given = None if gradient is None else wide(gradient)
        self._terms = ops.cast(numbers.terms, dtype)
        self._delta = self._delta * self._terms
        self._rate = ops.cast(numbers.rate, dtype)
        self._shrinks = [self._shrink(w) for w in use.call.weights]

    def _shrink(self, weight):
        decay = self._numbers.decays.get(id(weight))
        if decay is None:
            return 1.0
        return 1.0 / (1.0 + self._numbers.rate * decay)

    def explicit(self):
        """What an explicit step has in place of `solved`."""
        return self._delta / self._terms

    def solved(self):
        """Gradients of the logits at the implicit point."""
        logits, squares = self._logits(), self._squares()
        whole = None
        if self._target is not None:
            whole = convex_loss(self._use, self._target, logits)
        if whole is not None:
            found = whole.solved(self._delta, squares)
        elif self._use.activation in (None, "linear", "softmax"):
            found = self._delta
        else:
            gradient = self._gradient()
            found = self._unit(logits, gradient, squares)
            if self._given is not None:
                # What reaches the logits past the activation: where another
                # layer takes them too, or a loss that goes back to them.
                found = found + (self._delta - self._explicit(gradient))
        return found / self._terms

    def roots(self):
        """Shares of units with several roots, and of those on a kink."""
        logits = self._logits()
        if self._use.activation in (None, "linear", "softmax"):
            return ops.zeros(()), ops.zeros(())
        several, kink = proximal_roots(
            logits,
            self._gradient(),
            self._squares(),
            self._use.activation,
            self._use.slope,
        )
        return (
            ops.mean(ops.cast(several, "float32")),
            ops.mean(ops.cast(kink, "float32")),
        )

    def weight_gradients(self, solved, shrinks=True):
        """Gradients of the weights, penalties included, which may shrink."""
        weights = self._use.call.weights
        found = weight_gradients(self._use.call, solved)
        made = []
        for weight, gradient, shrink in zip(
            weights, found, self._shrinks, strict=True
        ):
            decay = self._numbers.decays.get(id(weight))
            if decay is not None:
                value = wide(ops.convert_to_tensor(weight))
                # Gradients of replicas are shares, which add up.
                gradient = gradient + share(decay * value)
                gradient = shrink * gradient if shrinks else gradient
            made.append(gradient)
        return made

    def _unit(self, logits, gradient, squares):
        return proximal_unit(
            logits,
            gradient,
            squares,
            self._use.activation,
            self._use.slope,
        )

    def _gradient(self):
        """The gradient of the loss by the output of the activation."""
        if self._given is not None:
            return self._given * self._terms
        # Only that of the logits is known: in the loop of a recurrent layer.
        one = ops.ones_like(self._delta)
        slope = self._explicit(one)
        steep = ops.abs(slope) > 1e-12
        return ops.where(
            steep, self._delta / ops.where(steep, slope, one), 0.0 * one
        )

    def _explicit(self, gradient):
        """The gradient by the logits, from that by the output."""
        import tensorflow as tf

        logits = wide(self._use.call.logits)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            output = self._use.function(logits)
        return tape.gradient(output, logits, output_gradients=gradient)

    def _logits(self):
        """Those of the weights that their penalties have shrunk."""
        call = self._use.call
        logits = wide(call.logits)
        if all(isinstance(x, float) for x in self._shrinks):
            return logits
        parts = [
            shrink * ops.matmul(wide(x), wide(ops.convert_to_tensor(kernel)))
            if call.tape is None
            else shrink * self._use.layer.convolution_op(wide(x), kernel)
            for x, kernel, shrink in zip(
                call.inputs, call.kernels, self._shrinks, strict=False
            )
        ]
        if call.bias is not None:
            parts.append(self._shrinks[-1] * bias_in(self._use.layer, call))
        return sum(parts)

    def _squares(self):
        squares = squared_norms(self._use.layer, self._use.call, self._shrinks)
        return ops.cast(self._rate, squares.dtype) * squares


def layerwise_gradients(model, step):
    """Gradients by which explicit steps become those of the rule.

    Args:
        model: `ImplicitModel`.
        step: `ImplicitStep`, with a record of `UNIT_RUNS`.

    Returns:
        Dictionary from the id of a weight to a tensor or None.
    """
    scale = model.optimizer.scale_loss(ops.ones((), step.loss.dtype))
    solvers, direct = unit_solvers(model, step, scale)
    made = {}
    for use, solver in solvers:
        gradients = solver.weight_gradients(solver.solved())
        for weight, gradient in zip(use.call.weights, gradients, strict=True):
            made[id(weight)] = made.get(id(weight), 0.0) + gradient * ops.cast(
                scale, gradient.dtype
            )
    return {**direct, **made}


def unit_solvers(model, step, scale):
    """List of pairs of `Use` and `UnitSolver`, and the other gradients."""
    chosen = uses([layer for layer, _ in step.layers], step.record)
    inside = {id(w) for use in chosen for w in use.call.weights}
    others = [w for w in model.trainable_variables if id(w) not in inside]
    # In the loop of a recurrent layer no output has a gradient of its own.
    outputs = [use.output if use.call.zeros is None else None for use in chosen]
    direct, deltas, given = step.tape.gradient(
        step.scaled,
        [
            [w.value for w in others],
            [use.call.source for use in chosen],
            [x for x in outputs if x is not None],
        ],
        unconnected_gradients="zero",
    )
    given = iter(given)
    terms = step.terms if model.rule == "averaged" else ops.ones(())
    numbers = Proximal(
        ops.cast(model.proximal_rate(), "float32"),
        terms,
        _shared(step.decays, chosen),
    )
    targets = {id(target.output): target for target in step.targets}
    solvers = []
    for use, delta, output in zip(chosen, deltas, outputs, strict=True):
        gradient = None if output is None else _by(next(given), scale)
        target = targets.get(id(use.output)) if model.whole_loss else None
        solver = UnitSolver(use, _by(delta, scale), gradient, target, numbers)
        solvers.append((use, solver))
    direct = {id(w): g for w, g in zip(others, direct, strict=True)}
    return solvers, direct


def _shared(decays, chosen):
    """The share in its penalty of each call that a weight is used in."""
    calls = [id(w) for use in chosen for w in use.call.weights]
    return {
        key: decay / max(calls.count(key), 1) for key, decay in decays.items()
    }


def _by(tensor, scale):
    tensor = wide(tensor)
    return tensor / ops.cast(scale, tensor.dtype)
