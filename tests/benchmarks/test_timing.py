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
    middle, low, high = timing.ratio(found, "slow", "fast")
    assert low <= middle <= high
    assert 2 < middle < 4
    inverse, _, _ = timing.ratio(found, "fast", "slow")
    assert 0.25 < inverse < 0.5
