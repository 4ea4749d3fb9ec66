"""Files from an untrusted place are refused by a message, or are right."""

import copy
import json

import pytest

from keras_bp.ops import FixedPoint
from keras_bp.optics import FiberLink, LearnedDBP
from tflite_export import ChainSpec, export, load_manifest
from tflite_export.manifest import MANIFEST, _digest

# What stands in the place of each value, one after the other.
WRONG = [None, True, -1, 0, 2.5, 10**30, 1e300, float("nan"), "x", [], {}, [[]]]
LEFT_OUT = object()


def places(node, path=()):
    pairs = ()
    if isinstance(node, dict):
        pairs = node.items()
    elif isinstance(node, list):
        # The others are like these.
        pairs = list(enumerate(node))[:2]
    for key, value in pairs:
        yield (*path, key)
        yield from places(value, (*path, key))


def check(read, config):
    """Reads the configuration with a wrong value, or none, in each place."""
    odd = []
    for path in list(places(config)):
        for wrong in [*WRONG, LEFT_OUT]:
            found = copy.deepcopy(config)
            node = found
            for key in path[:-1]:
                node = node[key]
            if wrong is LEFT_OUT:
                del node[path[-1]]
            else:
                node[path[-1]] = wrong
            try:
                read(found)
            except (ValueError, TypeError):
                continue
            except Exception as error:
                odd.append((path, wrong, repr(error)))
    assert not odd, "\n".join(map(str, odd))


@pytest.fixture(scope="module")
def chain():
    """One span: filters, a rotation and roundings."""
    link = FiberLink.isit(num_spans=1)
    real = LearnedDBP(link, num_taps=3, method="taylor2")
    real.build((None, 32, 2))
    model = real.copied(formats=real.formats_for(6, 10), method="lut")
    model.choose_scales()
    return ChainSpec.from_layer(model)


def test_a_changed_description_is_refused_or_right(chain):
    def read(config):
        ChainSpec.from_json(json.dumps(config))

    config = json.loads(chain.to_json())
    read(config)
    check(read, config)


def test_a_changed_manifest_is_refused_or_right(layer, tmp_path):
    folder = export(layer, tmp_path / "fir", "vectors").folder
    path = folder / MANIFEST

    def read(manifest):
        # By one who knows how to sign it.
        if isinstance(manifest, dict):
            manifest = manifest | {"sha256": _digest(manifest)}
        path.write_text(json.dumps(manifest))
        load_manifest(folder)

    manifest = json.loads(path.read_text())
    read(manifest)
    check(read, manifest)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b"nul", b"3", b"[]"]
)
def test_what_is_no_manifest_is_refused(layer, tmp_path, content):
    folder = export(layer, tmp_path / "fir", "vectors").folder
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ValueError, match="a changed 'manifest.json'"):
        load_manifest(folder)


def test_fixed_point_formats_are_refused_or_right():
    config = FixedPoint(8, 5, signed=False, max_digits=2).get_config()
    check(lambda found: FixedPoint.from_config(found), config)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "{"])
def test_what_is_no_description_is_refused(text):
    with pytest.raises(ValueError, match="nested too deeply|Expecting"):
        ChainSpec.from_json(text)
