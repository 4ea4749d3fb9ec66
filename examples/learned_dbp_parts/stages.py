"""The stages of the example, each of which leaves rows."""

import dataclasses
import functools
import statistics

import keras

from examples.learned_dbp_parts import train
from examples.learned_dbp_parts.integers import differing_samples
from examples.learned_dbp_parts.measure import ber_row, count_bits, snr
from keras_bp.optics import (
    EDC,
    DBPFormats,
    FrequencyDomainDBP,
    TimeDomainDBP,
)

# Seeds of the blocks: none is drawn twice.
_TRAIN, _TEST, _QAM, _SHIFTED, SWEPT, _UNSEEN = range(1, 7)
SNR = "effective SNR"


def training_blocks(store):
    config = store.config
    return store.blocks(
        "train", config.train_blocks, _TRAIN, power=config.train_powers
    )


def test_blocks(store):
    return store.blocks("test", store.config.test_blocks, _TEST)


def unseen_blocks(store):
    return store.blocks("unseen", store.config.test_blocks, _UNSEEN)


def qam_blocks(store):
    config = store.config
    return store.blocks("qam", config.qam_blocks, _QAM, modulation=config.qam)


def count_qam(store, model):
    """Bit errors at the power of the link."""
    return count_bits(model, qam_blocks(store), store.config.qam)


def references(store):
    """What is not learned: equalizers and filters by design."""
    link, test = store.config.link, test_blocks(store)
    bandwidth = store.config.bandwidth
    found = {"EDC": EDC(link)}
    for steps in (1, 2, 8):
        name = f"frequency-domain DBP, {steps} steps per span"
        found[name] = frequency_domain(link, steps)
    for taps in store.config.reference_taps:
        found[f"LS {taps} taps"] = TimeDomainDBP(
            link, taps, bandwidth=bandwidth
        )
        for bits in store.config.reference_bits:
            formats = DBPFormats.of(tap_bits=bits)
            for feedback in (False, True):
                how = "error feedback" if feedback else "plain rounding"
                found[f"LS {taps} taps/{bits} bit, {how}"] = TimeDomainDBP(
                    link,
                    taps,
                    bandwidth=bandwidth,
                    formats=formats,
                    error_feedback=feedback,
                )
    return [
        store.row(name, SNR, snr(model, test)) for name, model in found.items()
    ]


def frequency_domain(link, steps):
    """With one step, the Kerr effect where the power is: better at 20 GBd."""
    split = "asymmetric" if steps == 1 else "symmetric"
    return FrequencyDomainDBP(link, steps, split=split)


def learned(store):
    """Real taps: the median of the seeds, and how far the first carries."""
    config, test = store.config, test_blocks(store)
    models = [learned_model(store, seed) for seed in range(config.seeds)]
    name, qam = f"learned {config.num_taps} taps", f"{config.qam}-QAM"
    found = [snr(model, test) for model in models]
    rows = [median_row(store, name, found)]
    model = models[0]
    rows.append(store.row(name, f"{SNR}, {qam}", snr(model, qam_blocks(store))))
    rows.append(ber_row(store, name, count_qam(store, model)))
    linear = EDC(config.link)
    rows.append(ber_row(store, "EDC", count_qam(store, linear)))
    for shift, blocks in shifted_blocks(store):
        ideal = snr(frequency_domain(config.link, 1), blocks)
        rows.append(
            store.row(
                name,
                f"{SNR}, {shift}",
                snr(model, blocks),
                against="frequency-domain DBP of one step, not told",
                against_value=ideal,
            )
        )
    return rows


def shifted_blocks(store):
    """Links other than the one that the model was trained on."""
    link, count = store.config.link, store.config.test_blocks // 3
    for change in (-1.0, 1.0):
        name = f"{change:+g} dB of power"
        power = link.launch_power + change
        yield (
            name,
            store.blocks(f"power{change:+g}", count, _SHIFTED, power=power),
        )
    for change in (-0.02, 0.02):
        other = dataclasses.replace(link, beta_2=link.beta_2 * (1 + change))
        yield (
            f"{100 * change:+g} % of dispersion",
            store.blocks(
                f"dispersion{100 * change:+g}", count, _SHIFTED, link=other
            ),
        )


def learned_model(store, seed):
    return store.model(
        f"learned-{seed}",
        lambda: train.learn(store.config, training_blocks(store), seed),
    )


def pruned(store):
    """Alternating lengths, and the curve on the way there."""
    if not store.config.prune_steps:
        return []
    test, model = test_blocks(store), pruned_model(store)
    rows = [
        store.row(
            f"pruned to {length:g} taps on average",
            f"{SNR}, while training",
            value,
        )
        for length, value in pruning_curve(store)
    ]
    lengths = " and ".join(str(taps) for taps in store.config.prune_to)
    name = f"pruned, {lengths} taps"
    rows.append(store.row(name, SNR, snr(model, test)))
    rows.append(ber_row(store, name, count_qam(store, model)))
    return rows


def pruning_curve(store):
    """Pairs of the mean length and the SNR while a run pruned."""
    return store.numbers("curve") if store.config.prune_steps else []


def pruned_model(store):
    """Keeps the curve of SNR against length, too."""
    test, curve = test_blocks(store), {}

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            length = round(logs["mean_taps"], 2)
            curve[length] = snr(self.model, test)

    def make():
        model = train.prune(
            store.config,
            training_blocks(store),
            learned_model(store, 0),
            0,
            [Watch()],
        )
        # Ahead of the model: who finds that one finds both.
        store.keep_numbers("curve", list(curve.items()))
        return model

    return store.model("pruned", make)


def quantized(store):
    """Rounded taps, with a real and with a rounded signal."""
    config, test = store.config, test_blocks(store)
    rows = []
    for signal_bits in (None, config.signal_bits):
        for bits in config.bits:
            name = f"{quantized_name(store)}/{bits} bit"
            if signal_bits:
                name += f", {signal_bits}-bit signal"
            models = [
                quantized_model(store, bits, signal_bits, seed)
                for seed in range(config.seeds)
            ]
            found = [snr(model, test) for model in models]
            rows.append(median_row(store, name, found))
            counted = count_qam(store, models[0])
            rows.append(ber_row(store, name, counted))
            drift = max(float(model.drift()) for model in models)
            rows.append(
                store.row(name, "largest drift of the scale", drift, "octaves")
            )
            if signal_bits:
                rows.append(
                    store.row(
                        name,
                        "numbers that differ from the layers', 50 blocks",
                        sum(differing_samples(x, test[0][:50]) for x in models),
                        "",
                        aim="== 0",
                    )
                )
    return rows


def unseen(store):
    """Once more on blocks by which no setting of the example was chosen."""
    config, blocks = store.config, unseen_blocks(store)
    made = {
        f"learned {config.num_taps} taps": lambda seed: learned_model(
            store, seed
        )
    }
    for signal_bits in (None, config.signal_bits):
        for bits in config.bits:
            name = f"{quantized_name(store)}/{bits} bit"
            if signal_bits:
                name += f", {signal_bits}-bit signal"
            made[name] = functools.partial(
                quantized_model, store, bits, signal_bits
            )
    return [
        median_row(
            store,
            name,
            [snr(make(seed), blocks) for seed in range(config.seeds)],
            metric=f"{SNR}, unseen blocks",
        )
        for name, make in made.items()
    ]


def quantized_name(store):
    """What is rounded."""
    config = store.config
    if not config.prune_first:
        return f"learned {config.num_taps} taps"
    lengths = " and ".join(str(taps) for taps in config.prune_to)
    return f"learned, pruned to {lengths} taps"


def quantized_model(store, bits, signal_bits, seed):
    return store.model(
        f"quantized-{bits}-{signal_bits}-{seed}",
        lambda: train.quantize(
            store.config,
            training_blocks(store),
            pruned_model(store)
            if store.config.prune_first
            else learned_model(store, seed),
            bits,
            signal_bits,
            seed,
        ),
    )


def median_row(store, name, found, metric=SNR):
    return store.row(
        name,
        metric,
        statistics.median(found),
        samples=found if len(found) > 1 else None,
        aim=store.config.aims.get(name),
    )
