"""Rebuilds models and layers around rectifiers with another backward rule."""

import functools

import keras

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers.guided_relu import GuidedReLU
from keras_bp.ops.guided_relu import RULES, guided_relu
from keras_bp.surgery._graph import input_like
from keras_bp.surgery._rectifiers import (
    describe_function,
    rectifier_arguments,
    rectifier_of,
)

_OWNER = "swap_activations"


class Swapper:
    """Replaces rectifiers; what is shared in a model stays shared.

    Three things can stand for a layer: a `GuidedReLU` for a rectifier, a
    rebuilt model for a model, and a view for a layer that holds a rectifier,
    alone or deeper. A view is an object of the layer's class with a copy of
    its attributes, the rectifiers replaced: it reads the same variables, and
    the layer itself is not touched.

    Args:
        rule: String, the backward rule.

    Attributes:
        found: List of strings, one for each replacement.
    """

    def __init__(self, rule):
        self.rule = rule
        self.found = []
        self._swapped = {}
        self._views = set()
        self._wrappers = {}

    def swap(self, operation, scope=()):
        """Returns what stands for `operation`: itself if it has no rectifier.

        Args:
            operation: Layer, model, or other Keras operation.
            scope: Tuple of strings, the names of what it is part of.
        """
        key = id(operation)
        if key not in self._swapped:
            # An object that holds itself ends here.
            self._swapped[key] = operation
            self._swapped[key] = self._substitute(operation, scope)
        return self._swapped[key]

    def rebuild(self, model, path=()):
        """Returns a model on the same layers, or `model` if nothing is new."""
        if isinstance(model, keras.Sequential):
            return self._rebuild_sequential(model, path)
        if isinstance(model, keras.Function):
            return self._rebuild_functional(model, path)
        raise _not_rebuildable(model, path)

    def _rebuild_sequential(self, model, path):
        _check_call(model, keras.Sequential, path)
        if not model.built:
            raise ValueError(
                f"{_OWNER} expects a built model, because the weights are "
                f"shared. Received: {_describe(model, path)}, not built. "
                "Call `model.build(input_shape)` first, or begin it with "
                "`keras.Input`."
            )
        layers = [self._node(layer, path) for layer in model.layers]
        if _same(layers, model.layers):
            return model
        return keras.Sequential(_inputs(model) + layers, name=model.name)

    def _rebuild_functional(self, model, path):
        # The same graph without what `compile` added: `clone_model` would
        # compile the clone, and fail on an unregistered loss.
        graph = keras.Model(model.input, model.output, name=model.name)
        _check_call(model, type(graph), path)
        operations = graph.operations
        if _same([self._node(op, path) for op in operations], operations):
            return model
        return keras.models.clone_model(
            graph,
            input_tensors=keras.tree.map_structure(
                lambda tensor: input_like(tensor, graph), graph.input
            ),
            clone_function=lambda op: self._node(op, path),
        )

    def _node(self, operation, scope):
        """Returns what stands for `operation` in the graph of a model."""
        new = self.swap(operation, scope)
        if id(new) not in self._views:
            return new
        owner = _owner(operation)
        if id(owner) not in self._wrappers:
            self._wrappers[id(owner)] = SwappedLayer(owner, self.rule, view=new)
        return self._wrappers[id(owner)]

    def _substitute(self, operation, scope):
        if isinstance(operation, SwappedLayer):
            return self.swap(operation.layer, scope)
        path = (*scope, operation.name)
        rectifier = rectifier_of(operation)
        if rectifier is not None:
            arguments, description = rectifier
            self._record(path, description)
            return self._guided_relu(operation, arguments)
        if isinstance(operation, keras.Model):
            return self.rebuild(operation, path)
        if isinstance(operation, keras.layers.Layer):
            return self._view(operation, path)
        return operation

    def _guided_relu(self, operation, arguments):
        if isinstance(operation, keras.layers.Layer):
            kwargs = {
                "dtype": operation.dtype_policy,
                "autocast": operation.autocast,
            }
        else:
            # An operation keeps the type of its input, whatever the policy.
            kwargs = {"dtype": operation.output.dtype}
        return GuidedReLU(
            rule=self.rule, name=operation.name, **arguments, **kwargs
        )

    def _view(self, layer, path):
        attributes = {
            # The tracker's list repeats the layers held by attributes.
            name: value
            if name == "_layers"
            else self._substitute_in(value, name, path)
            for name, value in vars(layer).items()
        }
        if _same(attributes.values(), vars(layer).values()):
            return layer
        view = object.__new__(type(layer))
        # Past `__setattr__`, which would track the variables once more.
        vars(view).update(attributes)
        self._views.add(id(view))
        return view

    def _substitute_in(self, value, attribute, path):
        """Returns the attribute's value with its rectifiers replaced."""
        if isinstance(value, keras.layers.Layer):
            return self.swap(value, path)
        if isinstance(value, dict):
            keys, items = list(value.keys()), list(value.values())
        elif isinstance(value, (list, tuple)):
            items = list(value)
        else:
            return self._substitute_function(value, attribute, path)
        new = [self._substitute_in(item, attribute, path) for item in items]
        if _same(new, items):
            return value
        if isinstance(value, dict):
            return dict(zip(keys, new, strict=True))
        if hasattr(value, "_fields"):
            return type(value)(*new)
        return tuple(new) if isinstance(value, tuple) else new

    def _substitute_function(self, function, attribute, path):
        arguments = rectifier_arguments(function)
        if arguments is None:
            return function
        self._record(path, describe_function(attribute, function))
        return functools.partial(guided_relu, rule=self.rule, **arguments)

    def _record(self, path, description):
        self.found.append(f"{'/'.join(path)}: {description}")


@serializable
class SwappedLayer(keras.layers.Layer):
    """A layer run with another backward rule in the rectifiers it holds.

    It stands for `layer` in the graph of a model, under the same name, and
    is called in the same way. The weights are those of `layer`.

    Args:
        layer: Keras layer that holds a rectifier.
        rule: String, the backward rule.
        view: What `Swapper` returned for `layer`. Found anew by default, and
            not part of the config.
    """

    def __init__(self, layer, rule="guided", view=None, **kwargs):
        _checks.check_one_of("rule", rule, RULES, owner=type(self).__name__)
        views = [] if view is None else [view]

        # Held by a closure, where Keras does not see it: tracked, its
        # variables would count, and be saved, twice. Made late, because a
        # layer gets its variables when it is built.
        @functools.wraps(layer.call)
        def call(*args, **kwargs):
            if not views:
                views.append(Swapper(rule).swap(layer))
            return views[0](*args, **kwargs)

        # Before `super().__init__`, which reads the signature.
        self.call = call
        # With a quantized policy Keras would call `quantized_call`.
        quantized = layer.quantization_mode is not None
        dtype = layer.compute_dtype if quantized else layer.dtype_policy
        kwargs = {"name": layer.name, "dtype": dtype, **kwargs}
        # The view casts its inputs by the layer's own policy.
        super().__init__(autocast=False, **kwargs)
        self.layer = layer
        self.rule = rule
        self.supports_masking = layer.supports_masking

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)

    def compute_output_spec(self, *args, **kwargs):
        return self.layer.compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, *args, **kwargs):
        return self.layer.compute_output_shape(*args, **kwargs)

    def compute_mask(self, *args, **kwargs):
        return self.layer.compute_mask(*args, **kwargs)

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "rule": self.rule}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def _owner(layer):
    return layer.layer if isinstance(layer, SwappedLayer) else layer


def _same(new, old):
    return all(a is b for a, b in zip(new, old, strict=True))


def _inputs(model):
    # A stack of layers built on nested inputs has no `inputs`.
    return [input_like(x, model) for x in getattr(model, "inputs", [])]


def _check_call(model, kind, path):
    if type(model).call is not kind.call:
        raise _not_rebuildable(model, path)


def _not_rebuildable(model, path):
    return TypeError(
        f"{_OWNER} expects Sequential and functional models, because it "
        f"rebuilds their graph. Received: {_describe(model, path)}, a "
        "subclassed model, whose `call` is code. Use "
        "`keras_bp.layers.GuidedReLU` in that code."
    )


def _describe(model, path):
    kind = f"{type(model).__module__}.{type(model).__name__}"
    return f"model '{'/'.join(path) or model.name}' of type {kind}"
