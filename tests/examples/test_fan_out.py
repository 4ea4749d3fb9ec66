"""Tests of examples.fan_out."""

import json
import math
import multiprocessing
import os
import signal
import struct
import sys
import threading
import types

import fan_out_jobs as jobs
import pytest
from absl import flags

from examples import fan_out
from examples.fan_out_parts import Lines, processes


def ran(fan, lines, function, arguments):
    """Runs jobs that are left; returns what is done by name."""
    left = {k: v for k, v in arguments.items() if not lines.has(k)}
    fan.run(function, left, lines.keep)
    return {k: lines.found(k) for k in arguments if lines.has(k)}


@pytest.mark.parametrize("workers", [1, 2])
def test_all_jobs_are_done_and_kept_once(workers, tmp_path):
    path = tmp_path / "new" / "runs.jsonl"
    arguments = {f"run {n}": (n,) for n in range(5)}
    fan = fan_out.FanOut(workers)
    found = ran(fan, Lines(path, "some"), jobs.square, arguments)
    assert [run["square"] for run in found.values()] == [0, 1, 4, 9, 16]
    processes = {run["process"] for run in found.values()} - {os.getpid()}
    assert len(processes) == (0 if workers == 1 else workers)
    header, *rows = map(json.loads, path.read_text("utf-8").splitlines())
    assert header == {"content": "some"}
    assert {row["run"]: row["found"] for row in rows} == found
    # Nothing is done again: this function would fail.
    assert ran(fan, Lines(path, "some"), None, arguments) == found
    assert fan.failed == []


@pytest.mark.parametrize(
    ("workers", "how"), [(1, "raises"), (2, "raises"), (2, "dies")]
)
def test_what_fails_is_told_by_name_and_done_at_the_next_start(
    workers, how, tmp_path, capsys
):
    path, allowed = tmp_path / "runs.jsonl", tmp_path / "allowed"
    here = str(tmp_path)
    arguments = {name: (here, name) for name in "abcd"}
    arguments["bad"] = (str(allowed), how)
    order = ("a", "b", "bad", "c", "d")
    arguments = {name: arguments[name] for name in order}
    fan = fan_out.FanOut(workers)
    found = ran(fan, Lines(path, "some"), jobs.unless_in, arguments)
    assert set(found) == set("abcd") and fan.failed == ["bad"]
    told = capsys.readouterr().out
    why = "ended with 7" if how == "dies" else "ValueError: out of range"
    assert "Failed: bad." in told and why in told
    with pytest.raises(SystemExit, match="Failed: bad. What is done is kept"):
        fan.raise_if_failed()
    allowed.touch()
    found = ran(fan, Lines(path, "some"), jobs.unless_in, arguments)
    assert found["bad"] == how and len(found) == 5
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 6 and '"bad"' in lines[-1]


def test_a_line_that_was_cut_short_is_done_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    arguments = {f"run {n}": (n,) for n in range(3)}
    ran(fan_out.FanOut(), Lines(path, "some"), jobs.square, arguments)
    whole = path.read_text("utf-8")
    for cut in (whole[:-1], whole[:-9], whole[:5]):
        path.write_text(cut, "utf-8")
        lines = Lines(path, "some")
        assert not lines.has("run 2")
        ran(fan_out.FanOut(), lines, jobs.square, arguments)
        assert path.read_text("utf-8") == whole


def test_a_file_of_other_content_is_refused(tmp_path):
    path = tmp_path / "runs.jsonl"
    Lines(path, "some")
    with pytest.raises(ValueError, match="same configuration.*'other'"):
        Lines(path, "other")
    path.write_text(path.read_text("utf-8") + "{}\n", "utf-8")
    with pytest.raises(ValueError, match="a line of runs.jsonl that is"):
        Lines(path, "some")


def test_numbers_are_the_same_in_the_file(tmp_path):
    lines = Lines(tmp_path / "runs.jsonl", "some")
    lines.keep("a", {"loss": math.nan, "rates": (1.5, math.inf)})
    again = Lines(tmp_path / "runs.jsonl", "some")
    assert again.found("a") == lines.found("a")
    assert lines.found("a") == {"loss": None, "rates": [1.5, None]}


def test_what_cannot_be_sent_is_a_failure(capsys):
    fan = fan_out.FanOut(2)
    fan.run(jobs.function, {"a": (), "b": ()}, print)
    assert sorted(fan.failed) == ["a", "b"]
    assert "pickle" in capsys.readouterr().out


def test_a_worker_that_dies_as_it_sends_is_one_that_failed():
    ours, theirs = multiprocessing.Pipe()
    # The length of what follows, and half of it.
    os.write(theirs.fileno(), struct.pack("!i", 8) + b"half")
    theirs.close()
    pool = processes.Processes(2, 2)
    pool._busy["a"] = types.SimpleNamespace(pipe=ours, end=lambda: -9)
    assert pool.ended() == [("a", None, "Its process ended with -9.")]


def test_a_worker_whose_memory_maps_are_full_ends(monkeypatch):
    ours, theirs = multiprocessing.Pipe()
    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    monkeypatch.setattr(processes, "maps_are_full", lambda: True)
    for number in (2, 3):
        ours.send((jobs.square, (number,)))
    processes._work(theirs)
    found, failure, goes_on = ours.recv()
    assert (found["square"], failure, goes_on) == (4, None, False)
    assert not ours.poll()


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr(fan_out, "cores", lambda: 6)
    names = dict.fromkeys(("a", "b"), ())
    found = {}
    fan_out.FanOut(2).run(jobs.threads, names, found.__setitem__)
    assert found == {"a": "3", "b": "3"}
    # What the user has set stays, and this process is not changed.
    assert jobs.threads() is None
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    fan_out.FanOut(2).run(jobs.threads, names, found.__setitem__)
    assert found == {"a": "5", "b": "5"}


def test_an_interrupt_leaves_nothing_behind():
    # Where the tests run in the background, Python lets interrupts pass.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fan_out.FanOut(2).run(jobs.wait, {"a": (), "b": ()}, print)
    timer.join()
    signal.signal(signal.SIGINT, before)
    assert multiprocessing.active_children() == []


def test_nothing_begins_after_the_minutes(capsys):
    fan_out.FanOut(2, minutes=-1.0).run(jobs.square, {"a": (1,)}, print)
    assert capsys.readouterr().out == "Left: a.\n"


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_other_numbers_of_workers_are_refused(value):
    given = flags.FlagValues()
    holder = fan_out.define_flag(given)
    given(["program"])
    assert holder.value is None
    given(["program", "--workers=ray"])
    assert holder.value == fan_out.RAY
    with pytest.raises(flags.IllegalFlagValueError, match="or 'ray'"):
        given(["program", f"--workers={value}"])


def test_without_ray_it_is_told_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match="pip install ray"):
        fan_out.FanOut("ray").run(jobs.square, {"a": (1,)}, print)


@pytest.mark.slow
def test_ray_does_the_same(tmp_path):
    pytest.importorskip("ray")
    here, gone = str(tmp_path), str(tmp_path / "none")
    arguments = {"a": (here, "a"), "bad": (gone, "dies"), "b": (here, "b")}
    arguments["worse"] = (gone, "raises")
    fan = fan_out.FanOut("ray")
    lines = Lines(tmp_path / "runs.jsonl", "some")
    found = ran(fan, lines, jobs.unless_in, arguments)
    assert found == {"a": "a", "b": "b"}
    assert sorted(fan.failed) == ["bad", "worse"]
