"""The phase that a block of symbols has in common."""

from keras import ops

from keras_bp.ops._wide import wide_dtype


def noise_and_signal(y_true, y_pred, *, owner):
    """Energies of what is left after the best common phase, and of `y_true`.

    The phase is that of the block and polarization; at the best one its own
    derivative drops out of the gradient.

    Args:
        y_true: Float tensor of shape `(batch, symbols, 2 * n)`, I and Q in
            turns.
        y_pred: Float tensor of that shape.
        owner: String, who asks, for the message.

    Returns:
        Two tensors of shape `(batch, n)`, float64 where `y_pred` is, else
        float32.

    Raises:
        ValueError: The shapes differ, or hold no I/Q pairs.
    """
    y_true = ops.convert_to_tensor(y_true)
    y_pred = ops.convert_to_tensor(y_pred)
    _check_shapes(tuple(y_true.shape), tuple(y_pred.shape), owner)
    dtype = wide_dtype(y_pred)
    i, q, i_hat, q_hat = (
        ops.cast(x[..., part::2], dtype)
        for x in (y_true, y_pred)
        for part in (0, 1)
    )
    real = ops.sum(i_hat * i + q_hat * q, axis=1, keepdims=True)
    imag = ops.sum(q_hat * i - i_hat * q, axis=1, keepdims=True)
    length = ops.sqrt(ops.square(real) + ops.square(imag))
    known = length > 0
    length = ops.where(known, length, ops.ones_like(length))
    cosine = ops.where(known, real / length, ops.ones_like(real))
    cosine = ops.stop_gradient(cosine)
    sine = ops.stop_gradient(imag / length)
    # Not the difference of energies, which cancels in float32.
    noise = ops.square(i_hat * cosine + q_hat * sine - i) + ops.square(
        q_hat * cosine - i_hat * sine - q
    )
    signal = ops.square(i) + ops.square(q)
    return ops.sum(noise, axis=1), ops.sum(signal, axis=1)


def _check_shapes(sent, received, owner):
    # A graph may leave sizes open; those are None.
    alike = len(sent) == len(received) == 3 and all(
        None in pair or pair[0] == pair[1]
        for pair in zip(sent, received, strict=True)
    )
    if not alike or received[-1] is None or received[-1] % 2:
        raise ValueError(
            f"{owner} expects two tensors of one shape (batch, symbols, "
            "channels), with an even number of channels, I and Q in turns. "
            f"Received: shapes {sent} and {received}"
        )
