"""The operators and tensors of a LiteRT model, as its schema has them."""

import numpy as np

from keras_bp.ops import padding_lengths

# Version of each operator that first took int16.
_VERSIONS = {
    "CONCATENATION": 3,
    "CONV_2D": 4,
    "MAXIMUM": 4,
    "MINIMUM": 4,
    "RESHAPE": 1,
    "SLICE": 4,
}

_SCHEMA_VERSION = 3


class Graph:
    """Collects tensors and operators, named by their index.

    Args:
        schema: The module `ai_edge_litert.schema_py_generated`.
    """

    def __init__(self, schema):
        self._schema = schema
        # By custom, buffer 0 is the one of tensors without data.
        self._buffers = [schema.BufferT(data=[])]
        self._tensors = []
        self._operators = []
        self._codes = []
        self.inputs = []
        self.outputs = []

    def tensor(self, name, shape, exponent=None, dtype="int16", buffer=0):
        """Adds a tensor of step 2^exponent, and returns its index."""
        schema = self._schema
        quantization = None
        if exponent is not None:
            quantization = schema.QuantizationParametersT(
                scale=[2.0**exponent], zeroPoint=[0]
            )
        self._tensors.append(
            schema.TensorT(
                name=name,
                shape=[int(length) for length in shape],
                type=getattr(schema.TensorType, dtype.upper()),
                buffer=buffer,
                quantization=quantization,
                hasRank=True,
            )
        )
        return len(self._tensors) - 1

    def constant(self, name, values, exponent=None):
        """Adds a tensor that holds the NumPy array `values`."""
        little = values.astype(values.dtype.newbyteorder("<"))
        data = np.frombuffer(little.tobytes(), "uint8")
        self._buffers.append(self._schema.BufferT(data=data))
        return self.tensor(
            name,
            values.shape,
            exponent,
            values.dtype.name,
            len(self._buffers) - 1,
        )

    def shape(self, tensor):
        """The shape of a tensor, a tuple."""
        return tuple(self._tensors[tensor].shape)

    def add(self, name, inputs, output, options, **values):
        """Adds the operator `name` with the table `options` of `values`."""
        schema = self._schema
        if name not in self._codes:
            self._codes.append(name)
        self._operators.append(
            schema.OperatorT(
                opcodeIndex=self._codes.index(name),
                inputs=inputs,
                outputs=[output],
                builtinOptionsType=getattr(schema.BuiltinOptions, options),
                builtinOptions=getattr(schema, options + "T")(**values),
            )
        )

    def enum(self, kind, name):
        """The number of a name in an enumeration of the schema."""
        return getattr(getattr(self._schema, kind), name)

    def model(self, description):
        """Returns the `ModelT` of everything that was added."""
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
        return self._schema.OperatorCodeT(
            # Old readers know codes below 128 by this field alone.
            deprecatedBuiltinCode=code,
            builtinCode=code,
            version=_VERSIONS[name],
        )

    def _named(self, tensor):
        return self._schema.TensorMapT(
            name=self._tensors[tensor].name, tensorIndex=tensor
        )


def build_fir(graph, spec, batch, time, names):
    """Adds a whole filter to `graph`.

    Args:
        graph: `Graph`.
        spec: `tflite_export.FIRSpec`.
        batch: Integer, the batch size.
        time: Integer, samples of a signal.
        names: Pair of strings, names of the input and the output.
    """
    exponents = spec.step_exponents
    signal = graph.tensor(
        names[0],
        (batch, time, spec.kernel.shape[1]),
        exponents["signal_format"],
    )
    y = _convolve(graph, _pad(graph, signal, spec), spec)
    y = _clamp(graph, y, spec)
    batch, new_time, _, outputs = graph.shape(y)
    filtered = _reshape(
        graph,
        y,
        names[1],
        (batch, new_time, outputs),
        exponents["output_format"],
    )
    graph.inputs, graph.outputs = [signal], [filtered]


def _pad(graph, signal, spec):
    """Adds the samples before and after, zeros or the other end."""
    batch, time, channels = graph.shape(signal)
    left, right = padding_lengths(len(spec.taps), spec.padding)
    exponent = spec.step_exponents["signal_format"]
    parts = []
    for name, length, begin in (
        ("before", left, time - left),
        ("after", right, 0),
    ):
        if length == 0:
            continue
        shape = (batch, length, channels)
        if spec.padding == "circular":
            part = graph.tensor(name, shape, exponent)
            start = graph.constant(f"{name}_begin", np.int32([0, begin, 0]))
            size = graph.constant(f"{name}_size", np.int32(shape))
            graph.add("SLICE", [signal, start, size], part, "SliceOptions")
        else:
            part = graph.constant(name, np.zeros(shape, "int16"), exponent)
        parts.append(part)
    if not parts:
        return signal
    parts.insert(int(left > 0), signal)
    shape = (batch, left + time + right, channels)
    padded = graph.tensor("padded", shape, exponent)
    graph.add("CONCATENATION", parts, padded, "ConcatenationOptions", axis=1)
    return padded


def _convolve(graph, signal, spec):
    """Adds the convolution, its time on the axis of height."""
    exponents = spec.step_exponents
    batch, time, channels = graph.shape(signal)
    image = _reshape(
        graph,
        signal,
        "image",
        (batch, time, 1, channels),
        exponents["signal_format"],
    )
    kernel = spec.kernel
    # CONV_2D correlates, and has the outputs first.
    weights = kernel[::-1].transpose(2, 0, 1)[:, :, None, :].astype("int8")
    product = exponents["tap_format"] + exponents["signal_format"]
    bias = np.zeros(kernel.shape[2], "int64")
    new_time = (time - kernel.shape[0]) // spec.strides + 1
    y = graph.tensor(
        "rounded",
        (batch, new_time, 1, kernel.shape[2]),
        exponents["output_format"],
    )
    inputs = [
        image,
        graph.constant("taps", weights, exponents["tap_format"]),
        graph.constant("bias", bias, product),
    ]
    graph.add(
        "CONV_2D",
        inputs,
        y,
        "Conv2DOptions",
        padding=graph.enum("Padding", "VALID"),
        strideH=spec.strides,
        strideW=1,
    )
    return y


def _clamp(graph, y, spec):
    """Adds the ends of a range that is narrower than that of int16."""
    form, whole = spec.output_format, np.iinfo("int16")
    exponent = spec.step_exponents["output_format"]
    for name, end, free in (
        ("MAXIMUM", form.minimum_integer, whole.min),
        ("MINIMUM", form.maximum_integer, whole.max),
    ):
        if end == free:
            continue
        ends = graph.constant(f"{name.lower()}_with", np.int16([end]), exponent)
        clamped = graph.tensor(name.lower(), graph.shape(y), exponent)
        graph.add(name, [y, ends], clamped, "MaximumMinimumOptions")
        y = clamped
    return y


def _reshape(graph, x, name, shape, exponent):
    reshaped = graph.tensor(name, shape, exponent)
    new_shape = graph.constant(f"{name}_shape", np.int32(shape))
    graph.add(
        "RESHAPE", [x, new_shape], reshaped, "ReshapeOptions", newShape=shape
    )
    return reshaped
