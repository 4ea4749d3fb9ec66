"""The process of Lanczos, orthogonalized in full."""

from typing import NamedTuple

from keras_bp.spectral import _draws
from keras_bp.spectral._tensorflow import tf

# Below this part of the largest coefficient a new direction is rounding.
_BREAKDOWN = 1e-12


class Process(NamedTuple):
    """What `lanczos` has made.

    Args:
        basis: Float64 tensor `(batch, copies, steps, n)`, orthonormal.
        diagonal: Float64 tensor `(batch, copies, steps)`.
        beside: Float64 tensor `(batch, copies, steps)`, of which the last is
            what the next step would have.
    """

    basis: object
    diagonal: object
    beside: object


def lanczos(products, first, steps):
    """The metric in the space of powers times a vector, as three diagonals.

    Where the space is exhausted, as by repeated eigenvalues, it goes on from
    another vector; so with as many steps as latents it finds all of them.

    Args:
        products: `Products`.
        first: Float64 tensor `(batch, copies, n)`, of length one.
        steps: Integer, at most n.

    Returns:
        `Process`, constant to gradients.
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
    return Process(*map(tf.stop_gradient, (basis, diagonal, beside)))


def _orthogonal(w, basis):
    # Once is not enough in finite precision, and twice is.
    for _ in range(2):
        along = tf.linalg.matvec(basis, w)
        w -= tf.linalg.matvec(basis, along, transpose_a=True)
    return w


def ritz(process):
    """Ritz values and vectors of a process.

    Returns:
        Ritz values `(batch, copies, steps)`, ascending; Ritz vectors
        `(batch, copies, steps, n)`; and their first components, by which
        the first vector is their sum, `(batch, copies, steps)`.
    """
    values, mixed = _system(process, process.diagonal.shape[-1])
    vectors = tf.matmul(mixed, process.basis, transpose_a=True)
    return values, tf.stop_gradient(vectors), mixed[..., 0, :]


def quadrature(process, steps=None):
    """Nodes and weights of Gauss quadrature, after the first steps or all."""
    values, mixed = _system(process, steps or process.diagonal.shape[-1])
    return values, tf.square(mixed[..., 0, :])


def _system(process, steps):
    diagonal = process.diagonal[..., :steps]
    tridiagonal = tf.linalg.diag(diagonal)
    if steps > 1:
        beside = process.beside[..., : steps - 1]
        tridiagonal += tf.linalg.diag(beside, k=1)
        tridiagonal += tf.linalg.diag(beside, k=-1)
    return tuple(map(tf.stop_gradient, tf.linalg.eigh(tridiagonal)))


def band(products, block, steps):
    """Ritz pairs in the space of powers times several vectors.

    Of an eigenvalue that is repeated, one vector has a single direction in
    all of its powers, and its residual is zero all the same. Of k vectors
    there are k.

    Args:
        products: `Products`, of one copy.
        block: Float64 tensor `(batch, k, n)`, orthonormal.
        steps: Integer, k or more and at most n.

    Returns:
        Ritz values `(batch, steps)`, ascending, and Ritz vectors
        `(batch, steps, n)`.
    """
    batch, width, n = products.batch, block.shape[1], products.n
    rest = tf.zeros((batch, steps - width, n), tf.float64)
    basis = tf.concat([tf.stop_gradient(block), rest], axis=1)

    def body(j, basis, images):
        q = tf.gather(basis, j, axis=1)
        image = products(q[:, None])[:, 0]
        images += (
            tf.one_hot(j, steps, dtype=tf.float64)[:, None] * image[:, None]
        )
        new = _orthogonal(image, basis)
        scale = tf.reduce_max(tf.norm(images, axis=-1), axis=-1)
        ends = tf.norm(new, axis=-1) <= _BREAKDOWN * scale
        other = _draws.start((batch, n), tf.stack([j, tf.constant(11)]))
        new = tf.where(ends[:, None], _orthogonal(other, basis), new)
        new /= tf.maximum(tf.norm(new, axis=-1, keepdims=True), 1e-300)
        # Beyond the last one there is no place.
        place = tf.one_hot(j + width, steps, dtype=tf.float64)
        return j + 1, basis + place[:, None] * new[:, None], images

    shape = tf.TensorShape((None, steps, n))
    _, basis, images = tf.while_loop(
        lambda j, *_: j < steps,
        body,
        (tf.constant(0), basis, tf.zeros_like(basis)),
        shape_invariants=(tf.TensorShape([]), shape, shape),
        maximum_iterations=steps,
    )
    return rotated(basis, images)


def rotated(rows, images):
    """Ritz pairs of orthonormal rows and their products, ascending."""
    inner = tf.matmul(rows, images, transpose_b=True)
    inner = 0.5 * (inner + tf.linalg.matrix_transpose(inner))
    values, mixed = tf.linalg.eigh(inner)
    return values, tf.matmul(mixed, rows, transpose_a=True)
