"""What `benchmarks.optics` measures."""

import functools
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import hlo_memory, optics_rivals, results, timing
from keras_bp.losses import PhaseAlignedError
from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import (
    FiberLink,
    FrequencyDomainDBP,
    LearnedDBP,
    simulate,
    split_step,
)

_SAMPLES, _STEPS = 6144, 25
_LIMITS = {"complex64": "<= 2.0", "complex128": "<= 2.5"}


def propagation():
    """Time per step of the channel against rivals and against its limit."""
    rows = []
    for batch in (1, 64):
        for dtype in _LIMITS:
            rows += _propagation(batch, dtype)
    return rows


def _propagation(batch, dtype):
    link = FiberLink()
    rng = np.random.default_rng(0)
    field = rng.normal(size=(batch, 1, _SAMPLES, 2)) @ [1, 1j]
    field = tf.constant(field * 0.02, dtype)
    functions = {
        f"ours, {'XLA' if jit else 'graph'}": _compiled(
            lambda u: split_step(u, link, _STEPS), field, jit
        )
        for jit in (False, True)
    }
    functions |= {
        f"{name}, {'XLA' if jit else 'graph'}": _compiled(loop, field, jit)
        for name, loop in (
            ("FFT pair", _pairs),
            ("apart", functools.partial(_apart, link=link)),
        )
        for jit in (False, True)
    }
    functions |= optics_rivals.propagations(link, field.numpy(), _STEPS)
    times = timing.compare(functions, rounds=7, seconds_per_round=0.05)
    middle = {name: statistics.median(found) for name, found in times.items()}
    best = {
        name: min((f"{name}, graph", f"{name}, XLA"), key=middle.get)
        for name in ("ours", "FFT pair", "apart")
    }
    aims = {best["FFT pair"]: _LIMITS[dtype], best["apart"]: "<= 1.3"}
    rivals = [name for name in functions if name.split(",")[0] not in best]
    rows = []
    for against in (best["FFT pair"], best["apart"], *rivals):
        ratios = timing.ratios(times, best["ours"], against)
        each = middle[against] / _STEPS * 1e3
        told = f"against {against} ({each:.3f} ms a step)"
        rows.append(
            results.row(
                f"split step {batch}x{_SAMPLES}, {dtype}",
                told,
                statistics.median(ratios),
                "times",
                samples=ratios,
                against=f"ours by {best['ours'].split(', ')[1]}",
                aim=aims.get(against, "<= 1.0"),
            )
        )
    return rows


def _compiled(function, field, jit):
    run = tf.function(function, jit_compile=jit)
    return lambda: run(field).numpy()


def _repeat(step, field):
    return tf.while_loop(
        lambda index, _: index < _STEPS,
        lambda index, u: (index + 1, step(u)),
        (0, field),
        maximum_iterations=_STEPS,
    )[1]


def _pairs(field):
    """One forward and inverse transform per step, and nothing else."""
    return _repeat(lambda u: tf.signal.ifft(tf.signal.fft(u)), field)


def _apart(field, link):
    """The transforms of all steps, then the pointwise work of all steps.

    Its phases are as large as those of the channel: how long a cosine takes
    depends on that.
    """
    field = _pairs(field)
    kerr = link.effective_gamma * link.span_length / _STEPS
    response = tf.cast(
        tf.exp(1j * tf.cast(tf.range(_SAMPLES), field.dtype)), field.dtype
    )

    def pointwise(u):
        real, imag = tf.math.real(u), tf.math.imag(u)
        phase = (real * real + imag * imag) * kerr
        return u * tf.complex(tf.cos(phase), tf.sin(phase)) * response

    return _repeat(pointwise, field)


def training():
    """Learning the 25 spans of the ISIT link, from blocks in memory."""
    link = FiberLink.isit()
    begin = time.perf_counter()
    train = simulate(link, 1000, seed=1)
    simulated = time.perf_counter() - begin
    test = simulate(link, 300, seed=2)
    name = "LearnedDBP, 25 spans, 9 taps"
    best = FrequencyDomainDBP(link)
    rows = [
        results.row(name, "simulation of 1,000 blocks", simulated, "s"),
        results.row(
            "frequency-domain DBP, 1 step per span",
            "test SNR",
            _test_snr(best, test),
            "dB",
        ),
    ]
    for batch, steps, limit in ((100, 1500, 80), (50, 500, 25)):
        rows += _trained(link, train, test, batch, steps, limit)
    return [*rows, _without_xla(link, train)]


def _without_xla(link, train):
    """What Keras does on a CPU by default."""
    model = LearnedDBP(link, num_taps=9)
    model.compile("adam", PhaseAlignedError(), jit_compile=False)
    part = tuple(x[:100] for x in train)
    model.train_on_batch(*part)
    seconds = []
    for _ in range(20):
        begin = time.perf_counter()
        model.train_on_batch(*part)
        seconds.append(1e3 * (time.perf_counter() - begin))
    return results.row(
        "LearnedDBP, 25 spans, 9 taps, batch 100",
        "time per step in graph mode",
        statistics.median(seconds),
        "ms",
        samples=seconds,
    )


def _trained(link, train, test, batch, steps, limit):
    """A whole run, from the design to the last step."""
    keras.utils.set_random_seed(0)
    begin = time.perf_counter()
    model = LearnedDBP(link, num_taps=9)
    model.build((None, *train[0].shape[1:]))
    rate = keras.optimizers.schedules.CosineDecay(4e-3, steps, 0.02)
    optimizer = keras.optimizers.Adam(rate, beta_1=0.95, beta_2=0.9)
    # Built by the first step instead, it would be traced twice.
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, PhaseAlignedError(), jit_compile=True)
    data = tf.data.Dataset.from_tensor_slices(train).cache()
    data = data.shuffle(1000, seed=0).repeat().batch(batch).prefetch(2)
    seconds = []
    # The first step compiles.
    for part in (1, *np.diff(np.linspace(1, steps, 11, dtype=int))):
        start = time.perf_counter()
        model.fit(data, steps_per_epoch=int(part), shuffle=False, verbose=0)
        seconds.append((time.perf_counter() - start) / part)
    total = time.perf_counter() - begin
    each = [1e3 * one for one in seconds[1:]]
    name = f"LearnedDBP, 25 spans, 9 taps, batch {batch}"
    told = f"{int(optimizer.iterations.numpy()):,} steps"
    return [
        results.row(name, f"{told}, all", total, "s", aim=f"<= {limit}"),
        results.row(name, "first step, compiling", seconds[0], "s"),
        results.row(
            name, "time per step", statistics.median(each), "ms", samples=each
        ),
        results.row(
            name,
            f"test SNR after {told}",
            _test_snr(model, test),
            "dB",
            aim=">= 22.5",
        ),
    ]


def _test_snr(model, test):
    metric = EffectiveSNR()
    metric.update_state(test[1], model.predict(test[0], 100, verbose=0))
    return float(metric.result())


def memory():
    """Temporary memory and time of a train step, and how they grow."""
    rows = []
    for batch, taps, spans in (
        (100, 9, 25),
        (200, 9, 25),
        (100, 9, 50),
        (100, 31, 25),
    ):
        found = {
            recompute: _step_cost(batch, taps, spans, recompute)
            for recompute in (False, True)
        }
        name = f"train step, batch {batch}, {taps} taps, {spans} steps"
        (plain, plain_ms), (less, less_ms) = found[False], found[True]
        rows += [
            results.row(name, "temporary memory", plain, "MB"),
            results.row(
                name,
                "temporary memory with recompute=True",
                less,
                "MB",
                against="without",
                against_value=plain,
            ),
            results.row(name, "time", plain_ms, "ms"),
            results.row(
                name,
                "time with recompute=True",
                less_ms,
                "ms",
                against="without",
                against_value=plain_ms,
            ),
        ]
    return rows


def _step_cost(batch, taps, spans, recompute):
    """Megabytes that XLA plans for a step beside its arguments, and ms."""
    link = FiberLink.isit(num_spans=spans)
    model = LearnedDBP(link, num_taps=taps, recompute=recompute)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(batch, 512, 2)), "float32")
    y = tf.constant(rng.normal(size=(batch, 256, 2)), "float32")
    model.build(x.shape)
    loss = PhaseAlignedError()

    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        return tape.gradient(value, model.trainable_variables)

    compiled = tf.function(step, jit_compile=True)
    planned = _temporary_bytes(compiled, x, y)

    def run():
        compiled(x, y)[0].numpy()

    times = timing.compare({"step": run}, rounds=5)["step"]
    return planned / 1e6, statistics.median(times) * 1e3


def _temporary_bytes(compiled, *arguments):
    """What the largest allocation of the plan takes, from its HLO."""
    make = compiled.experimental_get_compiler_ir(*arguments)
    text = make(stage="optimized_hlo")
    return hlo_memory.peak_bytes(text)
