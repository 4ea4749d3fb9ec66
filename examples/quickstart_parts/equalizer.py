"""Part 3: a fixed-point filter for dispersion, learned and exported."""

import sys
import time

import keras
import numpy as np

import tflite_export
from benchmarks import results
from examples import quiet
from examples.quickstart_parts.common import finish
from keras_bp.datasets import DispersiveLink
from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint

_TAP_BITS = 4
_SIGNAL = FixedPoint(10, 7)


def fiber_equalizer(run):
    """Part 3: a fixed-point filter for dispersion, learned and exported."""
    print("\n3. A fixed-point equalizer for a dispersive fiber")
    begin = time.perf_counter()
    models, (samples, symbols), link = train_filters(run)
    found = {
        name: model.predict(samples, verbose=0)
        for name, model in models.items()
    }
    found["ideal"] = link.ideal_receiver(samples)
    snr = {name: snr_db(y, symbols) for name, y in found.items()}
    differing = _run_artefact(run, models["learned"].layers[-1], samples)
    rows = _rows(snr, differing, samples.shape[0] * samples.shape[1])

    def draw(figure):
        axes = figure.subplots(1, 3, sharex=True, sharey=True)
        received = samples[:, ::2].reshape(-1, 2)[:4000]
        for axis, title, points in zip(
            axes,
            (
                "received",
                f"rounded to {_TAP_BITS} bits: {snr['rounded']:.1f} dB",
                f"learned in {_TAP_BITS} bits: {snr['learned']:.1f} dB",
            ),
            (received, found["rounded"], found["learned"]),
            strict=True,
        ):
            i, q = points.reshape(-1, 2)[:4000].T
            axis.plot(i, q, ".", markersize=1.5, alpha=0.4)
            axis.set(title=title, xlabel="I", aspect="equal")
        axes[0].set(ylabel="Q", xlim=(-2, 2), ylim=(-2, 2))

    text = (
        f"{link.order}-QAM at {link.symbol_rate:g} GBd after "
        f"{link.distance:g} km of fiber. The filter has 41 symmetric complex "
        f"taps of {_TAP_BITS} bits, the signal {_SIGNAL.word_length}. The "
        "exported LiteRT model has integer weights and activations."
    )
    return finish(begin, "Fiber equalizer", text, rows, draw, (9, 3.4))


def train_filters(run):
    """Trains with real taps, rounds them, and goes on in fixed point.

    Args:
        run: `Run`.

    Returns:
        Dictionary of three models, `"real"`, `"rounded"`, `"learned"`; test
        samples and symbols, of other seeds than those of training; the link.
    """
    link = DispersiveLink()
    train, valid, test = (
        link.simulate(blocks, 512, seed=run.seed + offset)
        for blocks, offset in (
            (256 if run.full else 64, 0),
            (16, 2_000_000),
            (64, 1_000_000),
        )
    )
    real = _fit(run, train, valid, _equalizer(None, None), 5e-2)
    rounded, fraction_bits = _round_afterwards(real, train)
    learned = _equalizer(FixedPoint(_TAP_BITS, fraction_bits), _SIGNAL)
    learned.layers[-1].taps.assign(real.layers[-1].taps)
    _fit(run, train, valid, learned, 5e-4)
    models = {"real": real, "rounded": rounded, "learned": learned}
    return models, test, link


def snr_db(y, symbols):
    """Signal-to-noise ratio of the symbols in `y`, in dB."""
    error = np.asarray(y, "float64") - symbols
    power = np.mean(np.sum(np.square(symbols, dtype="float64"), -1))
    return float(10 * np.log10(power / np.mean(np.sum(error**2, -1))))


def _rows(snr, differing, count):
    told = "an ideal receiver"
    rows = [
        results.row(
            "fiber equalizer",
            "SNR, 41 real taps",
            snr["real"],
            "dB",
            against=f"{told}: {snr['ideal']:.2f} dB",
        ),
        results.row(
            "fiber equalizer",
            f"SNR, taps rounded afterwards to {_TAP_BITS} bits",
            snr["rounded"],
            "dB",
        ),
        results.row(
            "fiber equalizer",
            f"SNR, taps learned in {_TAP_BITS} bits",
            snr["learned"],
            "dB",
        ),
        results.row(
            "fiber equalizer",
            "gain of learning over rounding",
            snr["learned"] - snr["rounded"],
            "dB",
            aim=">= 0.1",
        ),
    ]
    return rows + [
        results.row(
            "fiber equalizer",
            f"differing samples, {name}",
            differ,
            "",
            against=f"the layer, {count:,} samples",
            aim="== 0",
        )
        for name, differ in differing.items()
    ]


def _equalizer(tap_format, signal_format):
    return keras.Sequential(
        [
            keras.Input((1024, 2)),
            QuantizedFIR(
                filters=1,
                num_taps=41,
                tap_format=tap_format,
                signal_format=signal_format,
                symmetric=True,
                padding="circular",
                strides=2,
                name="fir",
            ),
        ]
    )


def _round_afterwards(reals, train):
    """Rounds trained taps; of the steps, the best one on training data."""
    taps = reals.layers[-1].taps
    tried = []
    for fraction_bits in range(_TAP_BITS - 2, _TAP_BITS + 4):
        model = _equalizer(FixedPoint(_TAP_BITS, fraction_bits), _SIGNAL)
        model.layers[-1].taps.assign(taps)
        snr = snr_db(model(train[0]), train[1])
        tried.append((snr, fraction_bits, model))
    _, fraction_bits, model = max(tried, key=lambda found: found[0])
    return model, fraction_bits


def _fit(run, train, valid, model, learning_rate):
    """Trains; keeps the taps of the best epoch, since rounding makes jumps."""
    epochs, batch_size = (40 if run.full else 60), 4
    steps = epochs * len(train[0]) // batch_size
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "mse")
    kind = "in fixed point" if model.layers[-1].tap_format else "with real taps"
    print(f"Training {kind}, {epochs} epochs.")
    model.fit(
        *train,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        validation_data=valid,
        callbacks=[
            keras.callbacks.EarlyStopping(
                patience=epochs, restore_best_weights=True
            ),
            _Progress(epochs),
        ],
    )
    return model


class _Progress(keras.callbacks.Callback):
    """One bar over all epochs, since each takes a fraction of a second."""

    def __init__(self, epochs):
        super().__init__()
        self.bar = keras.utils.Progbar(
            epochs,
            unit_name="epoch",
            verbose=1 if sys.stdout.isatty() else 2,
            # The latest value: by default the bar shows a mean over epochs.
            stateful_metrics=["loss", "val_loss"],
        )

    def on_epoch_end(self, epoch, logs=None):
        shown = [(name, logs[name]) for name in ("loss", "val_loss")]
        self.bar.update(epoch + 1, shown)


def _run_artefact(run, layer, samples):
    """Exports the filter; counts where its runs and the layer differ."""
    exported = tflite_export.export(
        layer,
        run.out_dir / "equalizer",
        targets=["litert"],
        batch=len(samples),
        time=samples.shape[1],
        options={"litert": {"profiles": ("fast",)}},
        overwrite=True,
    )
    integers = layer.input_quantizer.to_integers(samples)
    expected = layer.output_quantizer.to_integers(layer(samples))
    artefact = exported.files["filter_fast.tflite"]
    runs = {
        "integer reference": exported.spec.run(integers),
        "LiteRT": quiet.without_messages(
            tflite_export.litert.run, artefact, integers
        ),
    }
    return {
        name: int(np.sum(np.any(found != expected, axis=-1)))
        for name, found in runs.items()
    }
