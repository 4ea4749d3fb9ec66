"""Log-determinant of the metric that a generator induces."""

from keras_bp.spectral import _sums
from keras_bp.spectral._tensorflow import check_backend, tf


def log_det_metric(
    model,
    z,
    method="exact",
    ridge=0.0,
    probes=None,
    degree=None,
    seed=None,
    chunk=None,
    return_error=False,
):
    r"""Log-determinant of the metric :math:`M = J^\top J` of a model.

    Half of it is the logarithm of the volume that the model makes of a unit of
    latents. Differentiable by weights and latents.

    - `"exact"`: :math:`J` by :math:`n` forward-mode derivatives, and Cholesky
      of :math:`M` in float64. Up to hundreds of latents nothing is faster.
    - `"lanczos"`: all :math:`n` steps of Lanczos, orthogonalized in full;
      exact too, by another way, which takes longer.
    - `"slq"`: stochastic Lanczos quadrature,
      :math:`E\, v^\top \log(M) v` over random signs :math:`v`, by `degree`
      steps of Lanczos from each of `probes` vectors.
    - `"chebyshev"`: the same with a Chebyshev series of `degree` terms,
      between bounds of the spectrum; its error is that of its probes, and that
      of the series, which needs about the root of the condition number of
      :math:`M` in terms.
    - `"randomized_chebyshev"`: with a series of random length, `degree` on
      average and at most ten times that, weighted so that its end has no bias.

    The gradient of the stochastic ones is :math:`E\, v^\top f'(M)\, dM\, v`,
    unbiased as far as the sum itself is.

    A metric that is singular to working precision has no log-determinant. The
    value is then that of the metric with a ridge of the size of rounding, and
    its error infinite; in eager mode there is a warning as well.

    Args:
        model: Built `keras.Model` or layer, of one input and one output, run
            in inference mode. See `JacobianOperator`.
        z: Float tensor or array `(batch, ...)`, latents of n entries.
        method: String, as above. Defaults to `"exact"`.
        ridge: Float, zero or more, added to all eigenvalues.
            Defaults to `0`.
        probes: Integer, random vectors of a stochastic method; None for 8.
            Defaults to `None`.
        degree: Integer, of a stochastic method; None for 20.
            Defaults to `None`.
        seed: Integer, for the same random numbers at each call; a
            `keras.random.SeedGenerator`; or None for others at each call.
            Defaults to `None`.
        chunk: Integer, how many columns of the Jacobian are computed at a
            time, or None for all. Defaults to `None`.
        return_error: Boolean, whether to return an error as well.
            Defaults to `False`.

    Returns:
        Float tensor `(batch,)`, in the dtype of the outputs, or float32 for
        bfloat16. With `return_error`, a pair of it and its error: a bound of
        that of rounding if exact, else the standard error over probes plus an
        estimate of what too low a degree leaves out. It is infinite for one
        probe, and for `"slq"` of one step.

    Raises:
        TypeError: See `JacobianOperator`, or a number is no integer.
        ValueError: See `JacobianOperator`; there are more latents than outputs
            and no ridge; or an argument is out of range.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import log_det_metric
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.set_weights([np.diag([2.0, 3.0, 0.0])[:2], np.zeros(3)])
    >>> value, error = log_det_metric(
    ...     model, np.ones((1, 2)), return_error=True
    ... )
    >>> bool(abs(value[0] - np.log(36)) <= error[0])
    True

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499; Ubaru, Chen
        and Saad, 2017, https://doi.org/10.1137/16M1104974 (quadrature); Han et
        al., 2017, https://arxiv.org/abs/1606.00942, and 2018,
        https://arxiv.org/abs/1802.06355 (Chebyshev series).
    """
    owner = "log_det_metric"
    check_backend(owner)
    options = _sums.checked(owner, method, ridge, probes, degree, seed, chunk)
    found, error = _sums.spectral_sum(model, z, tf.math.log, options, owner)
    return (found, error) if return_error else found
