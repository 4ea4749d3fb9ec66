"""Many directions through one model: columns of Jacobians."""

from keras_bp.spectral._evaluation import required
from keras_bp.spectral._tensorflow import tf


def pushed(evaluation, z, directions, chunk=None):
    """Derivatives of the outputs along directions, by forward mode.

    In a graph the model is linearized once, and its derivative taken for all
    directions (`tf.vectorized_map`). In eager mode, where that would trace a
    graph at each call, the latents are repeated.

    Args:
        evaluation: `Evaluation`.
        z: Float tensor `(batch, ...)`.
        directions: Float tensor `(count, batch, n)`, a constant to gradients;
            `count` and `n` are known.
        chunk: Integer, how many directions go at a time, or None for all.

    Returns:
        Float tensor `(count, batch, m)`.
    """
    directions = tf.stop_gradient(directions)
    count = directions.shape[0]
    if chunk is None or chunk >= count:
        return _all(evaluation, z, directions)
    return _in_chunks(evaluation, z, directions, chunk)


def _all(evaluation, z, directions):
    if tf.executing_eagerly():
        return _repeated(evaluation, z, directions)

    def one(direction):
        _, found = evaluation.jvp(z, tf.reshape(direction, tf.shape(z)))
        return _flat(required(found, evaluation.owner))

    if directions.shape[0] == 1:
        return one(directions[0])[None]
    return tf.vectorized_map(one, directions)


def _repeated(evaluation, z, directions):
    count, batch = directions.shape[:2]
    many = tf.tile(z, [count] + [1] * (z.shape.rank - 1))
    along = tf.reshape(directions, tf.shape(many))
    _, found = evaluation.jvp(many, along)
    found = _flat(required(found, evaluation.owner))
    return tf.reshape(found, (count, batch, found.shape[-1]))


def _flat(x):
    size = 1
    for length in x.shape[1:]:
        size *= length
    return tf.reshape(x, (tf.shape(x)[0], size))


def _in_chunks(evaluation, z, directions, chunk):
    """The same with the memory of `chunk` directions, in gradients too."""
    count = directions.shape[0]
    blocks = -(-count // chunk)
    padding = [[0, blocks * chunk - count], [0, 0], [0, 0]]
    shape = (blocks, chunk, tf.shape(z)[0], directions.shape[-1])
    directions = tf.reshape(tf.pad(directions, padding), shape)

    @tf.custom_gradient
    def run(z):
        # Blocks do not share a graph: nothing is kept between the passes.
        found = tf.map_fn(lambda block: _all(evaluation, z, block), directions)

        def gradient(upstream, variables=()):
            return _summed(evaluation, z, directions, upstream, variables)

        return found, gradient

    found = run(z)
    size = found.shape[-1]
    return tf.reshape(found, (blocks * chunk, tf.shape(z)[0], size))[:count]


def _summed(evaluation, z, directions, upstream, variables):
    """Gradients by latents and variables, block after block."""
    sources = [z, *variables]

    def one(index):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            found = _all(evaluation, z, directions[index])
        return tape.gradient(
            found,
            sources,
            output_gradients=upstream[index],
            unconnected_gradients="none",
        )

    def add(index, *sums):
        found = [
            s if g is None else s + tf.convert_to_tensor(g)
            for s, g in zip(sums, one(index), strict=True)
        ]
        return index + 1, *found

    zeros = [tf.zeros(tf.shape(x), x.dtype) for x in sources]
    _, dz, *rest = tf.while_loop(
        lambda index, *_: index < directions.shape[0],
        add,
        [tf.constant(0), *zeros],
        shape_invariants=[
            tf.TensorShape([]),
            *(tf.TensorShape(x.shape) for x in sources),
        ],
    )
    return dz, list(rest)
