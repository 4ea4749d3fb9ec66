import statistics
import time

from benchmarks import timing


def test_a_slower_function_has_its_ratio():
    found = timing.compare(
        {
            "fast": lambda: time.sleep(0.002),
            "slow": lambda: time.sleep(0.006),
        },
        rounds=5,
        seconds_per_round=0.01,
    )
    assert [len(times) for times in found.values()] == [5, 5]
    ratios = timing.ratios(found, "slow", "fast")
    assert len(ratios) == 5 and 2 < statistics.median(ratios) < 4
    inverse = timing.ratios(found, "fast", "slow")
    assert 0.25 < statistics.median(inverse) < 0.5


def test_what_is_queued_is_waited_for_once_a_timing():
    events = []

    def enqueue():
        events.append("call")
        return len(events)

    def wait(last):
        assert last == len(events)
        events.append("wait")
        time.sleep(0.01)

    found = timing.compare(
        {"queued": enqueue}, rounds=3, seconds_per_round=0.1, wait=wait
    )
    # A call to warm up, one to see how long it takes, and three timings.
    text = " ".join(events)
    assert text.startswith("call wait call wait call call")
    assert events.count("wait") == 5 and events[-1] == "wait"
    assert all(0.0005 < seconds < 0.01 for seconds in found["queued"])
