"""Tables of generators, from their rows."""

import types

import pytest

from benchmarks import binary_gan_pages as pages
from benchmarks import results

DISTANCE = "Frechet distance of features"
ISOLATED = "isolated pixels, 4 neighbors"


def row(name, metric, value, **others):
    return results.row(f"mnist/{name}", metric, value, "", **others)


def made(*more):
    paper = "mlp, wgan-gp, dbn, paper, 20 epochs"
    published = "mlp, wgan-gp, real, published, 20 epochs"
    rows = [
        row("test images", DISTANCE, 0.447),
        row(paper, DISTANCE, 11.4, samples=[11.1, 11.7]),
        row(paper, ISOLATED, 1.09, samples=[1.03, 1.15]),
        # Of one run: its interval is no range of seeds.
        row("cnn, wgan-gp, sbn, paper, 5 epochs", DISTANCE, 133.0),
        row(
            "cnn, wgan-gp, sbn, paper, 5 epochs",
            ISOLATED,
            43.5,
            samples=[43.0, 44.0],
            against="published grid of 64 (0.38)",
            aim="<= 0.22",
        ),
        row(published.replace("ed, 20", "ed, threshold, 20"), DISTANCE, 9.0),
        row(
            published,
            "probabilities below 1/255",
            0.1,
            against="published",
            against_value=0.0,
        ),
        *more,
    ]
    return types.SimpleNamespace(rows=rows)


def test_runs_are_told_by_distance_and_beside_what_is_published():
    text = pages.tables(made())
    lines = [x.strip("| ").split(" | ") for x in text.splitlines()]
    starts = [x[:6] for x in lines if x[0] in ("MLP", "CNN")]
    assert starts == [
        ["MLP", "wgan-gp", "real, threshold", "published", "20", "9.00"],
        ["MLP", "wgan-gp", "dbn", "paper", "20", "11.4 (11.1 to 11.7)"],
        ["CNN", "wgan-gp", "sbn", "paper", "5", "133"],
        ["MLP", "wgan-gp", "real, threshold", "published", "20", ""],
        ["CNN", "wgan-gp", "sbn", "paper", "5", "43.5 (0.380)"],
    ]
    assert "| 1.09 (1.03 to 1.15) |" in text and "| 43.5 |" in text
    # A histogram is that of both ends, and a published share may be none.
    assert "| 0.100 (0) |" in text


def test_other_networks_stand_at_the_end():
    text = pages.tables(
        made(row("cnn, wgan, dbn, paper, 5 epochs", DISTANCE, 1.0))
    )
    lines = [x for x in text.splitlines() if x.startswith(("| MLP", "| CNN"))]
    assert [x.split(" | ")[1] for x in lines[:4]] == 3 * ["wgan-gp"] + ["wgan"]


def test_a_name_of_another_form_is_refused():
    with pytest.raises(ValueError, match="names of runs"):
        pages.tables(made(row("new", DISTANCE, 1.0)))
