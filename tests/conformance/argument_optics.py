"""The cases of the fiber link and data sets."""

import tempfile

import numpy as np
from argument_cases import add, cached
from argument_models import figure
from backend_cases import normal

from keras_bp import optics
from keras_bp.ops import FixedPoint

FIELD = (1e-2 * (normal(2, 1, 48) + 1j * normal(2, 1, 48, seed=1))).astype(
    "complex64"
)


@cached
def link():
    return optics.FiberLink(num_spans=1)


def add_optics():
    here = "keras_bp.optics."
    x = normal(2, 64, 2)
    for name in (
        "EDC",
        "Equalizer",
        "FrequencyDomainDBP",
        "TimeDomainDBP",
        "LearnedDBP",
    ):
        add(here + name, lambda: dict(link=link()), then=lambda found: found(x))
    add(
        here + "Constellation",
        dict,
        then=lambda found: [found.points, found.labels],
    )
    add(here + "DBPFormats", dict, then=lambda found: found.get_config())
    add(
        here + "FiberLink",
        lambda: dict(num_spans=1),
        then=lambda found: (
            [found.effective_length, found.dispersion_length]
            if hasattr(found, "dispersion_length")
            else found.effective_length
        ),
    )
    add(
        here + "align_phase",
        lambda: dict(received=FIELD, sent=FIELD + 0.1),
        data=("received", "sent"),
    )
    add(
        here + "dispersion_filter",
        lambda: dict(num_taps=9, beta_2=-21.683, length=80.0, sample_rate=21.4),
    )
    add(
        here + "draw_symbols",
        lambda: dict(modulation=16, shape=(2, 3), rng=np.random.default_rng(0)),
    )

    def given():
        return dict(u=FIELD, link=link())

    add(here + "edfa", given, data=("u",))
    add(here + "receiver", given, data=("u",))
    add(here + "split_step", lambda: dict(given(), num_steps=2), data=("u",))
    add(
        here + "reversible_split_step",
        lambda: dict(given(), num_steps=2),
        data=("u",),
    )
    add(
        here + "adaptive_split_step",
        lambda: dict(given(), max_steps=5),
        data=("u",),
    )
    add(
        here + "modulated",
        lambda: dict(symbols=FIELD[:, None, :, :8], link=link()),
        data=("symbols",),
    )
    add(
        here + "error_feedback",
        lambda: dict(
            filters=[np.array([0.3])] * 3, tap_format=FixedPoint(4, 2)
        ),
        data=("filters",),
    )
    add(
        here + "root_raised_cosine",
        lambda: dict(num_samples=8, samples_per_symbol=2, roll_off=0.1),
    )
    few = dict(
        num_blocks=1, symbols_per_block=16, steps_per_span=1, batch_size=1
    )
    add(here + "simulate", lambda: dict(few, link=link()))
    add(
        here + "link_dataset",
        lambda: dict(few, link=link()),
        accepts=(OSError,),
        then=lambda found: None,
    )
    add(
        here + "plot_constellation",
        lambda: dict(axes=figure().subplots(), received=FIELD),
        then=lambda found: None,
        data=("received",),
        free=("title",),
    )
    add(
        here + "plot_power_sweep",
        lambda: dict(
            axes=figure().subplots(), curves={"a": {0.0: 10.0, 1.0: 11.0}}
        ),
        then=lambda found: None,
    )


def add_datasets():
    here = "keras_bp.datasets."
    # Whatever the arguments, there may be no data.
    missing = dict(accepts=(OSError,), then=lambda found: None)
    empty = tempfile.gettempdir()
    add(here + "load_digits", lambda: dict(data_dir=empty), **missing)
    add(here + "load_piano_rolls", lambda: dict(data_dir=empty), **missing)
    add(here + "load_uci", lambda: dict(name="iris", data_dir=empty), **missing)
    add(
        here + "gp_textures",
        lambda: dict(num_images=2, size=16, lengths=((1.0, 2.0), (4.0, 5.0))),
    )
    add(
        here + "DispersiveLink",
        dict,
        then=lambda found: found.simulate(1, 16, seed=0),
    )


add_optics()
add_datasets()
