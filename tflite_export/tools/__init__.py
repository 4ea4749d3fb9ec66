"""External tools, each behind one module; found when they are needed."""

from tflite_export.tools._process import MissingToolError

__all__ = [
    "MissingToolError",
]
