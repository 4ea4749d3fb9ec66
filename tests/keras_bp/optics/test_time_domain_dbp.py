import dataclasses

import numpy as np
import pytest

from keras_bp.metrics import EffectiveSNR
from keras_bp.ops import FixedPoint
from keras_bp.optics import (
    EDC,
    DBPFormats,
    FrequencyDomainDBP,
    LearnedDBP,
    TimeDomainDBP,
    error_feedback,
)


def snr(model, blocks):
    metric = EffectiveSNR()
    metric.update_state(blocks[1], model(blocks[0]))
    return float(metric.result())


def test_long_filters_equal_the_frequency_domain(short_link, blocks):
    # Both split each span once, dispersion first on the way back.
    ideal = FrequencyDomainDBP(short_link, 1, split="asymmetric")
    model = TimeDomainDBP(short_link, num_taps=41, bandwidth=0.8)
    difference = np.asarray(model(blocks[0]) - ideal(blocks[0]))
    assert np.sqrt(np.mean(difference**2)) < 0.03
    assert snr(model, blocks) > snr(EDC(short_link), blocks) + 3


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("split", ["symmetric", "asymmetric"])
def test_steps_cover_the_link_and_its_kerr_effect(short_link, steps, split):
    model = TimeDomainDBP(short_link, 9, steps_per_span=steps, split=split)
    count = 3 * steps
    assert len(model.kerr_layers) == count
    assert len(model.fir_layers) == count + (split == "symmetric")
    np.testing.assert_allclose(sum(model.step_lengths), 240.0)
    kerr = short_link.gamma * short_link.effective_length
    np.testing.assert_allclose(
        sum(model.kerr_coefficients), 3 * kerr * short_link.reference_power
    )
    if steps > 1:
        # On the way back the power rises toward the start of the span.
        assert model.kerr_coefficients[0] < model.kerr_coefficients[2]


def test_it_is_not_trained(short_link, blocks):
    model = TimeDomainDBP(short_link, 9)
    model(blocks[0])
    assert not model.trainable_variables


def test_two_polarizations_share_filter_and_phase(dual_link, dual_blocks):
    model = TimeDomainDBP(dual_link, 41, bandwidth=0.8)
    ideal = FrequencyDomainDBP(dual_link, 1, split="asymmetric")
    difference = np.asarray(model(dual_blocks[0]) - ideal(dual_blocks[0]))
    assert np.sqrt(np.mean(difference**2)) < 0.03


def test_error_feedback_gives_its_integers(short_link, blocks):
    formats = DBPFormats.of(tap_bits=6)
    model = TimeDomainDBP(short_link, 9, formats=formats, error_feedback=True)
    plain = TimeDomainDBP(short_link, 9, formats=formats)
    real = TimeDomainDBP(short_link, 9)
    for each in (model, plain, real):
        each(blocks[0])
    taps = [
        np.asarray(layer.quantized_taps())[:, 0, 0] @ [1, 1j]
        for layer in real.fir_layers
    ]
    wanted = error_feedback(taps, formats.taps)
    for layer, integers in zip(model.fir_layers, wanted, strict=True):
        np.testing.assert_array_equal(layer.export_taps()[:, 0, 0], integers)
    for layer, tap in zip(plain.fir_layers, taps, strict=True):
        found = layer.export_taps()[:, 0, 0] @ [1, 1j]
        assert np.abs(found - tap * 32).max() <= 0.75


def test_scales_fold_into_the_kerr_coefficients(short_link, blocks):
    formats = DBPFormats.of(tap_bits=12)
    model = TimeDomainDBP(short_link, 9, formats=formats)
    before = model(blocks[0]).numpy()
    scales = model.choose_scales(max_drift=0.3)
    assert np.any(scales != 0)
    assert np.all(np.abs(np.cumsum(scales)) <= 0.3 + 1e-6)
    after = model(blocks[0]).numpy()
    np.testing.assert_allclose(after, before, atol=0.02)
    # Twice changes nothing more.
    np.testing.assert_allclose(model.choose_scales(0.3), scales, atol=1e-6)
    first = model.kerr_layers[0].coefficients.numpy().item()
    np.testing.assert_allclose(
        first, model.kerr_coefficients[0] * 4 ** scales[0], rtol=1e-5
    )


def test_scales_bound_the_gain_that_filters_have(short_link, blocks):
    formats = DBPFormats.of(tap_bits=12)
    model = LearnedDBP(short_link, 9, formats=formats)
    model(blocks[0])
    for layer in model.fir_layers:
        layer.taps.assign(layer.taps * 2**0.3)
    assert float(model.drift()) > 0.5
    model.choose_scales(max_drift=0.3)
    # The rounding of 12 bits adds a little.
    assert float(model.drift()) <= 0.31


def test_a_bound_that_would_saturate_taps_raises(short_link, blocks):
    form = FixedPoint(12, 13)
    model = TimeDomainDBP(short_link, 9, formats=DBPFormats(taps=form))
    model(blocks[0])
    before = model.fir_layers[0].taps.numpy()
    with pytest.raises(ValueError, match=r"1\.\d+ or more at step 0"):
        model.choose_scales()
    np.testing.assert_array_equal(model.fir_layers[0].taps, before)
    model.choose_scales(max_drift=4.0)
    taps = model.fir_layers[0].export_taps()
    assert np.abs(taps).max() <= form.maximum_integer


@pytest.mark.parametrize("recompute", [False, True])
def test_noise_replaces_the_roundings_of_signals(short_link, blocks, recompute):
    formats = DBPFormats.of(None, 6, max_coefficient=0.2)
    model = TimeDomainDBP(
        short_link,
        9,
        formats=formats,
        method="taylor2",
        signal_gradient="noise",
        recompute=recompute,
    )
    x = blocks[0][:2]
    rounded = model(x).numpy()
    noisy = [model(x, training=True).numpy() for _ in range(2)]
    assert not np.array_equal(*noisy)
    np.testing.assert_array_equal(model(x), rounded)
    # As far off as rounding is.
    exact = TimeDomainDBP(short_link, 9, method="taylor2")(x).numpy()
    errors = [np.std(found - exact) for found in (rounded, *noisy)]
    assert 0.5 < errors[1] / errors[0] < 2


@pytest.mark.parametrize("max_digits", [None, 2, 1])
def test_scales_make_the_rounding_smaller(short_link, blocks, max_digits):
    def rounding(model):
        total = 0.0
        for layer in model.fir_layers:
            taps = layer.taps.numpy()
            error = layer.tap_quantizer(taps).numpy() - taps
            total += np.sum(error**2) / np.sum(taps**2)
        return total

    form = FixedPoint(5 if max_digits is None else 8, 4, max_digits=max_digits)
    model = TimeDomainDBP(short_link, 9, formats=DBPFormats(taps=form))
    model(blocks[0])
    before = rounding(model)
    model.choose_scales()
    assert rounding(model) < before


def test_wide_numbers_are_summed_in_float64(short_link):
    widths = {
        (6, 10): "float32",
        (12, 14): "float64",
    }
    for (taps, signal), dtype in widths.items():
        formats = DBPFormats.of(taps, signal, max_coefficient=0.2)
        model = TimeDomainDBP(short_link, 9, formats=formats)
        assert model.fir_layers[0].accumulator == dtype


@pytest.mark.slow
def test_recomputing_gives_the_same_gradients(short_link, blocks):
    import tensorflow as tf

    from keras_bp.losses import phase_aligned_error
    from keras_bp.optics import LearnedDBP

    found = {}
    for recompute in (False, True):
        model = LearnedDBP(
            short_link,
            num_taps=5,
            train_kerr=True,
            formats=DBPFormats.of(6, 10, max_coefficient=0.2),
            recompute=recompute,
        )
        model(blocks[0])

        @tf.function(jit_compile=True)
        def gradients(model=model):
            with tf.GradientTape() as tape:
                y = model(blocks[0], training=True)
                loss = tf.reduce_mean(phase_aligned_error(blocks[1], y))
            return tape.gradient(loss, model.trainable_variables)

        found[recompute] = gradients()
    assert len(found[True]) == 3 + 3 + 1
    for plain, again in zip(*found.values(), strict=True):
        scale = np.abs(plain).max()
        np.testing.assert_allclose(again, plain, rtol=0, atol=1e-4 * scale)


@pytest.mark.slow
def test_recomputing_repeats_the_noise_and_counts_once(short_link, blocks):
    import tensorflow as tf

    from keras_bp.optics import LearnedDBP

    formats = DBPFormats.of(6, 10, max_coefficient=0.2)
    found, states, counts = {}, {}, {}
    for recompute in (False, True):
        model = LearnedDBP(
            short_link,
            num_taps=5,
            train_kerr=True,
            formats=formats,
            tap_gradient="noise",
            recompute=recompute,
        )
        model(blocks[0])
        noisy = [layer.tap_quantizer for layer in model.fir_layers]
        for index, each in enumerate(noisy):
            each.seed_generator.state.assign([index, 0])
        counting = model.kerr_layers[0].power_quantizer
        counting.overflow.reset_state()

        @tf.function(jit_compile=True)
        def gradients(model=model):
            with tf.GradientTape() as tape:
                y = model(blocks[0], training=True)
                loss = tf.reduce_sum(y * blocks[1])
            return tape.gradient(loss, model.trainable_variables)

        found[recompute] = gradients()
        states[recompute] = [np.array(x.seed_generator.state) for x in noisy]
        counts[recompute] = float(counting.overflow.count)
    for plain, again in zip(*found.values(), strict=True):
        scale = np.abs(plain).max()
        np.testing.assert_allclose(again, plain, rtol=0, atol=1e-4 * scale)
    np.testing.assert_array_equal(*states.values())
    assert counts[True] == counts[False] == blocks[0].shape[0] * 128


# These phases are large for two terms of the series.
@pytest.mark.parametrize(("method", "loss"), [("exact", 0.2), ("taylor2", 2)])
def test_a_copy_takes_over_filters_scales_and_coefficients(
    short_link, blocks, method, loss
):
    model = TimeDomainDBP(short_link, 9, formats=DBPFormats.of(tap_bits=7))
    model(blocks[0])
    model.choose_scales()
    same = model.copied()
    np.testing.assert_array_equal(same(blocks[0]), model(blocks[0]))
    formats = model.formats_for(7, 14)
    rounded = model.copied(method=method, formats=formats)
    assert rounded.formats == formats and rounded.method == method
    assert snr(rounded, blocks) == pytest.approx(snr(model, blocks), abs=loss)
    for ours, theirs in zip(rounded.fir_layers, model.fir_layers, strict=True):
        np.testing.assert_array_equal(ours.export_taps(), theirs.export_taps())
    with pytest.raises(ValueError, match="Received: num_taps, split"):
        model.copied(split="symmetric", num_taps=5)
    with pytest.raises(ValueError, match="copied expects a built model"):
        TimeDomainDBP(short_link, 9).copied()


def test_formats_for_a_model_hold_twice_its_coefficients(short_link, blocks):
    model = TimeDomainDBP(short_link, 9)
    largest = max(model.kerr_coefficients)
    form = model.formats_for(6, 10).coefficient
    assert 2 * largest <= form.maximum + form.step < 4 * largest
    assert not form.signed
    model(blocks[0])
    model.kerr_layers[1].set_coefficients([4 * largest])
    grown = model.formats_for(6, 10).coefficient
    assert grown.maximum > 7 * largest
    filtered = TimeDomainDBP(short_link, 9, power_taps=3)
    assert filtered.formats_for(6, 10).coefficient.signed
    changed = model.formats_for(6, 10, power=None)
    assert changed.power is None


def test_a_gain_ahead_of_the_rounding_changes_the_range_alone(
    short_link, blocks
):
    plain = TimeDomainDBP(short_link, 9)
    loud = TimeDomainDBP(short_link, 9, input_gain=1.5)
    expected = plain(blocks[0])
    np.testing.assert_allclose(loud(blocks[0]), expected, rtol=0, atol=1e-4)
    copy = loud.copied(input_gain=0.75)
    np.testing.assert_allclose(copy(blocks[0]), expected, rtol=0, atol=1e-4)
    # In few bits a signal that is too loud saturates.
    clipped = [
        TimeDomainDBP(
            short_link,
            9,
            input_gain=gain,
            formats=DBPFormats.of(None, 10, max_coefficient=0.2),
        )
        for gain in (1.0, 4.0)
    ]
    assert snr(clipped[0], blocks) > snr(clipped[1], blocks) + 3


def test_one_number_tells_of_all_overflows(short_link, blocks):
    formats = DBPFormats.of(6, 10, max_coefficient=0.2)
    model = TimeDomainDBP(short_link, 9, formats=formats, input_gain=4.0)
    model.compile(metrics=[EffectiveSNR()], loss="mse")
    logs = model.evaluate(*blocks, verbose=0, return_dict=True)
    assert sorted(logs) == ["effective_snr", "loss", "overflow"]
    rates = [
        float(each.overflow.result())
        for layer in (*model.fir_layers, *model.kerr_layers)
        for each in layer.quantizers
        if each.overflow is not None
    ]
    rates.append(float(model.input_quantizer.overflow.result()))
    assert logs["overflow"] == pytest.approx(max(rates)) and max(rates) > 0.1
    # Each evaluation counts anew.
    again = model.evaluate(*blocks, verbose=0, return_dict=True)
    assert again["overflow"] == logs["overflow"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_taps": 8}, ValueError, "odd `num_taps`"),
        ({"num_taps": [9, 9]}, ValueError, "for 3 filters"),
        ({"num_taps": 9.0}, TypeError, "integer"),
        ({"steps_per_span": 0}, ValueError, "`steps_per_span`"),
        ({"split": "both"}, ValueError, "`split` to be one of"),
        ({"filters": "ideal"}, ValueError, "`filters` to be one of"),
        ({"method": "sine"}, ValueError, "`method` to be one of"),
        ({"method": "lut"}, ValueError, "expects formats"),
        (
            {"tap_gradient": "no", "formats": DBPFormats.of(6)},
            ValueError,
            "`tap_gradient` to be one of",
        ),
        ({"formats": 6}, TypeError, "`formats` to be a keras_bp.optics"),
        ({"error_feedback": True}, ValueError, "expects `formats.taps`"),
        ({"bandwidth": 2.0}, ValueError, "at most 1"),
        ({"input_gain": 0.0}, ValueError, "`input_gain` to be greater"),
        ({"lut_bits": 4}, ValueError, "with method='lut' alone"),
        (
            {"formats": DBPFormats.of(6, 10)},
            ValueError,
            "reach from 0.1063 to 0.1063.*from 0 to 0.0624",
        ),
    ],
)
def test_wrong_arguments_raise(short_link, arguments, error, words):
    with pytest.raises(error, match=words):
        TimeDomainDBP(short_link, **arguments)


def test_scales_need_rounded_taps(short_link, blocks):
    model = TimeDomainDBP(short_link, 9)
    with pytest.raises(ValueError, match="built model with `formats.taps`"):
        model.choose_scales()
    rounded = TimeDomainDBP(
        short_link, formats=DBPFormats(taps=FixedPoint(6, 5))
    )
    with pytest.raises(ValueError, match="built=False"):
        rounded.choose_scales()
    rounded(blocks[0])
    with pytest.raises(ValueError, match="`max_drift` to be greater"):
        rounded.choose_scales(0.0)


def test_an_equal_link_gives_equal_models(short_link, blocks):
    twice = [
        TimeDomainDBP(dataclasses.replace(short_link))(blocks[0])
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*twice)


@pytest.mark.parametrize(
    "change",
    [
        {"filters": "direct"},
        {"bandwidth": 0.5},
        {"max_gain": 1.1},
        {"error_feedback": True},
    ],
)
def test_a_copy_refuses_what_would_design_its_filters_anew(short_link, change):
    formats = DBPFormats.of(tap_bits=7)
    model = TimeDomainDBP(short_link, 5, formats=formats)
    model.build((None, 16, 2))
    (name,) = change
    with pytest.raises(ValueError, match=f"as they are. Received: {name}"):
        model.copied(**change)
    assert model.copied(error_feedback=False).num_taps == model.num_taps


def test_formats_for_a_link_without_kerr_effect_are_the_usual_ones(short_link):
    link = dataclasses.replace(short_link, gamma=0.0)
    model = TimeDomainDBP(link, 5)
    assert model.formats_for(6, 10) == DBPFormats.of(6, 10)
