import importlib.metadata

from tflite_export import litert


def test_the_versions_are_those_installed():
    assert litert.versions() == {
        name: importlib.metadata.version(name)
        for name in ("ai-edge-litert", "flatbuffers")
    }
