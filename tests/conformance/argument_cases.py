"""Each public function and class, with arguments that it takes.

The hostile ones of `argument_values.py` come in the place of one or two.
"""

import dataclasses
import functools
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Case:
    """How to try an object.

    Attributes:
        arguments: Function that makes a dictionary of arguments.
        data: Tuple of the names of those that are tensors or arrays. Any of
            their entries may be NaN, and the backend may refuse them in its
            own words.
        then: Function of what was returned, which uses it; it returns what
            has to be finite.
        call: Function to call in place of the object itself.
        free: Tuple of the names of options of any value, such as names.
        infinite: Boolean, whether infinity is a right answer.
        accepts: Tuple of further classes of errors that it documents.
        keep: Tuple of the names of arguments that Keras alone reads.
        unchecked: Tuple of the names of data with a range that is promised
            by the caller, such as probabilities; beyond it anything goes.
        slow: Boolean, whether it is tried a few times only.
    """

    arguments: Callable = dict
    data: tuple = ()
    then: Callable = lambda found: found
    call: Callable | None = None
    free: tuple = ()
    infinite: bool = False
    accepts: tuple = ()
    keep: tuple = ()
    unchecked: tuple = ()
    slow: bool = False


CASES = {}
# Rooms of models, which are made, traced or trained in each call.
_SLOW = (
    "keras_bp.optics.link_dataset",
    "keras_bp.optics.simulate",
    "keras_bp.spectral.ascend_likelihood",
    "keras_bp.spectral.traverse",
    "keras_bp.stochastic.",
    "keras_bp.training.",
    "keras_bp.visualization.",
)


def add(path, arguments=dict, **facts):
    if path in CASES:
        raise ValueError(f"{path} has a case already")
    slow = path.startswith(_SLOW)
    CASES[path] = Case(arguments, slow=slow, **facts)


cached = functools.lru_cache(maxsize=None)

_RETURNED = "it holds what a function found, and is made by that alone"
_ERROR = "an error has a message, which is any"
_RULE = "a rule of an estimator gets what a model has checked"
_NETLIST = "it takes netlists, libraries or waves that tools have made"
_TOOLS = "it runs programs that may be missing; its own checks are tested"

# Objects without a case, and why.
EXEMPT = {
    **dict.fromkeys(
        (
            "keras_bp.callbacks.SpectrumReport",
            "keras_bp.metrics.PRDC",
            "keras_bp.metrics.PreactivationHistogram",
            "keras_bp.ops.BinaryEstimator",
            "keras_bp.ops.BinaryForward",
            "keras_bp.ops.NodeEstimate",
            "keras_bp.ops.NodeEstimator",
            "keras_bp.ops.NodeProblem",
            "keras_bp.spectral.Ascent",
            "keras_bp.spectral.TopSingular",
            "keras_bp.spectral.Traversal",
            "keras_bp.stochastic.CheckReport",
            "keras_bp.stochastic.DiceTerms",
            "keras_bp.stochastic.Explanation",
            "keras_bp.stochastic.VarianceReport",
            "keras_bp.surgery.ReceptiveField",
            "keras_bp.training.Slot",
            "keras_bp.training.Step",
            "keras_bp.training.Surrogate",
            "keras_bp.visualization.AttributionReport",
            "keras_bp.visualization.metrics.AdversarialStability",
            "tflite_export.ExportResult",
            "tflite_export.cost.Energy",
            "tflite_export.cost.Operations",
            "tflite_export.cost.Report",
            "tflite_export.cost.StageOperations",
            "tflite_export.cost.StepReport",
            "tflite_export.verilog.Design",
        ),
        _RETURNED,
    ),
    "keras_bp.visualization.RectifierNotCovered": _ERROR,
    "tflite_export.tools.MissingToolError": _ERROR,
    "keras_bp.training.local_rules": "it takes no argument",
    "tflite_export.cost.default_liberty": "it takes no argument",
    **{
        f"keras_bp.ops.estimators.{name}": _RULE
        for name in (
            "arm",
            "binary_rules",
            "disarm",
            "enumerate_states",
            "gumbel",
            "implicit_reparameterized",
            "lax",
            "muprop",
            "rebar",
            "reinmax",
            "relax",
            "reparameterized",
            "rloo",
            "score",
            "sigmoid_adjusted",
            "st_gumbel",
            "straight_through",
            "vimco",
        )
    },
    **{
        f"tflite_export.cost.{name}": _NETLIST
        for name in (
            "Liberty",
            "Netlist",
            "Waves",
            "common_clock",
            "energy",
            "simulate",
            "timing",
            "verilog_cells",
        )
    },
    **dict.fromkeys(
        (
            "tflite_export.c.measure_cortex_m4",
            "tflite_export.c.run",
            "tflite_export.c.run_many",
            "tflite_export.cost.report",
            "tflite_export.verilog.run",
        ),
        _TOOLS,
    ),
    "tflite_export.litert.to_float_flatbuffer": "it runs TensorFlow's "
    "converter, for a second each time",
}
