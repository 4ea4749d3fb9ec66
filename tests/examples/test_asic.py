import dataclasses
import shutil

import numpy as np
import pytest

from examples.asic_parts import (
    SWEEPS,
    compare,
    designs,
    figures,
    gates,
    sweep,
    targets,
)
from examples.learned_dbp_parts import Store
from keras_bp.optics import FiberLink, TimeDomainDBP
from tflite_export import ChainSpec, cost

TINY = dataclasses.replace(
    SWEEPS["small"],
    base=dataclasses.replace(
        SWEEPS["small"].base,
        link=FiberLink.isit(num_spans=2, launch_power=4.0),
        simulation_steps=4,
        train_blocks=8,
        test_blocks=6,
        qam_blocks=8,
        symbols=128,
        steps=10,
        batch=4,
        closing_every=1,
        closing_blocks=4,
    ),
    ls_taps=(5, 7),
    ls_bits=(6,),
    learned=((5, 6), ((5, 3), 6)),
    prune_from=5,
    prune_steps=10,
    search_sweeps=0,
    signal_bits=(10, 12),
    levels=(2.0,),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = Store(tmp_path_factory.mktemp("asic"), TINY.base, "tiny", verbose=0)
    for piece in sweep.pieces(TINY):
        sweep.measure(found, TINY, piece)
    return found


@pytest.mark.slow
def test_every_design_is_measured_once(store, monkeypatch):
    found = sweep.measured(store, TINY)
    assert len(found) == 2 * 2 + 2 * 2
    assert {x.family for x in found} == {"LS", "learned"}
    assert {x.taps for x in found} == {5, 7, (5, 3)}
    assert all(np.isfinite(x.snr) for x in found)
    assert sweep.left(store, TINY) == []
    monkeypatch.setattr(sweep, "best_gain", None)
    for piece in sweep.pieces(TINY):
        sweep.measure(store, TINY, piece)


@pytest.mark.slow
def test_the_integers_are_those_of_the_model(store):
    design = designs.Design("LS", 7, 6, 10, gain=0.85)
    link = TINY.base.link
    plain = TimeDomainDBP(link, 7, bandwidth=0.6, input_gain=0.85)
    model = TimeDomainDBP(
        link,
        7,
        bandwidth=0.6,
        input_gain=0.85,
        formats=plain.formats_for(6, 10),
        method="taylor2",
        error_feedback=True,
    )
    model.build((None, 128, 2))
    wanted = ChainSpec.from_layer(model)
    found = sweep.chain(store, TINY, design)
    assert found.stages == wanted.stages
    assert found.output_gain == pytest.approx(wanted.output_gain)
    # Two lengths in turns are there.
    pruned = sweep.chain(store, TINY, designs.Design("learned", (5, 3), 6, 10))
    assert [len(x.taps) for x in sweep.filters(pruned)] == [5, 3]


@pytest.mark.slow
def test_adders_are_fewer_than_digits_and_grow_with_taps(store):
    costs = [
        sweep.adder_cost(
            sweep.chain(store, TINY, designs.Design("LS", taps, 6, 10))
        )
        for taps in (5, 7)
    ]
    assert 0 < costs[0] < costs[1]


@pytest.mark.slow
@pytest.mark.hardware
def test_families_are_compared_as_gates(store, tmp_path):
    if not shutil.which("yosys") or not shutil.which("sta"):
        pytest.skip("yosys and opensta are not installed")
    try:
        liberty = cost.default_liberty()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    rows = compare.rows(store, TINY, liberty)
    area = [row for row in rows if row.metric == "area, filter, constant taps"]
    assert len(area) == 1 and area[0].ratio == area[0].value / (
        area[0].against_value
    )
    assert area[0].value > 1000
    found = targets.rows(store, TINY, liberty)
    assert len(found) >= 3 and all(row.verdict == "pass" for row in found)
    path = figures.draw(store, TINY, liberty, tmp_path / "asic.png")
    assert path.stat().st_size > 10_000
    name = gates.gates_name(
        sweep.cheapest(store, TINY, 2.0, "LS")[0],
        liberty,
        "constant",
        "filters",
    )
    assert store.numbers(name)["area"] == area[0].against_value


@pytest.mark.slow
def test_a_level_that_none_reaches_is_told(store):
    high = dataclasses.replace(TINY, levels=(60.0,))
    rows = compare.rows(store, high)
    missing = [row for row in rows if row.metric == "designs that reach it"]
    assert len(missing) == 2 and all(row.value == 0 for row in missing)
