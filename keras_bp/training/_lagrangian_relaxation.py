"""What pulls at the unknowns of one batch."""

import dataclasses

import keras
from keras import ops

from keras_bp.training._implicit_layers import wide
from keras_bp.training._lagrangian_constraints import Constraint
from keras_bp.training._replicas import replicas
from keras_bp.training.stochastic_graph import Slot


@dataclasses.dataclass
class Forces:
    """Derivatives of the augmented Lagrangian at one point.

    Attributes:
        values: List of its derivatives by the unknowns, an example each.
        multipliers: List of those by the multipliers.
        pulls: List of the forces m on the residuals.
        residuals: List of the residuals r.
        weights: Dictionary from the id of a weight to the derivative of the
            mean over the batch, times `scale`.
        loss: Scalar, the loss at these unknowns.
        outputs: What the model would return at them.
    """

    values: list
    multipliers: list
    pulls: list
    residuals: list
    weights: dict = dataclasses.field(default_factory=dict)
    loss: object = None
    outputs: object = None

    def pull(self, place, gradient):
        """Adds to the derivative by an unknown."""
        if gradient is not None:
            have = self.values[place]
            self.values[place] = gradient if have is None else have + gradient

    def turn(self, weight, gradient):
        """Adds to the derivative by a weight."""
        if gradient is not None:
            gradient = ops.convert_to_tensor(gradient)
            have = self.weights.get(id(weight))
            total = gradient if have is None else have + gradient
            self.weights[id(weight)] = total


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which derivatives are asked for.

    Attributes:
        states: Boolean, those by the unknowns.
        weights: Boolean, those by the weights.
        scale: Scalar tensor by which those of weights are multiplied.
        rule: `Constraint`, or None for that of the model.
    """

    states: bool = True
    weights: bool = False
    scale: object = None
    rule: object = None


class Relaxation:
    """The Lagrangian of a batch, as a function of unknowns and multipliers.

    Each constraint is differentiated by itself, so nothing that a layer gets
    comes from further away than its neighbors.

    Args:
        model: `LagrangianModel`.
        x, y, sample_weight: The batch.
    """

    def __init__(self, model, x, y, sample_weight):
        self.model, self.graph = model, model.graph
        self.y, self.sample_weight = y, sample_weight
        self.rho, self.epsilon = model.rho_now(), model.epsilon_now()
        tensors = self.graph.input_tensors(x)
        self.known = {
            slot.index: tensor
            for slot, tensor in zip(self.graph.inputs, tensors, strict=True)
        }
        _run(self.graph.known, self.known)
        count = ops.shape(keras.tree.flatten(x)[0])[0] * replicas()
        self.size = ops.cast(count, "float32")
        # What does not change with the unknowns: layers that read none.
        self._first = {}

    def point(self, dtype):
        """rho and epsilon, in the type of an unknown."""
        return ops.cast(self.rho, dtype), ops.cast(self.epsilon, dtype)

    def forward(self, slack=None):
        """The unknowns whose residuals are zero, or as given.

        Args:
            slack: List of tensors, or None.

        Returns:
            List of tensors, and the outputs of the model.
        """
        values = []
        for block in self.graph.blocks:
            first = not block.reads
            weights = [x.value for x in block.weights()] if first else []
            found, tape = self._watched(block, values, weights)
            if block.recurrent is not None:
                offsets = slack and [slack[i] for i in block.unknowns]
                values += block.recurrent.run(found[0], offsets)
                continue
            if not block.reads and not self.graph.shares_noise(block):
                self._first[id(block)] = found, tape
            for place, guess in zip(block.unknowns, found, strict=True):
                guess = wide(guess)
                if slack is not None:
                    guess = guess + ops.cast(slack[place], guess.dtype)
                values.append(guess)
        return values, self.outputs(values)

    def outputs(self, values):
        """What the model returns at some unknowns."""
        env = self._environment(self.graph.tail, values)
        _run(self.graph.tail.steps, env)
        return keras.tree.map_structure(
            lambda slot: env[slot.index], self.graph.outputs
        )

    def plain_outputs(self):
        """What the model returns in training, as one function of weights."""
        env = dict(self.known)
        for block in self.graph.blocks:
            _run(block.steps, env)
        _run(self.graph.tail.steps, env)
        return keras.tree.map_structure(
            lambda slot: env[slot.index], self.graph.outputs
        )

    def loss(self, outputs):
        """The loss of some outputs, and penalties, a scalar."""
        # What a loss keeps for the logs is that of the plain outputs. A scope
        # that does not know the weights has no penalties of them.
        weights = self.model.trainable_variables
        with keras.StatelessScope([(w, w.value) for w in weights]):
            return self.model.compute_loss(
                x=None,
                y=self.y,
                y_pred=outputs,
                sample_weight=self.sample_weight,
                training=True,
            )

    def residuals(self, values):
        """List of the residuals at some unknowns."""
        zeros = [ops.zeros_like(x) for x in values]
        return self.forces(values, zeros, Wanted(states=False)).residuals

    def linear_forces(self, values):
        """`Forces` without multipliers, as if the constraint were `"lin"`."""
        zeros = [ops.zeros_like(x) for x in values]
        return self.forces(values, zeros, Wanted(rule=Constraint("lin")))

    def forces(self, values, multipliers, wanted=None):
        """`Forces` at some unknowns and multipliers.

        Args:
            values, multipliers: Lists of tensors `(batch, ...)`.
            wanted: `Wanted`, or None for derivatives by unknowns.
        """
        wanted = Wanted() if wanted is None else wanted
        if wanted.weights:
            # Once a step they run for good: seeds and statistics move.
            pure = {id(x) for x in self.graph.blocks if x.is_pure()}
            self._first = {k: x for k, x in self._first.items() if k in pure}
        found = Forces(*([None] * len(values) for _ in range(4)))
        for block in self.graph.blocks:
            self._constrain(block, values, multipliers, found, wanted)
        self._cost(values, found, wanted)
        return found

    def _constrain(self, block, values, multipliers, found, wanted):
        rule = (
            self.model.constraint_rule if wanted.rule is None else wanted.rule
        )
        reads = [values[i] for i in block.reads] if wanted.states else []
        weights = block.weights() if wanted.weights else []
        targets = [*reads, *(x.value for x in weights)]
        guesses, tape = self._predict(block, values, targets)
        # Small in half precision, unless weights ask for the scaled mean.
        factor = self._factor(wanted)
        cotangents = []
        for place, guess in zip(block.unknowns, guesses, strict=True):
            r = values[place] - ops.cast(guess, values[place].dtype)
            point = r, multipliers[place], *self.point(r.dtype)
            pull = rule.force(*point)
            found.residuals[place], found.pulls[place] = r, pull
            found.multipliers[place] = rule.ascent(*point)
            if wanted.states:
                found.pull(place, pull)
            if factor is not None:
                pull = pull * ops.cast(factor, pull.dtype)
            cotangents.append(-ops.cast(pull, guess.dtype))
        if targets:
            gradients = tape.gradient(guesses, targets, cotangents)
            self._hand_out(block.reads, weights, gradients, found, wanted)

    def _hand_out(self, places, weights, gradients, found, wanted):
        """Adds derivatives by unknowns, then weights, times the factor."""
        if wanted.states:
            factor = self._factor(wanted)
            for place, gradient in zip(places, gradients, strict=False):
                if gradient is not None and factor is not None:
                    gradient = gradient / ops.cast(factor, gradient.dtype)
                found.pull(place, gradient)
            gradients = gradients[len(places) :]
        for weight, gradient in zip(weights, gradients, strict=True):
            found.turn(weight, gradient)

    def _factor(self, wanted):
        """By what the derivatives of an example are multiplied on a tape."""
        if not wanted.weights:
            return None
        scale = 1.0 if wanted.scale is None else wanted.scale
        return ops.cast(scale, "float32") / self.size

    def _cost(self, values, found, wanted):
        import tensorflow as tf

        places = self.graph.tail.reads
        weights = self.model.trainable_variables if wanted.weights else []
        reads = [values[i] for i in places] if wanted.states else []
        targets = [*reads, *(x.value for x in weights)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(targets)
            found.outputs = self.outputs(values)
            found.loss = self.loss(found.outputs)
            factor = self._factor(wanted)
            factor = self.size if factor is None else factor * self.size
            scaled = found.loss * ops.cast(factor, found.loss.dtype)
        gradients = tape.gradient(scaled, targets)
        self._hand_out(places, weights, gradients, found, wanted)

    def _predict(self, block, values, targets):
        """What a block makes of the unknowns, and the tape that saw it."""
        if id(block) in self._first:
            found, tape = self._first[id(block)]
            # A tape tells its derivatives once.
            self._first[id(block)] = found, None if targets else tape
            if tape is not None or not targets:
                return found, tape
        own = [values[i] for i in block.unknowns]
        return self._watched(block, values, targets, own)

    def _watched(self, block, values, targets, states=None):
        """What a block makes of unknowns, and a tape that watches some."""
        import tensorflow as tf

        steps = block.steps if block.recurrent is None else block.steps[:-1]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(targets)
            env = self._environment(block, values)
            _run(steps, env)
            found = [env[slot.index] for slot in block.outputs]
            if block.recurrent is not None and states is not None:
                found = block.recurrent.predict(found[0], states)
        return found, tape

    def _environment(self, block, values):
        """The tensors that a block may read: inputs, and its unknowns."""
        env = dict(self.known)
        for index, (places, view) in self.graph.views.items():
            if set(places) <= set(block.reads) and max(places) < len(values):
                env[index] = view([values[place] for place in places])
        return env


def _run(steps, env):
    """Runs steps on the tensors of their slots, and adds what they make."""

    def place(leaf):
        return env[leaf.index] if isinstance(leaf, Slot) else leaf

    for step in steps:
        if keras.tree.flatten(step.outputs)[0].index in env:
            continue
        args, kwargs = keras.tree.map_structure(place, (step.args, step.kwargs))
        if isinstance(step.operation, keras.layers.Layer):
            kwargs = {**kwargs, "training": True}
        outputs = step.operation(*args, **kwargs)
        for slot, tensor in zip(
            keras.tree.flatten(step.outputs),
            keras.tree.flatten(outputs),
            strict=True,
        ):
            env[slot.index] = tensor
