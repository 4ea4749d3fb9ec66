import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, RoundSpec, litert
from tflite_export.litert._fast_checks import check_supported


def make_spec(signal_bits=12, tap=-127, num_taps=1, **settings):
    signal_format = FixedPoint(signal_bits, signal_bits - 2)
    settings = {"output_format": signal_format, **settings}
    return FIRSpec(
        np.full((num_taps, 1, 1), tap),
        FixedPoint(8, 6),
        signal_format=signal_format,
        complex=False,
        **settings,
    )


def test_the_widest_that_fits_is_taken():
    check_supported(make_spec(16))
    form = FixedPoint(15, 20, signed=False, overflow="saturate_symmetric")
    check_supported(make_spec(16, output_format=form))


def test_taps_that_int8_cannot_negate_are_refused():
    spec = FIRSpec(
        np.full((1, 1, 1), -128),
        FixedPoint(8, 6),
        FixedPoint(8, 6),
        FixedPoint(8, 6),
        complex=False,
    )
    match = "-127 to 127.*'saturate_symmetric'.*magnitude 128"
    with pytest.raises(ValueError, match=match):
        check_supported(spec)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"signal_bits": 17}, "`signal_format` that fits into int16.*17"),
        (
            {"output_format": FixedPoint(16, 8, signed=False)},
            "`output_format` that fits into int16.*15 where it is not signed",
        ),
        (
            {"output_format": FixedPoint(8, 6, rounding="truncate")},
            "rounding='nearest'.*Received: rounding='truncate'",
        ),
        (
            {"output_format": FixedPoint(8, 6, rounding="nearest_even")},
            "Received: rounding='nearest_even'",
        ),
        (
            {"output_format": FixedPoint(8, 6, rounding="toward_zero")},
            "Received: rounding='toward_zero'",
        ),
        (
            {"output_format": FixedPoint(8, 6, overflow="wrap")},
            "overflow='saturate', or profile='exact'. Received: overflow='w",
        ),
        (
            {"output_format": FixedPoint(8, 23)},
            r"other `fraction_bits` in `output_format`, or .*: 2\^-7 times",
        ),
        ({"output_format": FixedPoint(8, -17)}, r"Received: 2\^33 times"),
        (
            {"num_taps": 64, "signal_bits": 16}
            | {"output_format": FixedPoint(16, 26)},
            "sums of at most 32 bits.*Received: sums up to .* steps",
        ),
    ],
)
def test_what_litert_cannot_compute_exactly_is_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        check_supported(make_spec(**changes))


def test_an_input_beyond_int16_is_refused_ahead_of_a_change_of_format():
    long, short = FixedPoint(20, 10), FixedPoint(12, 10)
    chain = ChainSpec([RoundSpec(long, short)], 1)
    match = "`signal_format` that fits into int16.*word_length=20"
    with pytest.raises(ValueError, match=match):
        litert.to_flatbuffer(chain, profile="fast", time=4)
    with pytest.raises(ValueError, match=match):
        litert.model_of_fast(chain)(np.full((1, 4, 1), 2**19 - 1))
