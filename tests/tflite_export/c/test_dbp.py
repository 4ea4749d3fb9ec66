"""A whole digital backpropagation in C."""

import dataclasses
import functools

import numpy as np
import pytest

from keras_bp.optics import FiberLink, LearnedDBP
from tflite_export import ChainSpec, KerrSpec, c, vectors

pytestmark = pytest.mark.hardware

METHODS = ("taylor2", "taylor3", "lut")


@functools.cache
def dbp(method, polarizations):
    link = FiberLink.isit(num_spans=3, polarizations=polarizations)
    real = LearnedDBP(link, num_taps=5, method="taylor2")
    real.build((None, 64, 2 * polarizations))
    formats = real.formats_for(6, 10)
    model = real.copied(formats=formats, method=method, input_gain=0.85)
    model.choose_scales()
    return ChainSpec.from_layer(model)


CASES = [(method, count) for method in METHODS for count in (1, 2)]


def signal_of(chain, time=96):
    return np.concatenate(
        [vectors.draw(chain, kind, time) for kind in vectors.KINDS], axis=0
    )


@pytest.mark.parametrize(
    ("compiler", "cases", "flags"),
    [
        ("gcc", CASES, ("-O2", "-march=native", "-Wconversion")),
        ("clang", CASES[:4], ("-O2", "-march=native", "-Wconversion")),
        ("arm", CASES[1::2], ("-Os",)),
    ],
)
def test_whole_signals_equal_the_reference(need, compiler, cases, flags):
    need(compiler)
    pairs, kept = [], []
    for case in cases:
        chain = dbp(*case)
        longer, part = c.extend_signal(chain, signal_of(chain))
        pairs.append((chain, longer))
        kept.append(part)
    found = c.run_many(pairs, compiler, blocks=(1, 37, 64), flags=flags)
    for case, made, part in zip(cases, found, kept, strict=True):
        expected = dbp(*case).run(signal_of(dbp(*case)))
        np.testing.assert_array_equal(made[:, part], expected)


def test_filters_on_the_power_and_wide_sums_equal_the_stream(need, differing):
    need("gcc")
    rng = np.random.default_rng(0)
    chains = []
    for method in METHODS:
        for power_taps in (1, 3, 7):
            stages = list(dbp(method, 2).stages)
            half = rng.integers(0, 200, (power_taps + 1) // 2)
            taps = np.concatenate([half, half[: power_taps // 2][::-1]])
            for k, stage in enumerate(stages):
                if isinstance(stage, KerrSpec):
                    power = dataclasses.replace(
                        stage.power_format, rounding="nearest_even"
                    )
                    stages[k] = dataclasses.replace(
                        stage, coefficients=taps, power_format=power
                    )
            chains.append(ChainSpec(stages, 4))
    flags = ("-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")
    assert differing(chains, blocks=(1, 5, 64), flags=flags) == 0


def test_an_error_of_one_bit_in_one_number_is_seen(need):
    need("gcc")
    chain = dbp("taylor2", 1)
    wrong = []
    for index, stage in enumerate(chain.stages):
        stages = list(chain.stages)
        if isinstance(stage, KerrSpec):
            stages[index] = dataclasses.replace(
                stage, coefficients=stage.coefficients ^ 16
            )
        else:
            taps = stage.taps.copy()
            taps[2, 0, 0, 1] ^= 1
            stages[index] = dataclasses.replace(stage, taps=taps)
        wrong.append(ChainSpec(stages, 2))
    signal = signal_of(chain)[:2]
    right, *others = c.run_many(
        [(each, signal) for each in (chain, *wrong)], flags=("-O0",)
    )
    assert [np.array_equal(right, other) for other in others] == [False] * 6


def test_the_sizes_of_the_tables_are_told():
    told = c.describe(dbp("lut", 2))
    # The three rotations have the same two tables.
    stage = dbp("lut", 2).stages[1]
    assert stage.rotation_format.word_length > 8
    assert told["table_bytes"] == 2 * (stage.cosines.nbytes // 8) * 2
    assert c.describe(dbp("taylor2", 2))["table_bytes"] == 0
