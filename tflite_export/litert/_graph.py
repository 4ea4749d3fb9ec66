"""The operators and tensors of a LiteRT model, as its schema has them."""

import dataclasses

import numpy as np

from tflite_export.litert._packages import import_writers

# Of each operator: its table of options, and the versions that first took
# int16 and int8. All of them took int32 from version 1 on.
_OPERATORS = {
    "ADD": ("AddOptions", 3, 2),
    "CONCATENATION": ("ConcatenationOptions", 3, 2),
    "CONV_2D": ("Conv2DOptions", 4, 3),
    "FLOOR_MOD": ("FloorModOptions", None, None),
    "GATHER": ("GatherOptions", 4, 2),
    "MAXIMUM": ("MaximumMinimumOptions", 4, 2),
    "MINIMUM": ("MaximumMinimumOptions", 4, 2),
    "MUL": ("MulOptions", 4, 2),
    "RESHAPE": ("ReshapeOptions", 1, 1),
    "RIGHT_SHIFT": ("RightShiftOptions", None, None),
    "SLICE": ("SliceOptions", 4, 2),
    "STRIDED_SLICE": ("StridedSliceOptions", None, None),
    "SUB": ("SubOptions", 5, 2),
    "SUM": ("ReducerOptions", None, None),
    "TRANSPOSE": ("TransposeOptions", None, None),
}

_SCHEMA_VERSION = 3


@dataclasses.dataclass(frozen=True)
class Steps:
    """What the integers q of a tensor stand for: step * (q - zero).

    Args:
        steps: Tuple of floats: one, or one for each index of the first axis.
        zero: Integer. Defaults to `0`.
    """

    steps: tuple
    zero: int = 0


class Graph:
    """Collects tensors and operators, named by their index.

    Args:
        dtype: String, of the signals: `"int8"`, `"int16"` or `"int32"`.

    Raises:
        ImportError: The extra `export` is not installed.
    """

    def __init__(self, dtype):
        self.dtype = dtype
        self._schema, self._flatbuffers = import_writers()
        # By custom, buffer 0 is the one of tensors without data.
        self._buffers = [self._schema.BufferT(data=[])]
        self._tensors = []
        self._operators = []
        self._codes = []
        self.inputs = []
        self.outputs = []

    @property
    def num_operators(self):
        """How many operators were added."""
        return len(self._operators)

    def tensor(self, name, shape, scale=None, dtype=None, buffer=0):
        """Adds a tensor, and returns its index.

        Args:
            name: String.
            shape: Sequence of integers.
            scale: `Steps`, an integer for a step of 2 to this power, or None.
            dtype: String, or None for that of the signals.
            buffer: Integer, index of its data. Defaults to `0`, none.
        """
        schema = self._schema
        quantization = None
        if scale is not None:
            if not isinstance(scale, Steps):
                scale = Steps((2.0**scale,))
            quantization = schema.QuantizationParametersT(
                scale=list(scale.steps),
                zeroPoint=[scale.zero] * len(scale.steps),
            )
        self._tensors.append(
            schema.TensorT(
                name=name,
                shape=[int(length) for length in shape],
                type=getattr(schema.TensorType, (dtype or self.dtype).upper()),
                buffer=buffer,
                quantization=quantization,
                hasRank=True,
            )
        )
        return len(self._tensors) - 1

    def constant(self, name, values, scale=None):
        """Adds a tensor that holds the NumPy array `values`."""
        little = values.astype(values.dtype.newbyteorder("<"))
        data = np.frombuffer(little.tobytes(), "uint8")
        self._buffers.append(self._schema.BufferT(data=data))
        return self.tensor(
            name,
            values.shape,
            scale,
            values.dtype.name,
            len(self._buffers) - 1,
        )

    def shape(self, tensor):
        """The shape of a tensor, a tuple."""
        return tuple(self._tensors[tensor].shape)

    def rename(self, tensor, name):
        """Gives a tensor another name."""
        self._tensors[tensor].name = name

    def add(self, name, inputs, output, **options):
        """Adds the operator `name`."""
        schema = self._schema
        if name not in self._codes:
            self._codes.append(name)
        table = _OPERATORS[name][0]
        self._operators.append(
            schema.OperatorT(
                opcodeIndex=self._codes.index(name),
                inputs=inputs,
                outputs=[output],
                builtinOptionsType=getattr(schema.BuiltinOptions, table),
                builtinOptions=getattr(schema, table + "T")(**options),
            )
        )

    def enum(self, kind, name):
        """The number of a name in an enumeration of the schema."""
        return getattr(getattr(self._schema, kind), name)

    def to_bytes(self, description):
        """The bytes of a model of everything that was added."""
        builder = self._flatbuffers.Builder()
        builder.Finish(self._model(description).Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _model(self, description):
        schema = self._schema
        subgraph = schema.SubGraphT(
            name="main",
            tensors=self._tensors,
            inputs=self.inputs,
            outputs=self.outputs,
            operators=self._operators,
        )
        signature = schema.SignatureDefT(
            signatureKey="serving_default",
            inputs=[self._named(tensor) for tensor in self.inputs],
            outputs=[self._named(tensor) for tensor in self.outputs],
        )
        return schema.ModelT(
            version=_SCHEMA_VERSION,
            description=description,
            operatorCodes=[self._code(name) for name in self._codes],
            subgraphs=[subgraph],
            buffers=self._buffers,
            signatureDefs=[signature],
        )

    def _code(self, name):
        code = getattr(self._schema.BuiltinOperator, name)
        _, int16, int8 = _OPERATORS[name]
        version = {"int16": int16, "int8": int8}.get(self.dtype, 1)
        return self._schema.OperatorCodeT(
            # Old readers know codes below 128 by this field alone.
            deprecatedBuiltinCode=min(code, 127),
            builtinCode=code,
            version=version,
        )

    def _named(self, tensor):
        return self._schema.TensorMapT(
            name=self._tensors[tensor].name, tensorIndex=tensor
        )
