"""The largest eigenpairs of a metric, without the metric.

Each solver returns Ritz values `(batch, k)`, descending, and orthonormal
vectors `(batch, k, n)`, in float64.
"""

from keras_bp.spectral import _draws, _krylov
from keras_bp.spectral._products import Products
from keras_bp.spectral._tensorflow import tf

# Iterations where none are given.
_ITERATIONS = {"lobpcg": 20, "subspace": 40}


def by_lanczos(operator, k, iterations, seed):
    """Lanczos from k vectors: most accurate for the products it takes."""
    n = operator.shape[1]
    steps = min(n, max(k, iterations or 10 * k + 12))
    products = Products(operator, 1)
    block = _orthonormal(_draws.start((products.batch, k, n), seed))
    return _largest(*_krylov.band(products, block, steps), k)


def by_subspace(operator, k, iterations, seed):
    """Powers of the metric on a block somewhat larger than k."""
    n = operator.shape[1]
    width = min(n, 2 * k + 4)
    products = Products(operator, width)

    def body(i, block):
        return i + 1, _orthonormal(products(block))

    block = _orthonormal(_draws.start((products.batch, width, n), seed))
    block = _looped(body, block, iterations or _ITERATIONS["subspace"])
    return _largest(*_krylov.rotated(block, products(block)), k)


def by_lobpcg(operator, k, iterations, seed):
    """Block conjugate gradients: on vectors, residuals, and last steps."""
    n = operator.shape[1]
    if 3 * k > n:
        raise ValueError(
            "top_singular expects `k` to be a third of the number of latents "
            f"or less for 'lobpcg'. Received: k={k} and {n} latents; use "
            "'lanczos'"
        )
    block_products, products = Products(operator, k), Products(operator, 3 * k)
    block = _orthonormal(_draws.start((products.batch, k, n), seed))

    def body(i, both):
        block, last = both[:, :k], both[:, k:]
        image = block_products(block)
        values = tf.reduce_sum(block * image, axis=-1, keepdims=True)
        residual = image - values * block
        # In this order, what is new depends on what is kept.
        space = _orthonormal(tf.concat([block, residual, last], axis=1))
        _, vectors = _largest(*_krylov.rotated(space, products(space)), k)
        step = vectors - tf.matmul(
            tf.matmul(vectors, block, transpose_b=True), block
        )
        return i + 1, tf.concat([vectors, step], axis=1)

    last = _draws.start((products.batch, k, n), seed + 1)
    both = tf.concat([block, last], axis=1)
    both = _looped(body, both, iterations or _ITERATIONS["lobpcg"])
    block = both[:, :k]
    return _largest(*_krylov.rotated(block, block_products(block)), k)


def _looped(body, block, iterations):
    shapes = tf.TensorShape([]), tf.TensorShape((None, *block.shape[1:]))
    _, block = tf.while_loop(
        lambda i, _: i < iterations,
        body,
        (tf.constant(0), block),
        shape_invariants=shapes,
        maximum_iterations=iterations,
    )
    return block


def _orthonormal(rows):
    # At length one, so that small residuals count.
    lengths = tf.norm(rows, axis=-1, keepdims=True)
    rows = rows / tf.maximum(lengths, 1e-300)
    found, _ = tf.linalg.qr(tf.linalg.matrix_transpose(rows))
    return tf.linalg.matrix_transpose(found)


def _largest(values, vectors, k):
    values = tf.reverse(values[:, -k:], axis=[1])
    vectors = tf.reverse(vectors[:, -k:], axis=[1])
    return values, tf.stop_gradient(vectors)


METHODS = {
    "lanczos": by_lanczos,
    "lobpcg": by_lobpcg,
    "subspace": by_subspace,
}
