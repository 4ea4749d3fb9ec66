import json

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, Stream, litert, vectors

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


def test_int8_is_made_on_request_and_promises_a_ratio_alone(dbp_chain):
    chain = dbp_chain(bits=(6, 12))
    assert "dbp_int8.tflite" not in make_files(chain)[0]
    files, told = make_files(chain, profiles="exact,int8")
    assert [*files] == [
        f"dbp_{kind}.tflite" for kind in ("exact", "stream", "int8")
    ]
    models = told["models"]
    assert models["dbp_exact.tflite"]["exact"] is True
    assert "every sample equals" in models["dbp_stream.tflite"]["promise"]
    found = models["dbp_int8.tflite"]
    assert found["exact"] is False
    assert found["promise"].startswith("an SNR alone: samples differ")
    x = vectors.draw(chain, "random", 70, batch=2)
    model = files["dbp_int8.tflite"]
    assert found["snr_db"] == round(litert.snr(chain, model, x), 2) > 30
    assert found["snr_db"] < found["snr_of_output_db"] < 44
    assert found["snr_db"] < found["snr_of_input_db"] < 44
    # The chain itself loses more to real numbers: powers saturate, above all.
    assert 15 < found["snr_to_float_db"] < found["snr_db"]
    assert found["calibration"] == "random"
    integers = np.rint(x * chain.input_format.step / found["input_step"])
    y = litert.run(model, np.clip(integers, -128, 127).astype("int64"))
    assert (found["input_zero"], found["output_zero"]) == (0, 0)
    error = y * found["output_step"] / chain.output_format.step - chain.run(x)
    power = np.sum(np.square(chain.run(x), dtype="float64"))
    ratio = 10 * np.log10(power / np.sum(error**2))
    assert ratio == pytest.approx(found["snr_db"], abs=0.01)
    assert json.loads(json.dumps(told)) == told


def test_int8_is_measured_on_what_it_was_made_for(dbp_chain):
    chain = dbp_chain(bits=(6, 12))
    quiet = vectors.draw(chain, "random", 500) // 8
    found = {}
    for name, calibration in (("own", quiet), ("drawn", "random")):
        files, told = make_files(
            chain, profiles=["int8"], calibration=calibration
        )
        (model,) = files.values()
        (found[name],) = told["models"].values()
        found[name]["snr"] = litert.snr(
            chain, model, quiet[:, :140].reshape(2, 70, 2)
        )
    assert found["own"]["calibration"] == "a given signal"
    assert found["own"]["snr_db"] == round(found["own"]["snr"], 2) > 30
    assert found["drawn"]["snr"] < 25 < 30 < found["drawn"]["snr_db"]


def test_int8_is_left_out_with_the_reason_or_refused(dbp_chain):
    chain = dbp_chain(1, "lut")
    files, told = make_files(chain, profiles=["exact", "int8"])
    assert "dbp_int8.tflite" not in files
    assert "method='lut', in stage 1" in told["left_out"]["dbp_int8.tflite"]
    with pytest.raises(ValueError, match="The int8 profile.*in stage 1"):
        make_files(chain, profiles="int8")
    with pytest.raises(ValueError, match="fast profile.*; The int8 profile"):
        make_files(chain, profiles="fast,int8")
    # A wrong calibration is no reason to leave the file out.
    with pytest.raises(ValueError, match="`calibration` of shape"):
        make_files(dbp_chain(), profiles=["exact", "int8"], calibration=[[1]])


def test_the_fast_profile_is_exact_where_there_is_no_rotation(dbp_chain):
    chain = dbp_chain()
    filters = ChainSpec(chain.stages[:1], 2)
    for each, exact in ((chain, False), (filters, True)):
        _, told = make_files(each, profiles="fast")
        (found,) = told["models"].values()
        assert found["exact"] is exact
        assert ("model_of_fast" in found["promise"]) is not exact


@pytest.mark.parametrize(("strides", "block"), [(1, 64), (3, 63), (66, 66)])
def test_a_block_is_a_multiple_of_the_strides(strides, block):
    spec = FIRSpec(
        np.ones((3, 1, 1), int), FORM, FORM, FORM, "valid", strides, False
    )
    files, told = make_files(ChainSpec([spec], 1))
    assert litert.Session(files["dbp_stream.tflite"]).block == block
    assert told["models"]["dbp_fast.tflite"]["snr_db"] is None


@pytest.mark.parametrize(
    "profiles", [[], ["quick"], "quick", "exact,quick", ""]
)
def test_unknown_profiles_are_refused(profiles, dbp_chain):
    with pytest.raises(ValueError, match="`profiles` among .*'fast'"):
        make_files(dbp_chain(), profiles=profiles)


def test_what_the_exact_profile_cannot_compute_is_refused():
    long = FixedPoint(26, 6)
    taps = np.full((3, 1, 1), 2**25 - 1)
    spec = FIRSpec(taps, long, long, FORM, complex=False)
    with pytest.raises(ValueError, match="two limbs"):
        make_files(ChainSpec([spec], 1))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"calibration": "full_scale"}, "'int8' among `profiles`.*calibration"),
        ({"calibration": np.zeros((1, 9, 2), int)}, "'int8' among"),
        ({"block": 5, "profiles": "fast"}, "'exact' among.*block=5"),
    ],
)
def test_options_of_a_profile_that_is_not_made_are_refused(
    options, match, dbp_chain
):
    with pytest.raises(ValueError, match=match):
        make_files(dbp_chain(), **options)
