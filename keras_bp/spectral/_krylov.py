"""The process of Lanczos, orthogonalized in full."""

from keras_bp.spectral import _draws
from keras_bp.spectral._tensorflow import tf

# Below this part of the largest coefficient a new direction is rounding.
_BREAKDOWN = 1e-12


def lanczos(products, first, steps):
    """Ritz pairs of the metric, from the space of powers times a vector.

    Where the space is exhausted, as by repeated eigenvalues, it goes on from
    another vector; so with as many steps as latents it finds all of them.

    Args:
        products: `Products`.
        first: Float64 tensor `(batch, copies, n)`, of length one.
        steps: Integer, at most n.

    Returns:
        Ritz values `(batch, copies, steps)`, ascending; Ritz vectors
        `(batch, copies, steps, n)`; and their first components, by which
        `first` is their sum, `(batch, copies, steps)`.
    """
    batch, copies, n = products.batch, products.copies, products.n
    first = tf.stop_gradient(first)
    places = tf.range(steps)

    def body(j, q, basis, diagonal, beside):
        here = tf.cast(tf.equal(places, j), tf.float64)
        basis += here[:, None] * q[:, :, None, :]
        w = products(q)
        alpha = tf.reduce_sum(q * w, axis=-1)
        diagonal += alpha[:, :, None] * here
        w = _orthogonal(w, basis)
        beta = tf.norm(w, axis=-1)
        scale = tf.reduce_max(tf.abs(diagonal), axis=-1)
        ends = beta <= _BREAKDOWN * scale
        shape = (batch, copies, n)
        other = _draws.start(shape, tf.stack([j, tf.constant(7)]))
        w = tf.where(ends[:, :, None], _orthogonal(other, basis), w)
        # Of a full basis nothing is orthogonal.
        length = tf.maximum(tf.norm(w, axis=-1, keepdims=True), 1e-300)
        beside += tf.where(ends, tf.zeros_like(beta), beta)[:, :, None] * here
        return j + 1, w / length, basis, diagonal, beside

    zeros = tf.zeros((batch, copies, steps), tf.float64)
    basis = tf.zeros((batch, copies, steps, n), tf.float64)
    known = [
        tf.TensorShape([]),
        *(
            tf.TensorShape((None, copies, *rest))
            for rest in ((n,), (steps, n), (steps,), (steps,))
        ),
    ]
    first = tf.reshape(first, (batch, copies, n))
    _, _, basis, diagonal, beside = tf.while_loop(
        lambda j, *_: j < steps,
        body,
        (tf.constant(0), first, basis, zeros, zeros),
        shape_invariants=tuple(known),
        maximum_iterations=steps,
    )
    return _ritz(basis, diagonal, beside)


def _orthogonal(w, basis):
    # Once is not enough in finite precision, and twice is.
    for _ in range(2):
        along = tf.linalg.matvec(basis, w)
        w -= tf.linalg.matvec(basis, along, transpose_a=True)
    return w


def _ritz(basis, diagonal, beside):
    tridiagonal = tf.linalg.diag(diagonal)
    if diagonal.shape[-1] > 1:
        beside = beside[..., :-1]
        tridiagonal += tf.linalg.diag(beside, k=1)
        tridiagonal += tf.linalg.diag(beside, k=-1)
    values, mixed = tf.linalg.eigh(tridiagonal)
    vectors = tf.matmul(mixed, basis, transpose_a=True)
    found = values, vectors, mixed[..., 0, :]
    return tuple(tf.stop_gradient(x) for x in found)
