"""From a trained filter to an edge artefact that computes the same integers."""

from tflite_export import c, cost, litert, reference, vectors, verilog
from tflite_export.chain_spec import ChainSpec
from tflite_export.export import ExportResult, export
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.manifest import load_manifest
from tflite_export.round_spec import RoundSpec
from tflite_export.stream import Stream

__all__ = [
    "ChainSpec",
    "ExportResult",
    "FIRSpec",
    "KerrSpec",
    "RoundSpec",
    "Stream",
    "c",
    "cost",
    "export",
    "litert",
    "load_manifest",
    "reference",
    "vectors",
    "verilog",
]
