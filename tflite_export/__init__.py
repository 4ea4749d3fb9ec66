"""From a trained filter to an edge artefact that computes the same integers."""

from tflite_export import litert, reference
from tflite_export.export import ExportResult, export, load_manifest
from tflite_export.fir_spec import FIRSpec

__all__ = [
    "ExportResult",
    "FIRSpec",
    "export",
    "litert",
    "load_manifest",
    "reference",
]
