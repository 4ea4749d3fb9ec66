import dataclasses
import json
import os
import socket

import pytest
import scaling_toys
import tensorflow as tf

from benchmarks import pages, results, scaling, scaling_pages
from benchmarks import scaling_model as paper
from benchmarks.scaling_cases import METHODS
from benchmarks.scaling_traffic import collectives
from benchmarks.scaling_worker import sent_bytes
from keras_bp.training import local_rules

SLOW = paper.Network("slow", bandwidth=1e6, latency=1e-3)
TOOK = {"whole": [0.02, 0.03, 0.04], "half": [0.02], "two": [0.015]}
FOUND = {
    "weights": 2048,
    "bytes": 3072,
    "reductions": 2,
    "gathers": 0,
    "sent": 4096.0,
}


def reduced(x):
    key = tf.constant(1)
    return tf.raw_ops.CollectiveReduceV2(
        input=x,
        group_size=2,
        group_key=key,
        instance_key=key,
        ordering_token=[],
        merge_op="Add",
        final_op="Id",
    )


def gathered(x):
    return tf.raw_ops.CollectiveGatherV2(
        input=x, group_size=2, group_key=1, instance_key=1, ordering_token=[]
    )


def graph_of(function, shape):
    spec = tf.TensorSpec(shape, "float32")
    return tf.function(function).get_concrete_function(spec).graph


def test_the_steps_of_the_issue_are_measured():
    names = " ".join(METHODS)
    rules = set(local_rules()) - {"backprop", "sign_symmetric", "uniform_sign"}
    wanted = ("implicit, dual", "surrogate", "Backprop-Q", "BinaryGAN")
    for word in (*rules, *wanted, "SpectralGAN", "LearnedDBP"):
        assert word in names, word


def test_all_reduces_are_counted_also_in_functions():
    inner = tf.function(lambda x: reduced(tf.cast(x, "float64")))

    def step(x):
        return inner(x[0]) + inner(x[1]), reduced(x)

    # The inner one stands twice.
    found = collectives(graph_of(step, (2, 5)))
    expected = {"bytes": 2 * 5 * 8 + 10 * 4, "reductions": 3, "gathers": 0}
    assert found == expected
    found = collectives(graph_of(gathered, (None,)))
    assert found == {"bytes": 0, "reductions": 0, "gathers": 1}


@pytest.mark.parametrize(
    ("function", "shape", "words"),
    [
        (reduced, (None,), "static shape"),
        (
            lambda x: tf.while_loop(lambda _: True, reduced, [x]),
            (2,),
            "another number of times",
        ),
        (
            lambda x: tf.cond(x[0] > 0, lambda: reduced(x), lambda: x),
            (2,),
            "another number of times",
        ),
        (
            lambda x: tf.raw_ops.CollectiveBcastSendV2(
                input=x, group_size=2, group_key=1, instance_key=1
            ),
            (2,),
            "all-gathers alone",
        ),
    ],
)
def test_what_cannot_be_counted_is_an_error(function, shape, words):
    with pytest.raises(ValueError, match=words):
        collectives(graph_of(function, shape))


def test_bytes_are_those_of_the_sockets_of_the_process():
    with socket.create_server(("localhost", 0)) as server:
        client = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
        before = sent_bytes()
        if before is None:
            pytest.skip("This system does not tell.")
        client.sendall(b"x" * 3000)
        peer.sendall(b"y" * 500)
        peer.recv(3000, socket.MSG_WAITALL)
        count = len(os.listdir("/proc/self/fd"))
        assert sent_bytes() - before == 3500
        assert len(os.listdir("/proc/self/fd")) == count
        client.close()
        peer.close()


def test_a_ring_sends_all_bytes_twice_but_for_its_own_share():
    # By hand: 2 (n - 1) / n of a second, and as many turns of a millisecond.
    assert paper.all_reduce_seconds(1, 1e6, 3, SLOW) == 0
    assert paper.all_reduce_seconds(2, 1e6, 3, SLOW) == pytest.approx(1.006)
    assert paper.all_reduce_seconds(4, 1e6, 3, SLOW) == pytest.approx(1.518)


def test_an_all_gather_passes_each_part_around():
    assert paper.all_gather_seconds(1, 1e6, 2, SLOW) == 0
    assert paper.all_gather_seconds(4, 1e6, 2, SLOW) == pytest.approx(3.006)


def test_what_is_gathered_is_what_is_sent_beyond_all_reduces():
    # 1,024 bytes of the 32 examples of each of two workers.
    rows = scaling.rows_of("rule", 64, TOOK, {**FOUND, "gathers": 1})
    step = scaling_pages._step({row.metric: row for row in rows})
    assert (step.gathered, step.gathers) == (pytest.approx(32), 1)
    _, seconds = paper.efficiency(step, 2, 64, SLOW, "weak")
    reduced = paper.all_reduce_seconds(2, 3072, 2, SLOW)
    assert seconds == pytest.approx(0.03 + reduced + 64 * 32 / 1e6 + 1e-3)
    rows = scaling.rows_of(
        "rule", 64, TOOK, {**FOUND, "gathers": 1, "sent": None}
    )
    with pytest.raises(ValueError, match="a row 'sent by"):
        scaling_pages.tables(result_of(rows))


def test_a_step_is_a_line_through_two_times():
    step = paper.Step.of_two(0.05, 0.03, 100, num_bytes=1, reductions=1)
    assert step.fixed == pytest.approx(0.01)
    assert step.seconds(200) == pytest.approx(0.09)
    # Nothing is negative, and the measured step stays.
    for half in (0.01, 0.06):
        other = paper.Step.of_two(0.05, half, 100, num_bytes=1, reductions=1)
        assert min(other.fixed, other.per_example) >= 0
        assert other.seconds(100) == pytest.approx(0.05)


def test_efficiency_is_speed_by_that_of_workers_who_need_not_wait():
    step = paper.Step(fixed=0.1, per_example=0.01, num_bytes=1e6, reductions=0)
    # Two workers wait for a second.
    assert paper.efficiency(step, 2, 90, SLOW, "weak") == (
        pytest.approx(1 / 2),
        pytest.approx(2.0),
    )
    # 0.1 + 0.45 + 1 instead of half of 1.0.
    assert paper.efficiency(step, 2, 90, SLOW, "strong") == (
        pytest.approx(0.5 / 1.55),
        pytest.approx(1.55),
    )
    free = dataclasses.replace(step, num_bytes=0, fixed=0.0)
    for scaling_kind in ("weak", "strong"):
        share, _ = paper.efficiency(free, 1024, 2048, SLOW, scaling_kind)
        assert share == pytest.approx(1.0)


def result_of(rows):
    return results.Result(
        "Steps", "python -m x", {"keras": "3"}, "2 cores", [0], 1.0, rows
    )


def test_rows_hold_what_the_page_needs(tmp_path):
    rows = scaling.rows_of("rule", 64, TOOK, FOUND)
    made = {row.metric: row for row in rows}
    speed = made[scaling_pages.SPEED]
    assert speed.ratio == pytest.approx(2) and speed.unit == "1/s"
    assert made[scaling_pages.REDUCED].ratio == pytest.approx(1.5)
    (tmp_path / "docs/results").mkdir(parents=True)
    text = json.dumps(dataclasses.asdict(result_of(rows)))
    (tmp_path / "docs/results/scaling.json").write_text(text, "utf-8")
    page = tmp_path / "docs/scaling.md"
    marked = "# A\n\n<!-- scaling:begin -->\n<!-- scaling:end -->\n\nB\n"
    page.write_text(marked, "utf-8")
    filled = pages.render(tmp_path)[page]
    assert filled.startswith("# A\n\n<!-- scaling:begin -->\n\nMeasured on 2 ")
    assert filled.endswith("<!-- scaling:end -->\n\nB\n")
    assert (
        "| rule | 64 | 2,133 | 4,267 | 2.00 | 3.00 | 1.50 | 2 | 0 | 4.00 |"
        in filled
    )
    # 30 ms, and 7 turns of 2 all-reduces each way: 50 us each, 4.3 us in all.
    assert "| rule | 95.5 %, 31.4 ms |" in filled
    page.write_text(filled, "utf-8")
    assert pages.render(tmp_path)[page] == filled
    page.write_text("# A\n", "utf-8")
    with pytest.raises(ValueError, match="scaling:begin"):
        pages.render(tmp_path)


def test_without_a_count_of_sockets_that_row_is_left_out():
    rows = scaling.rows_of("rule", 64, TOOK, {**FOUND, "sent": None})
    assert scaling_pages.SENT not in {row.metric for row in rows}
    assert "| rule |" in scaling_pages.tables(result_of(rows))


@pytest.mark.slow
def test_two_processes_train_and_meet():
    bench = scaling.Bench(scaling_toys.find)
    try:
        rows = {row.metric: row for row in bench.rows("toy", 1)}
        # Of a worker that fails, there is no endless wait.
        one = bench._clusters[0]
        with pytest.raises(RuntimeError, match="ended with 1"):
            one.do("make", "a", scaling_toys.find, "fails", 8)
    finally:
        bench.end()
    reduced = rows[scaling_pages.REDUCED]
    assert reduced.value * 1024 == reduced.against_value * 1024
    assert reduced.value * 1024 == scaling_toys.WEIGHTS
    assert rows[scaling_pages.REDUCTIONS].value == 1
    sent = rows.get(scaling_pages.SENT)
    assert sent is None or sent.value * 1024 > scaling_toys.WEIGHTS
    assert rows[scaling_pages.SPEED].value > 0
