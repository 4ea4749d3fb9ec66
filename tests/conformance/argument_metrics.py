"""The cases of metrics and losses."""

import numpy as np
from argument_cases import add
from backend_cases import (
    BITS,
    LABELS,
    NOISE,
    PROBABILITIES,
    SCORES,
    SIGNAL,
    normal,
)


def add_metrics():
    here = "keras_bp.metrics."
    maps = normal(2, 9, 9), normal(2, 9, 9, seed=4)
    for name in (
        "batch_classifier_scores",
        "class_histogram",
        "classes_hit",
        "classifier_score",
        "preactivation_histogram",
    ):
        add(
            here + name,
            lambda: dict(probabilities=PROBABILITIES),
            data=("probabilities",),
        )
    for name in ("isolated_pixels", "connected_components", "total_variation"):
        add(here + name, lambda: dict(images=BITS), data=("images",))
    # The rate of notes of a roll without a note is NaN.
    for name in ("polyphony_rate", "qualified_note_rate"):
        add(
            here + name,
            lambda: dict(piano_rolls=BITS),
            data=("piano_rolls",),
            unchecked=("piano_rolls",),
        )
    add(
        here + "used_pitches",
        lambda: dict(piano_rolls=BITS, steps_per_bar=4),
        data=("piano_rolls",),
    )
    add(here + "on_fraction", lambda: dict(samples=BITS), data=("samples",))
    add(
        here + "same_latent_distance", lambda: dict(draws=BITS), data=("draws",)
    )
    add(
        here + "hamming_distance",
        lambda: dict(samples=BITS[:2], others=BITS[2:4]),
        data=("samples", "others"),
    )
    add(
        here + "nearest_hamming_distance",
        lambda: dict(samples=BITS[:2], references=BITS[2:4]),
        data=("samples", "references"),
    )
    add(
        here + "bit_error_rate",
        lambda: dict(
            sent=np.array([0, 1, 1, 0]), received=np.array([0, 1, 0, 0])
        ),
        data=("sent", "received"),
        then=used_rate,
    )
    add(
        here + "BitErrorRate",
        lambda: dict(errors=120, bits=100_000),
        then=used_rate,
    )
    points = np.array([-1.0, 1.0])
    add(
        here + "error_vector_magnitude",
        lambda: dict(
            received=np.array([1.1, 1.1j]), sent=np.array([1.0, 1.0j])
        ),
        data=("received", "sent"),
    )
    add(
        here + "generalized_mutual_information",
        lambda: dict(
            received=np.array([-1.1, 1.2, 0.9, -1.0]),
            sent_indices=np.array([0, 1, 1, 0]),
            points=points,
            labels=np.array([[0], [1]]),
        ),
        data=("received", "sent_indices", "points", "labels"),
    )
    add(
        here + "frechet_distance",
        lambda: dict(real=normal(30, 3), generated=normal(30, 3, seed=8)),
        data=("real", "generated"),
    )
    add(
        here + "precision_recall_density_coverage",
        lambda: dict(real=normal(30, 3), generated=normal(30, 3, seed=8)),
        data=("real", "generated"),
    )
    add(
        here + "gaussian_frechet_distance",
        lambda: dict(
            mean=np.zeros(2),
            covariance=np.eye(2),
            other_mean=np.ones(2),
            other_covariance=2 * np.eye(2),
        ),
        data=("mean", "covariance", "other_mean", "other_covariance"),
    )
    # No error at all is an infinite ratio.
    add(
        here + "q_factor",
        lambda: dict(bit_error_rate=np.array([1e-3])),
        data=("bit_error_rate",),
        infinite=True,
    )
    add(
        here + "q_factor_to_bit_error_rate",
        lambda: dict(q_factor_db=np.array([9.8])),
        data=("q_factor_db",),
    )
    add(
        here + "qam_bit_error_rate",
        lambda: dict(order=16, snr_db=np.array([12.0])),
        data=("snr_db",),
    )
    add(
        here + "EffectiveSNR",
        dict,
        free=("name",),
        keep=("dtype",),
        then=updated(SIGNAL, SIGNAL + 0.1),
    )
    add(
        here + "FlipRatio",
        lambda: dict(shape=(4, 6), threshold=0.5),
        free=("name",),
        keep=("dtype",),
        then=updated(NOISE),
    )
    here = "keras_bp.visualization.metrics."
    for name in ("structural_similarity", "class_distance"):
        add(
            here + name,
            lambda: dict(first=maps[0], second=maps[1]),
            data=("first", "second"),
        )
    add(
        here + "recovery_correlation",
        lambda: dict(maps=maps[0], images=maps[1]),
        data=("maps", "images"),
    )


def used_rate(found):
    return [found.value, found.interval(), found.upper_bound()]


def updated(*arrays):
    def use(metric):
        metric.update_state(*arrays)
        metric.update_state(*arrays)
        again = type(metric).from_config(metric.get_config())
        assert again.get_config() == metric.get_config()
        return metric.result()

    return use


def add_losses():
    here = "keras_bp.losses."
    y, scores = LABELS[:, None].astype("float32"), SCORES[:, None]

    def use(loss):
        again = type(loss).from_config(loss.get_config())
        assert again.get_config() == loss.get_config()
        return loss(y, scores)

    for name, given in (
        ("PairwiseAUC", {}),
        ("PartialAUC", {"max_fpr": 0.4}),
        ("PrecisionAtRecall", {"recall": 0.7}),
        ("SoftFBeta", {}),
    ):
        add(here + name, lambda given=given: given, then=use, free=("name",))
    add(
        here + "PhaseAlignedError",
        dict,
        free=("name",),
        keep=("dtype", "reduction"),
        then=lambda loss: loss(SIGNAL, SIGNAL + 0.1),
    )
    add(
        here + "phase_aligned_error",
        lambda: dict(y_true=SIGNAL, y_pred=SIGNAL + 0.1),
        data=("y_true", "y_pred"),
    )


add_metrics()
add_losses()
