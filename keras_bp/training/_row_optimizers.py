"""Optimizers whose slots belong to rows, each with a step count of its own.

Those of Keras step a whole variable: with a table of which a batch reads some
rows, momentum would move all of them.
"""

import keras
from keras import ops

_KNOWN = (
    keras.optimizers.SGD,
    keras.optimizers.RMSprop,
    keras.optimizers.Adam,
)

# Where no rule is given: of what the stiffness allows, and of `rho`.
_MOMENTUM, _MULTIPLIER_RATE = 0.5, 0.1


class RowOptimizers:
    """The rules of unknowns and of multipliers.

    Args:
        values, multipliers: Keras optimizers, or None for rates that fit.
        stabilizer: As `LagrangianModel` takes it.
    """

    def __init__(self, values, multipliers, stabilizer):
        self.fits_values = values is None
        self.fits_multipliers = multipliers is None
        ahead = stabilizer == "optimistic"
        self.values = RowOptimizer(
            values or keras.optimizers.SGD(1.0, momentum=_MOMENTUM),
            "state_optimizer",
            ahead,
        )
        self.multipliers = RowOptimizer(
            multipliers or keras.optimizers.SGD(_MULTIPLIER_RATE),
            "multiplier_optimizer",
            ahead,
        )
        self.slots = self.values.slots, self.multipliers.slots

    def config(self):
        """The arguments of `compile` that they were made from."""
        given = {
            "state_optimizer": None
            if self.fits_values
            else self.values.optimizer,
            "multiplier_optimizer": None
            if self.fits_multipliers
            else self.multipliers.optimizer,
        }
        return {
            name: keras.saving.serialize_keras_object(x)
            for name, x in given.items()
        }


class RowOptimizer:
    """The rule of a Keras optimizer, as a function of rows.

    Args:
        optimizer: `SGD`, `RMSprop` or `Adam`.
        name: String, the argument it was given as.
        optimistic: Boolean, whether derivatives are extrapolated from the
            last two, in another slot.

    Attributes:
        slots: Integer, slots of each value.
    """

    def __init__(self, optimizer, name, optimistic=False):
        optimizer = keras.optimizers.get(optimizer)
        if type(optimizer) not in _KNOWN:
            names = [kind.__name__ for kind in _KNOWN]
            raise TypeError(
                f"LagrangianModel expects `{name}` to be one of {names}, whose "
                "rules it applies to each example by itself. Received: "
                f"{name}={optimizer}"
            )
        _check_plain(optimizer, name)
        self.optimizer, self.optimistic = optimizer, optimistic
        momentum = getattr(optimizer, "momentum", 0) > 0
        if isinstance(optimizer, keras.optimizers.Adam):
            own = 2
        else:
            own = int(isinstance(optimizer, keras.optimizers.RMSprop))
            own += int(momentum)
        self.slots = own + int(optimistic)

    def step(self, gradient, slots, count, rate):
        """How far values move, and their new slots.

        Args:
            gradient: Tensor `(rows, ...)`, to descend.
            slots: List of tensors of that shape.
            count: Tensor `(rows,)`, steps of each row before this one.
            rate: Scalar, factor of the learning rate.
        """
        kept = []
        if self.optimistic:
            *slots, before = slots
            kept = [gradient]
            first = _like(count, gradient) == 0
            gradient = ops.where(first, gradient, 2.0 * gradient - before)
        kind = self.optimizer
        rate = ops.cast(rate, gradient.dtype)
        rate = rate * ops.cast(kind.learning_rate, gradient.dtype)
        if isinstance(kind, keras.optimizers.SGD):
            move, slots = self._sgd(gradient, slots, rate)
        elif isinstance(kind, keras.optimizers.RMSprop):
            move, slots = self._rmsprop(gradient, slots, rate)
        else:
            move, slots = self._adam(gradient, slots, count, rate)
        return move, [*slots, *kept]

    def _sgd(self, gradient, slots, rate):
        if not slots:
            return -rate * gradient, []
        momentum = self.optimizer.momentum * slots[0] - rate * gradient
        if self.optimizer.nesterov:
            move = self.optimizer.momentum * momentum - rate * gradient
            return move, [momentum]
        return momentum, [momentum]

    def _rmsprop(self, gradient, slots, rate):
        decay = self.optimizer.rho
        square = decay * slots[0] + (1 - decay) * ops.square(gradient)
        move = rate * gradient / ops.sqrt(square + self.optimizer.epsilon)
        if len(slots) == 1:
            return -move, [square]
        momentum = self.optimizer.momentum * slots[1] + move
        return -momentum, [square, momentum]

    def _adam(self, gradient, slots, count, rate):
        kind = self.optimizer
        mean = kind.beta_1 * slots[0] + (1 - kind.beta_1) * gradient
        square = kind.beta_2 * slots[1] + (1 - kind.beta_2) * ops.square(
            gradient
        )
        count = ops.cast(_like(count, gradient), gradient.dtype) + 1
        rate = (
            rate * ops.sqrt(1 - kind.beta_2**count) / (1 - kind.beta_1**count)
        )
        return -rate * mean / (ops.sqrt(square) + kind.epsilon), [mean, square]


def _like(count, rows):
    """Numbers of rows, to go with the rows."""
    return ops.reshape(count, (-1, *(1,) * (len(rows.shape) - 1)))


def _check_plain(optimizer, name):
    """Raises `ValueError` where a rule has parts that rows do not have."""
    for part in (
        "weight_decay",
        "clipnorm",
        "clipvalue",
        "global_clipnorm",
        "use_ema",
        "gradient_accumulation_steps",
        "centered",
        "amsgrad",
    ):
        if getattr(optimizer, part, None):
            raise ValueError(
                f"LagrangianModel expects `{name}` without `{part}`, which has "
                f"no meaning for the values of neurons. Received: "
                f"{part}={getattr(optimizer, part)}"
            )
