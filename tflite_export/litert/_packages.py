"""The packages behind this target, imported where they are needed."""

_MESSAGE = (
    "tflite_export.litert expects the packages ai-edge-litert and flatbuffers; "
    "install them with `pip install keras_bp[export]`. Received: {error}"
)


def import_writers():
    """Returns the module of LiteRT's schema, and `flatbuffers`."""
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise ImportError(_MESSAGE.format(error=error)) from error
    return schema, flatbuffers


def import_interpreter():
    """Returns the module of LiteRT's interpreter."""
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise ImportError(_MESSAGE.format(error=error)) from error
    return interpreter


def import_tensorflow():
    """Returns TensorFlow, whose `lite` is the converter of float models."""
    import tensorflow

    return tensorflow
