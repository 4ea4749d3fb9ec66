"""A model on the same weights, with gradient masks after chosen layers."""

import collections.abc
import itertools
import math
import warnings

import keras

from keras_bp.surgery import _graph
from keras_bp.surgery._backdrop_places import Places
from keras_bp.surgery._compact_model import compact_model
from keras_bp.surgery.receptive_field import receptive_field

_OWNER = "insert_backdrop"
_ADVICE = "Use `keras_bp.layers.BackdropMask` in that code."


def insert_backdrop(model, backdrops, compact=False):
    r"""Returns a model with a gradient mask after each of some layers.

    The new model is of the same kind, Sequential or functional, and has the
    very variables of `model`: training or loading weights in the one shows in
    the other. Its outputs are equal bit for bit; in training the gradient of
    each layer below a mask comes from the cells that survive, see
    `keras_bp.layers.BackdropMask`. `model` itself stays as it was.

    A mask is a layer named `"{layer}_backdrop"`, in the model in which the
    layer is. For a mask with granularity `"spatial"`, a warning tells where
    the patches of neighboring cells overlap, or cannot be told, see
    `keras_bp.surgery.receptive_field`.

    With `compact=True` the backward pass is cut down to the survivors. A mask
    alone cannot do that: zeros are multiplied like other numbers. What lies
    below the mask, the trunk, becomes one layer, whose attribute `trunk` is
    a model. In training it runs forward for the whole batch without keeping
    anything, and a second time, forward and backward, for the survivors. The
    number of survivors is fixed, :math:`K = \max(1, [(1 - r) N])` (the
    nearest integer) of :math:`N` samples, so that all shapes are; that keeps
    the gradient unbiased. It is that of a mask with the same survivors, up to
    rounding. As a forward pass is about a third of a step, a step in which
    the trunk takes all time becomes :math:`1 / (1/3 + K/N)` times as fast,
    2.3 times at a rate of 0.9; less where much of it is the first layer, of
    whose inputs no gradient is taken.

    The new model is not compiled, and a model class with a train step of its
    own comes back as a plain one. It can be saved as `.keras`; import
    `keras_bp.surgery` before it is loaded. Insert once and keep the result:
    Keras remembers each model that a layer is part of.

    Args:
        model: Sequential or functional `keras.Model`, built.
        backdrops: Dictionary from the name of a layer, or of another
            operation of the graph, to a dictionary with the arguments of its
            `BackdropMask`. A layer in a model that is a layer itself is
            `"block/conv"`. A layer inside of any other layer, such as
            `TimeDistributed`, has no place in a graph after which a mask
            could stand.
        compact: Boolean. If true, `backdrops` has one layer of `model`
            itself, with the arguments `rate`, `seed`, `name`, and the
            granularity `"sample"`. No tensor below that layer may be used
            above it, except the inputs of the model. Defaults to `False`.

    Returns:
        `keras.Model` with an attribute `inserted_backdrops`: tuple of
        strings, one per mask in graph order, such as
        `"block/conv: BackdropMask(rate=0.5)"`. The attribute is not saved.

    Raises:
        TypeError: `model` is no Keras model or a subclassed one, whose graph
            is code; or `backdrops` is no dictionary of dictionaries.
        ValueError: `model` is not built; `backdrops` is empty or has a name
            that is not in the model, or that is there several times; what
            such a layer returns is not one float tensor; or the name of a
            mask is taken. With `compact`: the arguments are others than
            those; the layer does not cut the graph in two; or the trunk
            draws noise, changes a state as batch normalization in training
            does, or adds a loss.

    Example:

    >>> import keras
    >>> from keras_bp.surgery import insert_backdrop
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 1)),
    ...     keras.layers.Conv2D(4, 2, strides=2, name="conv"),
    ...     keras.layers.Flatten(),
    ...     keras.layers.Dense(1),
    ... ])
    >>> masked = insert_backdrop(
    ...     model, {"conv": {"rate": 0.5, "granularity": "spatial"}}
    ... )
    >>> masked.inserted_backdrops
    ("conv: BackdropMask(rate=0.5, granularity='spatial')",)
    >>> masked.get_layer("conv") is model.get_layer("conv")
    True

    Reference:
        Golkar and Cranmer, 2018, https://arxiv.org/abs/1806.01337.
    """
    _graph.check_readable(model, _OWNER, _ADVICE)
    _check_backdrops(backdrops)
    places = Places(model, _OWNER)
    for path in backdrops:
        places.check(path)
    if compact:
        inserted = compact_model(model, backdrops, _OWNER)
    else:
        inserted = _rebuilt(model, backdrops, places)
        _warn_of_overlap(model, backdrops)
    kind = "CompactBackdrop" if compact else "BackdropMask"
    inserted.inserted_backdrops = tuple(
        f"{path}: {kind}({_format(backdrops[path])})"
        for path in places.steps
        if path in backdrops
    )
    return inserted


def _rebuilt(model, backdrops, places, scope=""):
    """`model` with the masks whose paths begin with `scope`."""

    def part(operation):
        path = f"{scope}{operation.name}"
        if any(key.startswith(f"{path}/") for key in backdrops):
            return _rebuilt(operation, backdrops, places, f"{path}/")
        return operation

    def mask_after(operation):
        path = f"{scope}{operation.name}"
        if path not in backdrops:
            return None
        return places.mask(path, backdrops[path])

    if isinstance(model, keras.Sequential):
        layers = [_graph.input_like(x, model) for x in model.inputs]
        for layer in model.layers:
            mask = mask_after(layer)
            layers += [part(layer)] + ([] if mask is None else [mask])
        return keras.Sequential(layers, name=model.name)
    graph = _graph.read(model)
    inputs = graph.new_inputs()
    values = _graph.values_of(graph.inputs, inputs)
    _graph.run(graph.steps, values, part, mask_after)
    return keras.Model(
        graph.packed(inputs), _graph.outputs_of(graph, values), name=model.name
    )


def _check_backdrops(backdrops):
    if not isinstance(backdrops, collections.abc.Mapping):
        raise TypeError(
            f"{_OWNER} expects `backdrops` to be a dictionary from the name "
            f"of a layer to the arguments of its mask. Received: {backdrops!r}"
        )
    if not backdrops:
        raise ValueError(
            f"{_OWNER} expects `backdrops` to name at least one layer, as in "
            "{'conv': {'rate': 0.5}}. Received: an empty dictionary"
        )
    for path, arguments in backdrops.items():
        if not isinstance(arguments, collections.abc.Mapping):
            raise TypeError(
                f"{_OWNER} expects the arguments of a BackdropMask as a "
                f"dictionary, as in {{'rate': 0.5}}. Received: {arguments!r} "
                f"for {path!r}"
            )


def _warn_of_overlap(model, backdrops):
    """Warns, once for all layers, where neighbors see the same positions."""
    told = []
    for path, arguments in backdrops.items():
        if arguments.get("granularity") != "spatial":
            continue
        try:
            field = receptive_field(model, path)
        except ValueError as error:
            told.append(
                f"After {path!r}, what a cell sees is not known, and may be "
                f"everything: {error}"
            )
            continue
        size = arguments.get("block_size", 1)
        field = field.block(size)
        if arguments.get("mask_axes") is None and any(field.overlap):
            cell = "cell" if size == 1 else "block of cells"
            rate = float(arguments["rate"])
            told.append(_overlap_text(path, cell, field, rate))
    if told:
        warnings.warn(
            f"{_OWNER}: where patches of neighboring cells overlap, weights "
            "below still see part of what a mask leaves out. "
            f"{' '.join(told)} Use strides as large as the kernels, masks in "
            "larger blocks (`block_size`), or such a rate.",
            stacklevel=3,
        )


def _overlap_text(path, cell, field, rate):
    sizes, strides = ("x".join(map(str, v)) for v in (field.size, field.stride))
    seen = _times_seen(field)
    out = _left_out(seen, rate)
    low, high = rate, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _left_out(seen, middle) < rate else (low, middle)
        )
    return (
        f"After {path!r}, a {cell} sees {sizes} positions of the input, and "
        f"the next is {strides} on: a position is seen by up to {max(seen)} of "
        f"them, so that the rate {rate:g} leaves out {out:.1%} of "
        f"the positions, and {high:.4g} would leave out {rate:.1%}."
    )


def _times_seen(field):
    """How many cells see a position, for each place in a stride."""
    axes = [
        [len(range(place, size, stride)) for place in range(stride)]
        for size, stride in zip(field.size, field.stride, strict=True)
    ]
    # Positions that no cell sees are left out by no mask.
    return [n for n in map(math.prod, itertools.product(*axes)) if n]


def _left_out(seen, rate):
    return sum(rate**n for n in seen) / len(seen)


def _format(arguments):
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
