import json

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, Stream, litert

FORM = FixedPoint(8, 6, overflow="saturate_symmetric")


def make_files(chain, **options):
    return litert.target_files(chain, name="dbp", batch=2, time=70, **options)


def test_three_models_of_a_chain_and_what_they_are(dbp_chain, stimuli):
    chain = dbp_chain()
    files, told = make_files(chain)
    assert [*files] == [*told["models"]]
    assert [*files] == ["dbp_exact.tflite", "dbp_stream.tflite"] + [
        "dbp_fast.tflite"
    ]
    assert told["versions"] == litert.versions()
    assert told["left_out"] == {}
    for file, data in files.items():
        assert told["models"][file]["bytes"] == len(data)
        assert told["models"][file]["operators"] > 50
    assert told["models"]["dbp_fast.tflite"]["snr_db"] > 48
    assert json.loads(json.dumps(told)) == told
    x = stimuli(chain, 70)[:2]
    y = litert.run(files["dbp_exact.tflite"], x)
    np.testing.assert_array_equal(y, chain.run(x))
    session = litert.Session(files["dbp_stream.tflite"])
    assert session.block == 64
    expected = Stream(chain, batch=2).process(x[:, :64])
    np.testing.assert_array_equal(session.process(x[:, :64]), expected)
    y = litert.run(files["dbp_fast.tflite"], x)
    np.testing.assert_array_equal(y, litert.model_of_fast(chain)(x))


def test_a_profile_that_cannot_is_left_out_with_the_reason(dbp_chain):
    files, told = make_files(dbp_chain(1, "lut"))
    assert [*files] == ["dbp_exact.tflite", "dbp_stream.tflite"]
    reason = told["left_out"]["dbp_fast.tflite"]
    assert "method='lut', in stage 1" in reason
    with pytest.raises(ValueError, match="Received: method='lut', in stage 1"):
        make_files(dbp_chain(1, "lut"), profiles=["fast"])


def test_profiles_and_blocks_are_chosen(dbp_chain):
    assert [*make_files(dbp_chain(), profiles="fast")[0]] == ["dbp_fast.tflite"]
    files, _ = make_files(dbp_chain(), profiles=["exact"], block=5)
    assert [*files] == ["dbp_exact.tflite", "dbp_stream.tflite"]
    assert litert.Session(files["dbp_stream.tflite"]).block == 5


@pytest.mark.parametrize(("strides", "block"), [(1, 64), (3, 63), (66, 66)])
def test_a_block_is_a_multiple_of_the_strides(strides, block):
    spec = FIRSpec(
        np.ones((3, 1, 1), int), FORM, FORM, FORM, "valid", strides, False
    )
    files, told = make_files(ChainSpec([spec], 1))
    assert litert.Session(files["dbp_stream.tflite"]).block == block
    assert told["models"]["dbp_fast.tflite"]["snr_db"] is None


@pytest.mark.parametrize("profiles", [[], ["quick"], "quick"])
def test_unknown_profiles_are_refused(profiles, dbp_chain):
    with pytest.raises(ValueError, match="`profiles` among .*'fast'"):
        make_files(dbp_chain(), profiles=profiles)


def test_what_the_exact_profile_cannot_compute_is_refused():
    long = FixedPoint(26, 6)
    taps = np.full((3, 1, 1), 2**25 - 1)
    spec = FIRSpec(taps, long, long, FORM, complex=False)
    with pytest.raises(ValueError, match="two limbs"):
        make_files(ChainSpec([spec], 1))
