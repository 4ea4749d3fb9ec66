"""Attribution maps times the inputs."""

from keras_bp.visualization._companions import as_attributor, single


def gradient_times_input(
    model, x, target="max", rule="saliency", batch_size=32, seed=None, **options
):
    """Attribution maps, multiplied by the inputs.

    For a network of rectifiers without biases, and the rule `"saliency"`, the
    entries of a map add up to the output.

    Args:
        model: `keras.Model`, or an `Attributor`, which then has the rule.
        x: Array of inputs `(examples, ...)`.
        target: As for `Attributor`.
        rule: String, of `Attributor`. Defaults to `"saliency"`.
        batch_size: Positive integer. Defaults to `32`.
        seed: Integer or None, of the target `"random"`.
        **options: Those of `Attributor`.

    Returns:
        Array of the shape of `x`.

    Raises:
        TypeError, ValueError: As `Attributor`.

    Reference:
        Shrikumar et al., 2016, https://arxiv.org/abs/1605.01713.
    """
    x = single(x, "gradient_times_input")
    attributor = as_attributor(model, rule, options)
    return x * attributor(x, target, batch_size, seed)
