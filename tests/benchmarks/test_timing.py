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
