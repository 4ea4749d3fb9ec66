"""Attribution maps of one model by one backward rule, traced once."""

import keras
import numpy as np

from keras_bp import _checks
from keras_bp._backend import check_tensorflow
from keras_bp.visualization import _targets
from keras_bp.visualization._graphs import (
    as_inputs_of,
    check_graphs,
    gradients,
    is_float,
)
from keras_bp.visualization._inspection import (
    AttributionReport,
    before_squashing,
    inspect,
)
from keras_bp.visualization._outputs import seen_output
from keras_bp.visualization._rules import POOLS, RULES, overrides


class Attributor:
    r"""Gradients of outputs with respect to inputs, by a rule for rectifiers.

    For many maps of one model: it is traced once, which `attribute` does with
    each call. The model is called as it is, and stays as it is; changes of its
    weights are seen, those of its layers are not.

    At a rectifier :math:`y` with the gate :math:`g = dy/dx`, for the gradient
    :math:`R` that comes in, what goes on is

    - `"saliency"`: :math:`g R`, the gradient;
    - `"guided"`: :math:`g \max(R, 0)`;
    - `"deconvnet"`: :math:`\max(R, 0)`, without a gate;
    - `"negative_guided"`: :math:`g \min(R, 0)`, what speaks against;
    - `"rectgrad"`: :math:`g R` where :math:`y R` is above its percentile among
      the units of the layer, of each example.

    The rule reaches ReLU, ReLU6, leaky ReLU, bounded rectifiers and
    `maximum(x, 0)` wherever they are called: as `activation` or as layers, by
    `keras.ops` or `tf.nn`, in nested, shared and custom layers and subclassed
    models. What it cannot reach, or is not defined for, is an error that names
    it: ELU, SELU, softplus, swish, GELU, PReLU, thresholds, and a
    `tf.function` or a loop inside the model. `keras_bp.layers.GuidedReLU`
    keeps a rule of its own. With TensorFlow only.

    Args:
        model: `keras.Model`, called with `training=False`.
        rule: String, as above. Defaults to `"saliency"`.
        output: What is attributed. None for the output of the model; the name
            or the number of one of several outputs; the name of a layer, or a
            layer, of the model or of a model in it, for what it returns.
        logits: Boolean, whether a final softmax or sigmoid of the model is
            left out. Defaults to `True`.
        pool: String. `"switch"`: the gradient of max-pooling goes to the
            largest entry, as in DeconvNet. `"average"`: it is spread evenly
            over the window, but for that of global pooling.
            Defaults to `"switch"`.
        percentile: Float in [0, 100), of `"rectgrad"`. Defaults to `98`.
        unknown: String, what becomes of nonlinear operations without a rule.
            `"raise"`, or `"keep"` for their own gradient.
            Defaults to `"raise"`.
        jit_compile: Boolean, whether XLA compiles the map.
            Defaults to `False`.

    Attributes:
        report: `AttributionReport` of the last call: what was covered, kept,
            and stripped. None before.

    Raises:
        TypeError: `model` is no Keras model, or a target is of no known kind.
        RuntimeError: It is called in a graph, or functions run eagerly.
        ValueError: An argument is unknown, the output is not found, inputs
            have no path to it, or (as `RectifierNotCovered`) the rule does not
            apply to all of the model.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.visualization import Attributor
    >>> model = keras.Sequential([
    ...     keras.Input((2,)), keras.layers.Dense(3, activation="relu"),
    ...     keras.layers.Dense(2, activation="softmax"),
    ... ])
    >>> guided = Attributor(model, "guided")
    >>> guided(np.ones((5, 2), "float32"), target="max").shape
    (5, 2)
    >>> len(guided.report.covered)
    1

    Reference:
        Simonyan et al., 2013, https://arxiv.org/abs/1312.6034 (saliency);
        Zeiler and Fergus, 2014, https://arxiv.org/abs/1311.2901 (DeconvNet);
        Springenberg et al., 2015, https://arxiv.org/abs/1412.6806 (guided);
        Kim et al., 2019, https://arxiv.org/abs/1902.04893 (RectGrad).
    """

    def __init__(
        self,
        model,
        rule="saliency",
        output=None,
        logits=True,
        pool="switch",
        percentile=98.0,
        unknown="raise",
        jit_compile=False,
    ):
        owner = type(self).__name__
        check_tensorflow(owner, "whose graphs it reads")
        _checks.check_one_of("rule", rule, RULES, owner=owner)
        _checks.check_one_of("pool", pool, POOLS, owner=owner)
        _checks.check_one_of("unknown", unknown, ("raise", "keep"), owner=owner)
        _checks.check_number("percentile", percentile, owner=owner)
        _checks.check_rate("percentile / 100", percentile / 100, owner=owner)
        if not isinstance(model, keras.Model):
            raise TypeError(
                f"{owner} expects a keras.Model. Received: model={model!r}"
            )
        self.model, self.rule, self.output = model, rule, output
        self.logits, self.pool = bool(logits), pool
        self.percentile, self.unknown = float(percentile), unknown
        self.jit_compile = bool(jit_compile)
        self.report = None
        self._seen, self._is_layer = seen_output(model, output, owner)
        self._traced = {}

    def __call__(self, x, target="max", batch_size=32, seed=None):
        """Attribution maps.

        Args:
            x: Inputs of the model: an array, or a structure of arrays.
            target: What is attributed of the output. An integer, or one for
                each example: an entry of the last axis, summed over positions
                if there are any (as of segmentation). A tuple: one entry, with
                an index for each axis. `"max"`: the largest of the last axis.
                `"random"`: a class of each example at random. A function from
                outputs to a number for each example. None: the sum.
                Defaults to `"max"`.
            batch_size: Positive integer, examples at a time.
            seed: Integer or None, of `"random"`.

        Returns:
            Array of the shape of `x`, or a structure of them, None for inputs
            that are not real.
        """
        return self._called(x, target, batch_size, seed, False)[0]

    def maps_and_outputs(self, x, target="max", batch_size=32, seed=None):
        """Attribution maps, and what was attributed.

        Args:
            x, target, batch_size, seed: As for a call.

        Returns:
            What a call returns, and the array of outputs, `(batch, ...)`, of
            which a final softmax is left out if it is for the maps.
        """
        return self._called(x, target, batch_size, seed, True)

    def _called(self, x, target, batch_size, seed, with_outputs):
        """Maps, and outputs or None.

        What only outputs need is left out without them. For `"deconvnet"`, of
        a class, that is the model above its last pooling: half of a ResNet.
        """
        owner = type(self).__name__
        _targets.check_target(target, owner)
        _checks.check_integer("batch_size", batch_size, minimum=1, owner=owner)
        arrays = as_inputs_of(self.model, x, owner)
        leaves = keras.tree.flatten(arrays)
        check_graphs(leaves, owner)
        lengths = {tuple(leaf.shape)[:1] for leaf in leaves}
        if len(lengths) != 1 or lengths & {(), (0,)}:
            raise ValueError(
                f"{owner} expects inputs with one number of examples, at least "
                f"one. Received: shapes {[tuple(a.shape) for a in leaves]}"
            )
        ((examples,),) = lengths
        most = min(examples, batch_size)
        _, shape = self._trace(arrays, target, with_outputs, most)
        index = _targets.indices(target, shape, examples, seed, owner)
        found = []
        for begin in range(0, examples, batch_size):
            part = slice(begin, begin + batch_size)
            given = [leaf[part] for leaf in leaves]
            count = len(given[0])
            traced, _ = self._trace(arrays, target, with_outputs, count)
            if index is not None:
                given.append(index[part].astype("int32"))
            found.append([np.asarray(g) for g in traced(*given)])
        left = map(np.concatenate, zip(*found, strict=True))
        outputs = next(left) if with_outputs else None
        maps = keras.tree.map_structure(
            lambda leaf: next(left) if is_float(leaf) else None, arrays
        )
        return maps, outputs

    def _trace(self, arrays, target, with_outputs, count):
        """The function for inputs of this kind, and the shape of outputs."""
        leaves = keras.tree.flatten(arrays)
        kind = _targets.kind_of(target)
        forms = tuple((tuple(a.shape[1:]), a.dtype) for a in leaves)
        # What is needed for its shape alone would be computed for it, too.
        fixed = self.rule == "deconvnet" and not with_outputs
        count = count if fixed else None
        key = kind, forms, with_outputs, count
        if key not in self._traced:
            if callable(kind):
                # Else a function that is written in the call stays for good.
                self._traced = {
                    k: v
                    for k, v in self._traced.items()
                    if k[0] is kind or not callable(k[0])
                }
            self._traced[key] = self._traced_anew(
                arrays, kind, with_outputs, count
            )
        traced, shape, self.report = self._traced[key]
        return traced, shape

    def _traced_anew(self, arrays, kind, with_outputs, count):
        """The function, the shape of outputs, and the report."""
        import tensorflow as tf

        # Variables must not be made in a graph.
        self._seen(keras.tree.map_structure(lambda a: a[:1], arrays))
        signature = [
            tf.TensorSpec((count, *a.shape[1:]), a.dtype)
            for a in keras.tree.flatten(arrays)
        ]
        if kind in ("class", "entry"):
            rank = 1 + (kind == "entry")
            signature.append(tf.TensorSpec((count, None)[:rank], "int32"))
        known = {}

        def maps(*given):
            found = self._maps(arrays, kind, given, known)
            return found if with_outputs else found[1:]

        traced = tf.function(
            maps,
            input_signature=signature,
            autograph=False,
            jit_compile=self.jit_compile,
        )
        traced.get_concrete_function()
        return traced, known["shape"], known["report"]

    def _maps(self, arrays, kind, given, known):
        """Outputs and gradients, in the graph that is being traced."""
        count = len(keras.tree.flatten(arrays))
        inputs = keras.tree.pack_sequence_as(arrays, list(given[:count]))
        graph = given[0].graph
        before = len(graph.get_operations())
        names = overrides(self.rule, self.pool, self.percentile)
        # TensorFlow takes the name of a private class inside a scope only.
        private = self.model.name.startswith("_")
        scope = graph.name_scope("model" if private else None)
        with graph.gradient_override_map(names), scope:
            outputs, stripped = self._seen(inputs), None
            if len(keras.tree.flatten(outputs)) != 1:
                raise ValueError(
                    f"{type(self).__name__} expects `output` to name one of "
                    "several outputs. Received: a model or layer with "
                    f"{len(keras.tree.flatten(outputs))} of them and "
                    f"output={self.output!r}"
                )
            (outputs,) = keras.tree.flatten(outputs)
            if self.logits and not self._is_layer:
                outputs, stripped = before_squashing(outputs)
        operations = graph.get_operations()[before:]
        known["shape"] = tuple(outputs.shape)
        score = _targets.scores(outputs, kind, *given[count:] or (None,))
        wanted = [x for x in given[:count] if is_float(x)]
        found, followed = gradients(score, wanted)
        if any(g is None for g in found):
            raise ValueError(
                f"{type(self).__name__} expects real inputs with a path to "
                "what is attributed. Received: inputs of "
                f"{[x.dtype.name for x in given[:count]]}, of which "
                f"{[g is not None for g in found]} of the real ones have one"
            )
        covered, kept = inspect(
            operations, outputs, self.rule, self.unknown, followed
        )
        known["report"] = AttributionReport(covered, kept, stripped)
        return [outputs, *found]
