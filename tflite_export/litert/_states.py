"""The state of a stream, as inputs and outputs of a model."""

from tflite_export.litert._numbers import Whole


class States:
    """What a model of a stream carries from block to block.

    Args:
        net: `Arithmetic`.
    """

    streaming = True

    def __init__(self, net):
        self._net = net
        self.inputs = []
        self.outputs = []

    def extend(self, x, length, form):
        """Puts the last samples of the block before ahead of a signal.

        Args:
            x: `Whole`, its last axis the time.
            length: Integer, how many samples.
            form: `keras_bp.ops.FixedPoint` of the samples.

        Returns:
            `Whole`, longer by `length`.
        """
        if length == 0:
            return x
        net, index = self._net, len(self.inputs)
        shape = net.shape(x)
        past = net.graph.tensor(f"state_{index}_in", (*shape[:-1], length))
        self.inputs.append(past)
        past = Whole(past, form.minimum_integer, form.maximum_integer)
        axis = len(shape) - 1
        x = net.join([past, x], axis)
        kept = net.slice(x, axis, shape[-1], length).tensor
        net.graph.rename(kept, f"state_{index}_out")
        self.outputs.append(kept)
        return x


class NoStates:
    """Stands for the state of a model of whole signals."""

    streaming = False
    inputs = ()
    outputs = ()
