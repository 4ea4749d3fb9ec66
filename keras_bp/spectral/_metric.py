"""The metric of latents, and its log-determinant and eigenvalues."""

from keras_bp.spectral._tensorflow import tf

# Columns whose length overflowed in the square of the number would be lost.
_TINY = 1e-280
# How many times its rounding an eigenvalue has to be to be told from zero.
_LOST = 10.0


def metric_of(columns):
    """Columns of Jacobians `(batch, n, m)` to metrics, in float64.

    The squares of singular values take twice the digits of a Jacobian; its
    gradient does not, and is computed in the dtype of the columns.
    """

    @tf.custom_gradient
    def run(columns):
        def gradient(upstream):
            both = upstream + tf.linalg.matrix_transpose(upstream)
            dtype = narrow(columns.dtype)
            found = tf.matmul(tf.cast(both, dtype), tf.cast(columns, dtype))
            return tf.cast(found, columns.dtype)

        wide = tf.cast(columns, tf.float64)
        return tf.matmul(wide, wide, transpose_b=True), gradient

    return run(columns)


def noise(n, dtype):
    """What rounding adds to the metric of unit columns, as a float."""
    return n * max(_epsilon(dtype) ** 2, _epsilon(tf.float64))


def _epsilon(dtype):
    return {"bfloat16": 2.0**-8, "float32": 2.0**-23}.get(
        tf.as_dtype(dtype).name, 2.0**-52
    )


def log_det(columns, ridge, dtype):
    """Log-determinants of metrics, and bounds of their errors.

    Args:
        columns: Float tensor `(batch, n, m)`.
        ridge: Float, added to the diagonal.
        dtype: The coarsest in which they were computed.

    Returns:
        Two float64 tensors `(batch,)`; the second, first-order in the rounding
        of the Jacobian, is infinite where the metric is singular to working
        precision.
    """
    metric = metric_of(columns)
    n = metric.shape[-1]
    metric += ridge * tf.eye(n, dtype=tf.float64)
    floor = noise(n, dtype)
    found, factor = _factored(metric, floor)
    return found, _bound(factor, floor, dtype)


def _factored(metric, floor):
    """Log-determinants, and the factor of Cholesky that they are from."""

    @tf.custom_gradient
    def run(metric):
        # Scaled to a diagonal of ones, so that the scales of latents do not
        # matter, but for latents that do nothing. The floor keeps a singular
        # metric from giving NaN.
        diagonal = tf.linalg.diag_part(metric)
        diagonal = tf.where(diagonal > _TINY, diagonal, 1.0)
        scale = tf.math.rsqrt(diagonal)
        eye = tf.eye(tf.shape(metric)[-1], dtype=tf.float64)
        both = scale[:, :, None] * scale[:, None, :]
        factor = tf.linalg.cholesky(metric * both + floor * eye)
        logs = tf.math.log(tf.linalg.diag_part(factor)) - tf.math.log(scale)

        def gradient(upstream, _):
            # Cheaper than that of Cholesky.
            identity = tf.broadcast_to(eye, tf.shape(factor))
            inverse = tf.linalg.cholesky_solve(factor, identity)
            return upstream[:, None, None] * inverse * both

        return (2.0 * tf.reduce_sum(logs, axis=-1), factor), gradient

    return run(metric)


def _bound(factor, floor, dtype):
    factor = tf.stop_gradient(factor)
    n = factor.shape[-1]
    eye = tf.broadcast_to(tf.eye(n, dtype=tf.float64), tf.shape(factor))
    inverse = tf.linalg.triangular_solve(factor, eye)
    squares = tf.reduce_sum(tf.square(inverse), axis=-2)
    rounding = 8.0 * _epsilon(dtype)
    trace = tf.reduce_sum(squares, axis=-1)
    bound = rounding * tf.reduce_sum(tf.sqrt(squares), axis=-1) + floor * trace
    # The smallest eigenvalue is at least one over the trace of the inverse.
    lost = trace * floor * _LOST > 1.0
    return tf.where(lost, tf.constant(float("inf"), tf.float64), bound)


def eigenvalues(columns, ridge=0.0):
    """Eigenvalues of metrics, `(batch, n)` in float64, ascending."""
    metric = metric_of(columns)
    n = metric.shape[-1]
    metric += ridge * tf.eye(n, dtype=tf.float64)
    # Rounding can make those of a singular metric negative.
    return tf.maximum(tf.linalg.eigvalsh(metric), 0.0)


def sum_of(function, columns, ridge, dtype):
    """Sums of a function of eigenvalues, and bounds of their errors."""
    values = eigenvalues(columns, ridge)
    found = tf.reduce_sum(function(values), axis=-1)
    return found, rounding_of(function, values, dtype)


def sum_or_log_det(function, columns, ridge, dtype):
    """`log_det` of the logarithm, which is more exact, else `sum_of`."""
    if function is tf.math.log:
        return log_det(columns, ridge, dtype)
    return sum_of(function, columns, ridge, dtype)


def floored(values, dtype):
    """Eigenvalues, at least as large as their rounding makes them."""
    largest = tf.reduce_max(values, axis=-1, keepdims=True)
    least = _epsilon(dtype) ** 2 * tf.stop_gradient(largest)
    return tf.maximum(values, tf.maximum(least, _TINY))


def marked(error, function, values, dtype):
    """Errors, infinite where a logarithm is one of rounding."""
    if function is not tf.math.log:
        return error
    axes = tuple(range(1, values.shape.rank))
    least = tf.reduce_min(values, axis=axes)
    largest = tf.reduce_max(values, axis=axes)
    lost = least < _LOST * noise(values.shape[-1], dtype) * largest
    return tf.where(lost, float("inf") * tf.ones_like(error), error)


def rounding_of(function, values, dtype):
    """What rounding may have done to a sum over eigenvalues, first-order."""
    values = tf.stop_gradient(values)
    largest = tf.reduce_max(values, axis=-1, keepdims=True)
    rounding = 4.0 * _epsilon(dtype)
    shift = rounding * tf.sqrt(largest * values) + rounding**2 * largest
    moved = function(values + shift) - function(values)
    return tf.reduce_sum(tf.abs(moved), axis=-1)


def noise_of_products(function, values, dtype):
    """What rounding of products with metrics does to a function, entrywise.

    That of a product is a part of the largest eigenvalue, where that of a
    Jacobian is a part of its root.
    """
    largest = tf.reduce_max(values, axis=-1, keepdims=True)
    moved = function(values + 2.0 * _epsilon(dtype) * largest)
    return tf.abs(moved - function(values))


def narrow(dtype):
    """The dtype of what is made of a Jacobian."""
    return tf.float64 if dtype == tf.float64 else tf.float32
