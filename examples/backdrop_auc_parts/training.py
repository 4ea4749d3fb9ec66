"""One run: trains, and measures as it goes."""

import time

import numpy as np

from examples.backdrop_auc_parts import methods

# From one measure to the next, once the epochs are over.
_GROWTH = 1.15


def area(y, scores):
    """Area under the ROC curve, 0.5 where scores are not finite."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, scores)) if np.isfinite(scores).all() else 0.5


def curve(session, name, seed, rate, parts, study, seconds):
    """Trains for the epochs and steps of a study, and the seconds at least.

    Seconds are those of the processor, so that other work on the machine does
    not count, less those for compiling and for measuring.

    Args:
        session: Object of `methods.session`.
        name: String, of `methods.NAMES`.
        seed: Integer.
        rate: Float, the learning rate.
        parts: Dictionary of `Problem.parts`.
        study: `Study`.
        seconds: Float, or 0.

    Returns:
        List of dictionaries with `"epochs"`, `"seconds"`, and the areas for
        `"validation"` and `"test"`.
    """
    x, y = parts["train"]
    piece = max(study.epochs // study.pieces, 1)
    least = max(
        study.epochs_of(budget, name in methods.MASKED, len(y))
        for budget in study.budgets()
    )

    def orders(done):
        return np.concatenate(
            [
                methods.order(name, y, seed, done + k, study.batch)
                for k in range(piece)
            ]
        )

    session.begin(seed, rate, x, y, orders(0))
    done, spent, found = 0, 0.0, []
    while True:
        order = orders(done)
        begin = time.process_time()
        session.advance(order)
        spent += time.process_time() - begin
        done += piece
        over = done >= least and (
            spent >= seconds or done >= study.most * study.epochs
        )
        last = found[-1]["epochs"] if found else 0
        told = done - piece < study.epochs or done >= _GROWTH * last
        if over or told or done - piece < least <= done:
            areas = {
                part: area(parts[part][1], session.scores(parts[part][0]))
                for part in ("validation", "test")
            }
            found.append({"epochs": done, "seconds": spent, **areas})
        if over:
            return found


def at_epochs(points, epochs):
    """The measure after so many epochs."""
    return next(point for point in points if point["epochs"] >= epochs)


def at_seconds(points, seconds):
    """The last measure within some time, or the first."""
    within = [point for point in points if point["seconds"] <= seconds]
    return (within or points[:1])[-1]
