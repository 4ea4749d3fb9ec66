"""Public functions with numbers to try them on, in `keras.ops` alone.

`test_backends.py` runs them on each backend, and compares with TensorFlow.
"""

import dataclasses

import numpy as np
from keras import ops as tensors

from keras_bp import losses, metrics, ops, optics
from keras_bp.ops import FixedPoint
from keras_bp.visualization import metrics as map_metrics


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype("float32")


@dataclasses.dataclass(frozen=True)
class Case:
    """A function of float arrays, and arrays to call it with.

    Attributes:
        name: String; what comes before a comma is what is public.
        function: Function of tensors to a tensor, or to plain numbers.
        arrays: Tuple of arrays.
        differentiable: Boolean, whether it passes gradients to the first.
    """

    name: str
    function: object
    arrays: tuple
    differentiable: bool = True


X, NOISE = normal(4, 6), uniform(4, 6, seed=1)
SIGNAL = normal(2, 12, 4, seed=2)
NORMS = uniform(4, 1, seed=3)
BITS = (uniform(5, 16, 16, seed=4) < 0.3).astype("float32")
SCORES, LABELS = uniform(12, seed=5), np.arange(12) % 3 == 0
PROBABILITIES = uniform(70, 4, seed=6)
PROBABILITIES /= PROBABILITIES.sum(-1, keepdims=True)
FORMATS = {
    "plain": FixedPoint(6, 4),
    "wraps": FixedPoint(6, 4, overflow="wrap", rounding="truncate"),
    "even": FixedPoint(6, 4, rounding="nearest_even"),
    "few digits": FixedPoint(6, 4, max_digits=2),
}


def cases():
    yield from _neurons()
    yield from _nodes()
    yield from _costs()
    yield from _numbers()
    yield from _signals()
    yield from _masks()
    yield from _proximal()
    yield from _losses()
    yield from _metrics()
    yield from _bit_metrics()
    yield from _received()
    yield from _optics()


def _neurons():
    for mode in ("deterministic", "stochastic"):
        for estimator in ops.binary_estimators(mode):

            def bits(x, noise, mode=mode, estimator=estimator):
                noise = noise if mode == "stochastic" else None
                return ops.binarize(x, mode, estimator, 1.5, noise, 0.5)

            yield Case(f"binarize, {mode}, {estimator}", bits, (X, NOISE))


def _nodes():
    for kind in ("bernoulli", "one_hot", "normal", "mvn_diag"):
        for name in ops.node_estimators(kind, "local"):
            rule = ops.get_node_estimator(name, kind).rule

            def sample(x, noise, kind=kind, rule=rule):
                found = ops.node_distribution(kind, x)
                return rule(found, noise[:, : found.mean().shape[-1]], 0.5)

            yield Case(
                f"get_node_estimator, {kind}, {name}", sample, (X, NOISE)
            )

        def log_prob(x, kind=kind):
            found = ops.node_distribution(kind, x)
            return found.joint_log_prob(tensors.stop_gradient(found.mode()))

        def score(x, kind=kind):
            found = ops.node_distribution(kind, x)
            return tensors.concatenate(found.score(found.mean() + 0.5), -1)

        yield Case(f"node_distribution, {kind}", log_prob, (X,))
        yield Case(f"node_distribution, score of {kind}", score, (X,), False)


def _costs():
    for kind in ("bernoulli", "one_hot", "normal"):
        for name in ops.node_estimators(kind, "cost"):
            found = ops.get_node_estimator(name, kind)
            if found.enumerates:
                yield Case(
                    f"get_node_estimator, {kind}, {name}",
                    lambda x, kind=kind: ops.node_distribution(
                        kind, x[:, :2]
                    ).states(),
                    (X,),
                    False,
                )
                continue

            def estimate(x, noise, kind=kind, rule=found.rule):
                return rule(_problem(kind, x, noise))

            yield Case(
                f"get_node_estimator, {kind}, {name}",
                lambda *given, estimate=estimate: estimate(*given).surrogate,
                (X, NOISE),
            )
            if found.critic:
                yield Case(
                    f"get_node_estimator, {kind}, critic of {name}",
                    lambda *given, estimate=estimate: (
                        estimate(*given).critic_gradients
                    ),
                    (X, NOISE),
                    False,
                )


def _problem(kind, x, noise):
    """What a node above a smooth cost gives to its estimator."""
    found = ops.node_distribution(kind, x)
    noise = noise[:, : found.mean().shape[-1]]
    value = tensors.stop_gradient(found.sample(noise))

    def cost(value, take=None):
        weights = tensors.arange(1, value.shape[-1] + 1, dtype="float32")
        each = 0.7 * tensors.square(value) + weights * value
        return tensors.sum(each, axis=-1)

    return ops.NodeProblem(
        distribution=found,
        noise=noise,
        value=value,
        cost=cost(value),
        evaluate=cost,
        train=cost,
        others=lambda costs: (tensors.sum(costs) - costs) / 3,
        draw=lambda: 0.9 * noise + 0.05,
        critic_weights=[tensors.convert_to_tensor([0.5, 0.8])],
        critic=lambda value, params, weights: tensors.sum(
            tensors.tanh(weights[0][0] * value) * weights[0][1], axis=-1
        ),
        control=lambda weights: (weights[0][0], weights[0][1]),
        bound=lambda signal: tensors.reshape(
            signal(tensors.reshape(cost(value), (-1, 1))), (-1,)
        ),
    )


def _numbers():
    values = 3 * X
    for name, form in FORMATS.items():
        for gradient in ("zero", "inward"):

            def rounded(x, form=form, gradient=gradient):
                return ops.quantize_fixed_point(x, form, None, gradient)

            yield Case(
                f"quantize_fixed_point, {name}, {gradient}", rounded, (values,)
            )
    real = FixedPoint(6, 4, scale="real")
    yield Case(
        "quantize_fixed_point, of its step",
        lambda step, x: ops.quantize_fixed_point(x, real, step),
        (np.float32(-3.3), values),
    )
    yield Case(
        "fixed_point_step",
        lambda step: ops.fixed_point_step(real, step),
        (np.float32(-3.3),),
    )
    yield Case(
        "overflow_rate",
        lambda x: ops.overflow_rate(x, FORMATS["plain"]),
        (values,),
        False,
    )
    integers = np.arange(-9, 30)
    yield Case("signed_digits", lambda: ops.signed_digits(integers), (), False)


def _signals():
    taps = normal(3, 4, 2, seed=3)
    for padding in ("valid", "same", "causal", "circular"):
        for strides in (1, 2):
            if (padding, strides) == ("same", 2):
                continue

            def filtered(x, taps, padding=padding, strides=strides):
                return ops.fir(x, taps, padding, strides)

            name = f"fir, {padding}, {strides}"
            yield Case(name, filtered, (SIGNAL, taps))
        yield Case(
            f"pad_signal, {padding}",
            lambda x, padding=padding: ops.pad_signal(x, 3, padding),
            (SIGNAL,),
        )
    pairs = normal(3, 2, 2, 2, seed=4)
    yield Case("complex_taps_to_real", ops.complex_taps_to_real, (pairs,))
    yield Case("symmetric_taps", ops.symmetric_taps, (taps,))
    for method in ("exact", "taylor2", "taylor3"):
        yield Case(
            f"kerr_rotation, {method}",
            lambda theta, u, method=method: ops.kerr_rotation(u, theta, method),
            (uniform(2, 12, 1, seed=5), SIGNAL),
        )


def _masks():
    for scale in ("empirical", "inverse", "none"):
        yield Case(
            f"backdrop_mask, {scale}",
            lambda noise, scale=scale: ops.backdrop_mask(
                noise, 0.6, (1,), scale
            ),
            (NOISE,),
            False,
        )
    yield Case("mask_gradient", ops.mask_gradient, (X, NOISE))
    for rule in ("guided", "deconvnet", "vanilla"):
        yield Case(
            f"guided_relu, {rule}",
            lambda x, rule=rule: ops.guided_relu(x, rule, 0.8, 0.1, 0.2),
            (X,),
        )


def _proximal():
    targets = PROBABILITIES[:4]
    logits = X[:, :4]
    for name, function, wanted in (
        ("proximal_squared", ops.proximal_squared, X[:, 2:]),
        ("proximal_sigmoid", ops.proximal_sigmoid, NOISE[:, :4]),
        ("proximal_softmax", ops.proximal_softmax, targets),
    ):
        yield Case(name, function, (logits, wanted, NORMS), False)
    for activation in ("leaky_relu", "tanh", "gelu", "arctan", "elu"):
        slope = {"negative_slope": 0.1} if activation == "leaky_relu" else {}
        yield Case(
            f"proximal_unit, {activation}",
            lambda *given, activation=activation, slope=slope: (
                ops.proximal_unit(*given, activation, **slope)
            ),
            (X, NOISE, NORMS),
            False,
        )


def _losses():
    for loss in (
        losses.PairwiseAUC(),
        losses.PartialAUC(0.4),
        losses.PrecisionAtRecall(0.7),
        losses.SoftFBeta(),
    ):
        yield Case(
            type(loss).__name__,
            lambda scores, labels, loss=loss: loss(labels, scores),
            (SCORES[:, None], LABELS[:, None].astype("float32")),
        )
    for loss in (losses.PhaseAlignedError(), losses.phase_aligned_error):
        yield Case(
            getattr(loss, "__name__", type(loss).__name__),
            lambda y, x, loss=loss: loss(x, y),
            (SIGNAL, normal(2, 12, 4, seed=9)),
        )


def _metrics():
    def updated(make):
        def run(*arrays):
            metric = make()
            metric.update_state(*arrays)
            metric.update_state(*arrays)
            return metric.result()

        return run

    yield Case(
        "EffectiveSNR",
        updated(metrics.EffectiveSNR),
        (SIGNAL, SIGNAL + 0.1 * normal(2, 12, 4, seed=9)),
        False,
    )
    flips = updated(lambda: metrics.FlipRatio((4, 6), threshold=0.5))
    yield Case("FlipRatio", flips, (NOISE,), False)
    for name in (
        "batch_classifier_scores",
        "class_histogram",
        "classes_hit",
        "classifier_score",
        "preactivation_histogram",
    ):
        yield Case(
            name,
            lambda x, name=name: getattr(metrics, name)(x),
            (PROBABILITIES,),
            False,
        )
    real, made = normal(30, 3, seed=7), normal(30, 3, seed=8)
    for name in ("frechet_distance", "precision_recall_density_coverage"):
        yield Case(name, getattr(metrics, name), (real, made), False)
    yield Case(
        "gaussian_frechet_distance",
        lambda: metrics.gaussian_frechet_distance(
            np.zeros(2), np.eye(2), np.ones(2), 2 * np.eye(2)
        ),
        (),
        False,
    )
    maps = normal(2, 9, 9, seed=3), normal(2, 9, 9, seed=4)
    for name in ("structural_similarity", "class_distance"):
        yield Case(name, getattr(map_metrics, name), maps, False)


def _bit_metrics():
    for name in (
        "connected_components",
        "isolated_pixels",
        "on_fraction",
        "polyphony_rate",
        "qualified_note_rate",
        "total_variation",
    ):
        yield Case(name, getattr(metrics, name), (BITS,), False)
    yield Case(
        "used_pitches", lambda x: metrics.used_pitches(x, 4), (BITS,), False
    )
    yield Case(
        "same_latent_distance", metrics.same_latent_distance, (BITS,), False
    )
    for name in ("hamming_distance", "nearest_hamming_distance"):
        yield Case(name, getattr(metrics, name), (BITS[:2], BITS[2:4]), False)


def _received():
    constellation = optics.Constellation(16)
    sent = np.arange(64) % constellation.order
    points = np.asarray(constellation.points)
    noisy = points[sent] + 0.1 * normal(64) + 0.1j * normal(64, seed=1)
    yield Case(
        "generalized_mutual_information",
        lambda: metrics.generalized_mutual_information(
            noisy, sent, points, constellation.labels
        ),
        (),
        False,
    )
    yield Case(
        "error_vector_magnitude",
        lambda: metrics.error_vector_magnitude(noisy, points[sent]),
        (),
        False,
    )
    counted = metrics.bit_error_rate([0, 1, 1, 0] * 50, [0, 1, 0, 0] * 50)
    yield Case(
        "bit_error_rate",
        lambda: [counted.value, *counted.interval(), counted.upper_bound()],
        (),
        False,
    )
    rate = metrics.qam_bit_error_rate(16, 12.0)
    yield Case("qam_bit_error_rate", lambda: rate, (), False)
    yield Case("q_factor", lambda: metrics.q_factor(rate), (), False)
    yield Case(
        "q_factor_to_bit_error_rate",
        lambda: metrics.q_factor_to_bit_error_rate(metrics.q_factor(rate)),
        (),
        False,
    )


def _optics():
    link = optics.FiberLink(num_spans=2)
    x = normal(2, 64, 2)
    for make in (
        optics.EDC,
        optics.Equalizer,
        optics.TimeDomainDBP,
        optics.LearnedDBP,
    ):
        yield Case(make.__name__, lambda x, make=make: make(link)(x), (x,))
    yield Case("align_phase", optics.align_phase, (x, x + 0.1), False)
