"""The graph of a model as steps, read and run by public means of Keras."""

import dataclasses
import functools

import keras


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation applied once.

    Attributes:
        operation: Layer or other Keras operation.
        args: Its positional arguments, with a `KerasTensor` for each tensor.
        kwargs: Its keyword arguments, in the same way.
        outputs: Structure of `KerasTensor`.
    """

    operation: keras.Operation
    args: tuple
    kwargs: dict
    outputs: object

    @property
    def tensors(self):
        """The tensors among its arguments."""
        return tensors_in((self.args, self.kwargs))


@dataclasses.dataclass(frozen=True)
class Graph:
    """What a Sequential or functional model computes.

    Attributes:
        inputs: List of `KerasTensor`.
        outputs: Structure of `KerasTensor`, as the model returns it.
        structure: Structure of the inputs of the model.
        steps: List of `Step`, in an order in which they can be run.
        model: The model.
    """

    inputs: list
    outputs: object
    structure: object
    steps: list
    model: keras.Model

    def steps_to(self, step):
        """The steps that a step needs, and itself, in order."""
        made = {
            id(x): each for each in self.steps for x in tensors_in(each.outputs)
        }
        needed, left = set(), [step]
        while left:
            each = left.pop()
            if id(each) not in needed:
                needed.add(id(each))
                left += [made[id(x)] for x in each.tensors if id(x) in made]
        return [each for each in self.steps if id(each) in needed]

    def step_of(self, name):
        """The step of the operation with a name."""
        return next(s for s in self.steps if s.operation.name == name)

    def new_inputs(self):
        """Symbolic tensors like the inputs of the model."""
        return [input_like(tensor, self.model) for tensor in self.inputs]

    def packed(self, inputs):
        """A list of one tensor per input in the structure of the model's."""
        return keras.tree.pack_sequence_as(self.structure, inputs)


def read(model):
    """Reads the graph of a model, and leaves its layers as they are.

    Args:
        model: Model for which `is_readable` is true.

    Returns:
        `Graph`.
    """
    sequential = isinstance(model, keras.Sequential)
    structure = model.inputs[0] if sequential else model.input
    # The same graph without what `compile` and a subclass added.
    plain = keras.Model(
        structure, model.outputs[0] if sequential else model.output
    )
    steps = []

    def call(recorder, *args, **kwargs):
        outputs = recorder(*args, **kwargs)
        steps.append(Step(recorder.operation, args, kwargs, outputs))
        return outputs

    clone = keras.models.clone_model(
        plain,
        input_tensors=keras.tree.map_structure(
            lambda tensor: input_like(tensor, model), structure
        ),
        clone_function=_Recorder,
        call_function=call,
    )
    return Graph(clone.inputs, clone.output, structure, steps, model)


def values_of(tensors, others):
    """Dictionary, for `run`, from the tensors of a graph to others."""
    return {id(x): y for x, y in zip(tensors, others, strict=True)}


def run(steps, values, part=None, after=None):
    """Runs steps on other tensors than those that were read.

    Args:
        steps: Sequence of `Step`.
        values: Dictionary from the `id` of a tensor that was read to what
            takes its place; it gains the outputs.
        part: Function from an operation to what stands for it, or None.
        after: Function from an operation to a layer through which its output
            goes, or None.
    """
    for step in steps:
        args, kwargs = _placed(values, (step.args, step.kwargs))
        operation = step.operation if part is None else part(step.operation)
        outputs = operation(*args, **kwargs)
        then = after(step.operation) if after is not None else None
        if then is not None:
            outputs = then(outputs)
        for old, new in zip(
            keras.tree.flatten(step.outputs),
            keras.tree.flatten(outputs),
            strict=True,
        ):
            values[id(old)] = new


def outputs_of(graph, values):
    """The outputs of a graph that was run."""
    return _placed(values, graph.outputs)


def tensors_in(structure):
    """The symbolic tensors of a structure, in order."""
    leaves = keras.tree.flatten(structure)
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]


def input_like(tensor, model):
    """A new symbolic input like one of a model."""
    layers = {layer.name: layer for layer in model.layers}
    return keras.Input(
        batch_shape=tensor.shape,
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        name=tensor.name,
        optional=getattr(layers.get(tensor.name), "optional", False),
    )


def is_readable(operation):
    """Whether it is a model whose graph can be read, built, no code."""
    return _is_graph(operation) and _has_inputs(operation)


def _is_graph(operation):
    calls = (keras.Sequential.call, _functional_call())
    return isinstance(operation, keras.Model) and type(operation).call in calls


def _has_inputs(model):
    return bool(model.built and getattr(model, "inputs", None))


def check_readable(model, owner, advice):
    """Raises unless the graph of `model` can be read.

    Args:
        model: What should be a model.
        owner: String, who reads it.
        advice: String, what to do with a subclassed model.
    """
    kind = f"{type(model).__module__}.{type(model).__name__}"
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{owner} expects `model` to be a Sequential or functional "
            f"keras.Model. Received: model={model!r} (of type {kind})"
        )
    if not _is_graph(model):
        raise TypeError(
            f"{owner} expects a Sequential or functional model, because it "
            f"reads the graph. Received: model '{model.name}' of type {kind}, "
            f"a subclassed model, whose `call` is code. {advice}"
        )
    if not _has_inputs(model):
        raise ValueError(
            f"{owner} expects a built model. Received: model '{model.name}' "
            f"of type {kind}, not built. Call `model.build(input_shape)` "
            "first, or begin it with `keras.Input`."
        )


@functools.cache
def _functional_call():
    # The class of functional models has no public name.
    x = keras.Input((1,))
    return type(keras.Model(x, keras.layers.Identity()(x))).call


def _placed(values, structure):
    def place(leaf):
        known = isinstance(leaf, keras.KerasTensor)
        return values[id(leaf)] if known else leaf

    return keras.tree.map_structure(place, structure)


class _Recorder(keras.Operation):
    """Stands for an operation in a graph that is only read."""

    def __init__(self, operation):
        super().__init__()
        self.operation = operation

    def compute_output_spec(self, *args, **kwargs):
        return self.operation.compute_output_spec(*args, **kwargs)
