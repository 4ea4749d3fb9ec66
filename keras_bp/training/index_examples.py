"""Numbers for the examples of a data set."""

from keras_bp.training._lagrangian_tables import INDEX, INPUTS


def index_examples(dataset):
    """Gives each example of a data set its number.

    For `LagrangianModel` with `states="persistent"`, which keeps something of
    each example and must know it again. Number the examples before they are
    shuffled and batched, and repeat whole batches: none may hold an example
    twice. `fit` does so itself for arrays.

    Args:
        dataset: `tf.data.Dataset` of single examples `(x,)`, `(x, y)` or
            `(x, y, sample_weight)`, that gives them in the same order each
            time.

    Returns:
        `tf.data.Dataset` with `{"example_index": i, "inputs": x}` in the place
        of `x`, where i is an int64 scalar.

    Raises:
        TypeError: `dataset` is no `tf.data.Dataset` of tuples.

    Example:

    >>> import tensorflow as tf
    >>> from keras_bp.training import index_examples
    >>> data = tf.data.Dataset.from_tensor_slices(([[5.0], [7.0]], [0, 1]))
    >>> data = index_examples(data).shuffle(2).batch(2)
    >>> sorted(data.element_spec[0])
    ['example_index', 'inputs']
    """
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset) or not isinstance(
        dataset.element_spec, tuple
    ):
        raise TypeError(
            "index_examples expects a tf.data.Dataset of tuples (x,), (x, y) "
            f"or (x, y, sample_weight). Received: dataset={dataset!r}"
        )

    def number(index, example):
        x, *rest = example
        return ({INDEX: index, INPUTS: x}, *rest)

    return dataset.enumerate().map(number)
