"""`fit` and `evaluate` on several workers."""

import keras

from keras_bp._backend import check_tensorflow


def distributed(model):
    """Makes `fit` and `evaluate` of a model work on several workers.

    Under `tf.distribute.MultiWorkerMirroredStrategy` those of Keras fail, as
    of version 3.15 (https://github.com/keras-team/keras/issues/20585): `fit`
    builds the model from values that belong to one replica each, as if they
    were tensors, and reduces the logs of a step over their first axis, which
    scalars do not have. Here the batch of the first local replica builds the
    model, and logs are vectors of one entry until they are reduced. Under
    every other strategy, such as `MirroredStrategy`, and without one, nothing
    is changed. Nor is `predict`, which works.

    Data are best given as a `tf.data.Dataset` in batches of all workers
    together. Metrics are those of all examples; each log is the mean over
    workers, as Keras has it for replicas.

    With `keras.callbacks.BackupAndRestore` workers that were killed go on
    from the last epoch: all save, and all start from the files of the first
    worker (docs/scaling.md shows how).

    Args:
        model: `keras.Model`, made in the scope of the strategy. It may be
            compiled before or after.

    Returns:
        `model`, of which `train_step`, `test_step` and what builds it are
        replaced in place. A file holds none of that: after loading, call it
        again.

    Raises:
        TypeError: `model` is no `keras.Model`.
        RuntimeError: Keras computes on another backend.

    Example:

    >>> import keras
    >>> from keras_bp.training import distributed
    >>> # With `strategy = tf.distribute.MultiWorkerMirroredStrategy()`, in
    >>> # each process of the cluster that TF_CONFIG names:
    >>> # with strategy.scope():
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> distributed(model) is model
    True
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`distributed` expects `model` to be a keras.Model. "
            f"Received: model={model!r}"
        )
    check_tensorflow("`distributed`", "whose strategies it serves")
    import tensorflow as tf

    strategy = model.distribute_strategy
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    if several and not hasattr(model, "_steps_of_one_worker"):
        model._steps_of_one_worker = (model.train_step, model.test_step)
        model.train_step = _with_rank(model.train_step)
        model.test_step = _with_rank(model.test_step)
        model._maybe_symbolic_build = _build_of(model, strategy)
    return model


def _with_rank(step):
    """A step whose logs have an axis."""

    def ranked(data):
        return {
            name: keras.ops.reshape(value, (1,))
            for name, value in step(data).items()
        }

    return ranked


def _build_of(model, strategy):
    """In place of `keras.Model._maybe_symbolic_build`."""

    def first(value):
        return strategy.experimental_local_results(value)[0]

    def build(iterator=None, data_batch=None):
        if iterator is not None:
            for _, _, batches in iterator:
                data_batch = keras.tree.map_structure(first, next(batches))
                break
        with strategy.scope():
            model._symbolic_build(data_batch=data_batch)

    return build
