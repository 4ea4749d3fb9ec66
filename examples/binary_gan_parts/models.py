"""The models of runs."""

import keras

from examples.binary_gan_parts.config import VARIANTS, is_local
from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.surgery import change_output
from keras_bp.training import BinaryGAN, binary_gan_networks


def make(run, shape):
    """The untrained, compiled `BinaryGAN` of a `Run`."""
    variant = VARIANTS[run.variant]
    local = is_local(variant)
    generator, discriminator = binary_gan_networks(
        run.preset,
        run.neuron if local else "real",
        shape,
        variant.estimator if local else "sigmoid_adjusted",
        variant.batch_norm,
        variant.discriminator_batch_norm if run.objective == "gan" else None,
        seed=run.seed,
    )
    if not local:
        node = StochasticNode(
            "bernoulli",
            estimator=variant.estimator,
            samples=2 if variant.estimator == "rloo" else 1,
            seed=run.seed,
        )
        generator = _steeper(generator, variant.slope, node)
    elif run.neuron == "real" and variant.slope != 1.0:
        sigmoid = keras.layers.Activation("sigmoid")
        generator = _steeper(generator, variant.slope, sigmoid)
    for layer in generator.layers:
        if isinstance(layer, BinaryNeuron):
            layer.slope.assign(variant.slope)
    gan = BinaryGAN(
        generator,
        discriminator,
        run.objective,
        fresh_latents=variant.fresh_latents,
        seed=run.seed,
    )
    gan.compile()
    return gan


def _steeper(generator, slope, end):
    """A generator with another end, which has no slope of its own."""
    logits = change_output(generator, "logit")
    steeper = keras.layers.Rescaling(slope)(logits.outputs[0])
    return keras.Model(logits.inputs[0], end(steeper))
