"""Digital backpropagation in the frequency domain."""

from keras import ops

from keras_bp import _checks
from keras_bp._backend import check_tensorflow
from keras_bp._registration import serializable
from keras_bp.optics._split_step_parts import check_steps
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.equalizer import Equalizer
from keras_bp.optics.split_step import RULES, SPLITS, split_step


@serializable
class FrequencyDomainDBP(Equalizer):
    r"""Undoes the link by the split-step Fourier method, backwards.

    Every step is a Fourier transform pair at the receiver's rate: the
    reference for digital backpropagation with ideal filters.

    Args:
        link: `FiberLink`.
        steps_per_span: Positive integer. Defaults to `1`.
        rule: String, `"constant"` or `"logarithmic"`, see `split_step`.
            Defaults to `"constant"`.
        split: String, `"symmetric"` or `"asymmetric"` (dispersion first, on
            the way back). Defaults to `"symmetric"`.

    Call arguments:
        x: Float tensor, received samples, see `Equalizer`.
        training: Boolean, without effect.

    Input shape:
        `(batch, samples, 2 * link.polarizations)`.

    Output shape:
        `(batch, samples / link.samples_per_symbol, 2 * link.polarizations)`.

    Raises:
        TypeError: `link` is no `FiberLink`, or `steps_per_span` no integer.
        ValueError: A number or name is out of range, or the input has
            another shape.

    Example:

    >>> import numpy as np
    >>> from keras_bp.optics import FiberLink, FrequencyDomainDBP
    >>> model = FrequencyDomainDBP(FiberLink(num_spans=2))
    >>> model(np.zeros((1, 64, 2))).shape
    TensorShape([1, 32, 2])

    Reference:
        Ip and Kahn, 2008, "Compensation of Dispersion and Nonlinear
        Impairments Using Digital Backpropagation".
    """

    def __init__(
        self,
        link,
        steps_per_span=1,
        rule="constant",
        split="symmetric",
        **kwargs,
    ):
        super().__init__(link, **kwargs)
        owner = type(self).__name__
        check_tensorflow(owner, "for its Fourier transforms")
        check_steps("steps_per_span", steps_per_span, owner)
        _checks.check_one_of("rule", rule, RULES, owner=owner)
        _checks.check_one_of("split", split, SPLITS, owner=owner)
        self.steps_per_span = int(steps_per_span)
        self.rule = rule
        self.split = split

    def compensate(self, x, training=False):
        link = self.link
        unit = link.reference_power**0.5
        u = ops.transpose(x * unit, (0, 2, 1))
        u = tf.complex(u[:, 0::2], u[:, 1::2])

        def span(index, u):
            # The amplifier, then the fiber before it.
            u = split_step(
                u * 10 ** (-link.span_gain / 20),
                link,
                self.steps_per_span,
                sample_rate=link.symbol_rate * link.samples_per_symbol,
                rule=self.rule,
                split=self.split,
                inverse=True,
            )
            return index + 1, u

        _, u = tf.while_loop(
            lambda index, _: index < link.num_spans,
            span,
            (0, u),
            maximum_iterations=link.num_spans,
        )
        pairs = tf.stack([tf.math.real(u), tf.math.imag(u)], axis=-1)
        pairs = ops.transpose(pairs / unit, (0, 2, 1, 3))
        return ops.reshape(pairs, (-1, x.shape[1], x.shape[2]))

    def get_config(self):
        return {
            **super().get_config(),
            "steps_per_span": self.steps_per_span,
            "rule": self.rule,
            "split": self.split,
        }
