"""What `BinaryGAN` is given, checked and made whole."""

import numbers

import keras

from keras_bp._backend import check_tensorflow
from keras_bp.spectral._parts import parts_of
from keras_bp.training._gan_layers import InertBatchNormalization
from keras_bp.training.critic_schedule import CriticSchedule
from keras_bp.training.stochastic_graph import StochasticGraph

# What Keras takes and a GAN does not, and why. All but the first would have no
# effect.
NOT_OF_COMPILE = {
    "optimizer": "takes `generator_optimizer` and `discriminator_optimizer`",
    "loss": "has the losses of its `objective`",
    "loss_weights": "has the losses of its `objective`",
    "metrics": "has no targets for metrics, and logs its losses",
    "weighted_metrics": "has no targets for metrics, and logs its losses",
}

# What keeps values, and what makes probabilities of logits.
_KEEPING = (
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Dropout,
)
_PROBABILITIES = ("sigmoid", "hard_sigmoid", "hardsigmoid", "softmax")


def check_compile(arguments, owner):
    """Raises if `compile` is given what it would not use."""
    for name, why in NOT_OF_COMPILE.items():
        if arguments.get(name) is not None:
            raise ValueError(
                f"{owner} {why}. Received: {name}={arguments[name]!r}"
            )


def check_networks(generator, discriminator, owner):
    """Raises unless two models can be trained against each other."""
    for name, network in (
        ("generator", generator),
        ("discriminator", discriminator),
    ):
        if not isinstance(network, keras.Model):
            raise TypeError(
                f"{owner} expects `{name}` to be a keras.Model. "
                f"Received: {name}={network!r}"
            )
        _check_ends(name, network, owner)
    made, judged = generator.output_shape, discriminator.input_shape
    if not _fit(made, judged):
        raise ValueError(
            f"{owner} expects a `discriminator` of what the `generator` makes, "
            f"{made}. Received: a discriminator of {judged}"
        )
    logits = discriminator.output_shape
    if len(logits) != 2 or logits[-1] != 1:
        raise ValueError(
            f"{owner} expects a `discriminator` that returns logits of shape "
            f"(batch, 1). Received: {logits}"
        )
    last = _end_of(discriminator)
    end = getattr(last, "activation", None) or type(last)
    kind = getattr(end, "__name__", type(end).__name__).lower()
    if kind in _PROBABILITIES:
        raise ValueError(
            f"{owner} expects a `discriminator` that returns logits: leave out "
            f"the {kind}. Received: one that ends in {last.name!r}"
        )


def _end_of(model):
    """The last operation of a model that changes values."""
    operations = [step.operation for step in StochasticGraph(model).steps]
    for operation in reversed(operations):
        activation = getattr(operation, "activation", None)
        is_linear = activation is keras.activations.linear
        if isinstance(operation, _KEEPING) or (
            is_linear and not operation.weights
        ):
            continue
        return operation
    return model


def check_penalized(discriminator, owner):
    """Raises unless the penalty of "wgan-gp" is right for a model.

    TensorFlow holds the mean constant in the variance (`tf.nn.moments`), by
    which second derivatives are wrong, and a penalty for each example supposes
    that examples are judged one by one.
    """
    found = [
        layer.name
        for layer in parts_of(discriminator)
        if isinstance(layer, keras.layers.BatchNormalization)
        and not isinstance(layer, InertBatchNormalization)
        and layer.trainable
    ]
    if found:
        raise ValueError(
            f"{owner} expects, with objective='wgan-gp', a `discriminator` "
            "that judges each example alone: use layer normalization, or "
            "another objective. Received: a discriminator with batch "
            f"normalization, {found}"
        )


def check_judge(discriminator, owner):
    """Raises if a model adds losses that would have to weigh nodes."""
    found = [
        layer.name
        for layer in parts_of(discriminator)
        if getattr(layer, "activity_regularizer", None) is not None
    ]
    if found:
        raise ValueError(
            f"{owner} expects a `discriminator` without regularizers of "
            "activities where the generator has cost estimators, whose cost it "
            f"is. Received: {found} with one"
        )


def _check_ends(name, network, owner):
    """Raises unless a model has one input and one output, of known shapes."""
    inputs, outputs = (getattr(network, x, None) for x in ("inputs", "outputs"))
    if not inputs or not outputs:
        raise ValueError(
            f"{owner} expects `{name}` to be a functional or Sequential model "
            "that is built: begin it with keras.Input. "
            f"Received: {name}={network.name!r}, which is not"
        )
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            f"{owner} expects `{name}` to have one input and one output. "
            f"Received: {len(inputs)} and {len(outputs)}"
        )
    for end in ("input", "output"):
        # A Sequential model has none, and its layers pass tensors.
        structure = getattr(network, end, None)
        if isinstance(structure, dict):
            raise ValueError(
                f"{owner} expects the {end} of `{name}` to be a tensor. "
                f"Received: a dictionary of {sorted(structure)}"
            )
    shape = tuple(inputs[0].shape)
    if name == "generator" and None in shape[1:]:
        raise ValueError(
            f"{owner} expects a `generator` of latents of a known shape. "
            f"Received: {shape}"
        )


def _fit(made, judged):
    return len(made) == len(judged) and all(
        None in pair or pair[0] == pair[1]
        for pair in zip(made, judged, strict=True)
    )


def schedule_of(given, owner):
    """A `CriticSchedule` from what was given as `critic_schedule`."""
    if given is None:
        return CriticSchedule()
    if isinstance(given, CriticSchedule):
        return given
    if isinstance(given, numbers.Integral) and not isinstance(given, bool):
        return CriticSchedule(int(given), int(given), 0, 0)
    raise TypeError(
        f"{owner} expects `critic_schedule` to be a CriticSchedule, an "
        f"integer or None. Received: critic_schedule={given!r}"
    )


def two_optimizers(given, objective, owner):
    """List of two optimizers, from what Keras takes for them, or None."""
    found = [
        keras.optimizers.get(x or paper_optimizer(objective)) for x in given
    ]
    if getattr(
        getattr(found[1], "inner_optimizer", found[1]), "use_ema", False
    ):
        raise ValueError(
            f"{owner} expects a `discriminator_optimizer` without `use_ema`, "
            "whose averages `fit` writes to the weights of the generator "
            "alone. Received: use_ema=True"
        )
    if found[0] is found[1]:
        raise ValueError(
            f"{owner} expects `discriminator_optimizer` to be an optimizer of "
            "its own. Received: that of the generator"
        )
    return found


def paper_optimizer(objective):
    """The optimizer that Dong and Yang take for an objective."""
    if objective == "wgan":
        return keras.optimizers.RMSprop(1e-4, rho=0.9, epsilon=1e-8)
    return keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9, epsilon=1e-8)


def samples_alone(data, expected, owner):
    """The samples of a batch, without targets and of an expected shape."""
    check_tensorflow(owner, "to train, for its tape")
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if y is not None or sample_weight is not None:
        raise ValueError(
            f"{owner} expects samples alone: fit(x). Received: targets or "
            "sample weights beside them"
        )
    shape = getattr(x, "shape", None)
    # A data set may not know the rank.
    if shape is not None and getattr(shape, "rank", 0) is None:
        return x
    # Another rank would be broadcast between samples, without a word.
    if shape is None or not _fit(shape, expected):
        received = type(x).__name__ if shape is None else tuple(shape)
        raise ValueError(
            f"{owner} expects samples of the shape {expected} that the "
            f"`discriminator` takes. Received: {received}"
        )
    return x
