"""What a `LagrangianModel` tells of itself, and makes of it."""

from keras_bp.training._lagrangian_curve import support_curve
from keras_bp.training._lagrangian_diagnostics import diagnostics, support
from keras_bp.training._lagrangian_export import export_support_network
from keras_bp.training._lagrangian_gradients import (
    backprop_gradients,
    local_gradients,
)
from keras_bp.training._local_angles import update_angles


class LagrangianInspection:
    """Methods of `LagrangianModel` that take no step."""

    def lagrangian_diagnostics(self, x, y, sample_weight=None):
        """What the next step would see, without taking it.

        Args:
            x, y, sample_weight: A batch. `x` may hold numbers of examples, as
                in a data set of `index_examples`.

        Returns:
            Dictionary. `"layers"`: for each, `"residual_mean"` and
            `"residual_max"` of |r|, `"outside"`, the share of |r| above
            epsilon, `"multiplier"` and `"force"`, root mean squares of
            the multipliers and m, and `"cosine"` of the gradient of its
            weights with the backpropagated one. `"total"`: `"forward_loss"`
            of the plain model in training, `"relaxed_loss"` of the unknowns,
            `"lagrangian"`, `"violation"` (the sum of |r| beyond epsilon of an
            example), and of integer labels, where predictions have an axis
            of classes, `"forward_accuracy"` and `"relaxed_accuracy"`.
        """
        return diagnostics(self, x, y, sample_weight)

    def local_gradients(self, x, y, sample_weight=None):
        """What the next step would give to the optimizer, without taking it.

        Args:
            x, y, sample_weight: A batch, as for `lagrangian_diagnostics`.

        Returns:
            List of pairs, a trainable variable and its gradient, or None.
        """
        return local_gradients(self, x, y, sample_weight)

    def backprop_gradients(self, x, y, sample_weight=None):
        """As `local_gradients`, by backpropagation."""
        return backprop_gradients(self, x, y, sample_weight)

    def update_angles(self, x, y, sample_weight=None):
        """Compares the next step with that of backpropagation, layer by layer.

        Args:
            x, y, sample_weight: A batch, as for `lagrangian_diagnostics`.

        Returns:
            Dictionary from the name of a layer to a dictionary of floats:
            `"angle"` between both gradients of its weights, in degrees, and
            `"ratio"` of their norms.
        """
        return update_angles(self, x, y, sample_weight)

    def support(self, x=None, y=None, tolerance=1e-6):
        """Which neurons the constraints are active for.

        A multiplier of zero says that a neuron gets no signal, not that it
        contributes nothing.

        Args:
            x, y: A batch, or None for the multipliers of persistent states.
            tolerance: Float, below which a force counts as zero.

        Returns:
            Dictionary from the name of a layer to a dictionary: `"pairs"`,
            the share of examples and neurons that are active, `"neurons"`,
            the share of neurons that are for some example, and
            `"is_support"`, a boolean array of neurons (channels of images).
        """
        return support(self, x, y, tolerance)

    def export_support_network(
        self, x, y=None, drop=None, by="support", seed=None, batch_size=256
    ):
        """Makes a smaller model, without the neurons that are no support.

        The mean activation of what is dropped, over the examples given, is
        folded into the biases of the layers that read it: a multiplier of
        zero says that a neuron gets no signal, not that it contributes
        nothing. No layer is emptied. Neurons of dense layers and channels of
        convolutions are dropped where what reads them is known; layers that
        cannot be pruned stay whole.

        Args:
            x, y: Examples for means and forces, such as those of training; `y`
                is None for the multipliers of persistent states.
            drop: None for all neurons that are no support, a fraction in
                [0, 1), or a dictionary from names of layers to fractions or
                boolean arrays, True for what is dropped.
            by: String, which are dropped of a fraction: `"support"` (the
                smallest root mean square force first), `"magnitude"` (the
                smallest product of the norms of incoming and outgoing
                weights), or `"random"`.
            seed: Integer or None, of `"random"`.
            batch_size: Positive integer, how many examples at a time.

        Returns:
            A smaller `keras.Model` with weights of its own, and a dictionary
            from the name of each layer of unknowns to a dictionary:
            `"units"`, `"kept"`, their numbers, `"is_kept"`, a boolean array,
            and `"whole_because"`, why it could not be pruned, or None.

        Raises:
            TypeError: `x` or `y` are no arrays of examples.
            ValueError: An argument is out of range, or nothing can be pruned.
        """
        return export_support_network(self, x, y, drop, by, seed, batch_size)

    def support_curve(
        self, x, y, data, fractions=(0.0, 0.25, 0.5, 0.75), **arguments
    ):
        """Measures networks from which ever more neurons were dropped.

        By support, by the size of their weights, and at random, with what was
        dropped folded into biases each time.

        Args:
            x, y: As for `export_support_network`.
            data: Pair of inputs and targets to measure on.
            fractions: Sequence of floats in [0, 1).
            **arguments: `metrics` (default `("accuracy",)`) and `num_seeds` of
                random choices.

        Returns:
            An object with `rows` (list of dictionaries), `curve(by)` and
            `plot(target)`.
        """
        return support_curve(self, x, y, data, fractions, **arguments)
