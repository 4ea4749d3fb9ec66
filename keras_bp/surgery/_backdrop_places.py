"""The places in a model at which a gradient mask could stand."""

import collections
import difflib
import itertools

import keras

from keras_bp.layers.backdrop_mask import BackdropMask
from keras_bp.surgery import _graph

# How many layers a message names.
_MOST = 10


class Places:
    """Where a mask could stand: the operations of a model and those in it.

    Args:
        model: Sequential or functional model with inputs.
        owner: String, who inserts masks, for messages.

    Attributes:
        steps: Dictionary from a path to the list of the `Step`s there.
    """

    def __init__(self, model, owner):
        self.owner = owner
        self.steps = {}
        self._names = collections.defaultdict(set)
        self._made = {}
        self._add(model, "")

    def _add(self, model, scope):
        for step in _graph.read(model).steps:
            operation = step.operation
            self._made.update(
                (id(x), step) for x in _graph.tensors_in(step.outputs)
            )
            path = f"{scope}{operation.name}"
            seen = path in self.steps
            self.steps.setdefault(path, []).append(step)
            self._names[scope].add(operation.name)
            if _graph.is_readable(operation) and not seen:
                self._add(operation, f"{path}/")

    def check(self, path):
        """Raises unless one mask can stand at `path`."""
        if path not in self.steps:
            raise ValueError(
                f"{self.owner} expects names of layers of the model. "
                f"Received: {path!r}. {self._near(path)}"
            )
        for part in _parts(path):
            self._check_once(part, path)
        outputs = keras.tree.flatten(self.steps[path][0].outputs)
        dtypes = [str(tensor.dtype) for tensor in outputs]
        if len(outputs) != 1 or "float" not in dtypes[0]:
            raise ValueError(
                f"{self.owner} expects a layer that returns one float tensor. "
                f"Received: {path!r}, which returns {len(outputs)} of the "
                f"types {dtypes}"
            )

    def _near(self, path):
        """What the model has, or of many layers those of like names."""
        if len(self.steps) <= _MOST:
            return f"The model has: {list(self.steps)}"
        near = difflib.get_close_matches(str(path), self.steps, _MOST, 0.0)
        return f"The model has {len(self.steps)}, such as: {near}"

    def _check_once(self, part, path):
        if len(self.steps[part]) > 1:
            raise ValueError(
                f"{self.owner} expects a layer that the model applies once. "
                f"Received: {path!r}, where {part!r} is applied "
                f"{len(self.steps[part])} times, so that it is open after "
                "which of them a mask should stand. Once each is: "
                f"{[p for p in self.steps if self._is_once(p)]}"
            )

    def _is_once(self, path):
        return all(len(self.steps[part]) == 1 for part in _parts(path))

    def mask(self, path, arguments):
        """The mask that stands at `path`."""
        scope, _, layer = path.rpartition("/")
        arguments = {"name": f"{layer}_backdrop", **arguments}
        taken = self._names[f"{scope}/" if scope else ""]
        if arguments["name"] in taken:
            raise ValueError(
                f"{self.owner} expects a name for the mask after {path!r} "
                f"that no layer beside it has. Received: "
                f"{arguments['name']!r}. Give another `name` among its "
                "arguments."
            )
        step = self.steps[path][0]
        output = keras.tree.flatten(step.outputs)[0]
        # The type of what it masks, whatever the policy, and its axes.
        own = {
            "dtype": _dtype(step.operation, output),
            "data_format": self._data_format(step),
        }
        try:
            return BackdropMask(**{**own, **arguments})
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"{self.owner}: the mask after {path!r}: {error}"
            ) from error

    def _data_format(self, step):
        """That of the nearest layer at or below it which has one, or None."""
        left = [step]
        while left:
            step = left.pop(0)
            found = getattr(step.operation, "data_format", None)
            if found is not None:
                return found
            left += [
                self._made[id(x)] for x in step.tensors if id(x) in self._made
            ]
        return None


def _parts(path):
    """`a`, `a/b` and `a/b/c` of the path `a/b/c`."""
    return itertools.accumulate(path.split("/"), "{}/{}".format)


def _dtype(operation, output):
    same = getattr(operation, "compute_dtype", None) == output.dtype
    if same and operation.quantization_mode is None:
        return operation.dtype_policy
    return output.dtype
