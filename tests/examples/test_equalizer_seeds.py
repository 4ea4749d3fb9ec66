"""Tests of examples.equalizer_seeds."""

import fan_out_jobs

from examples import equalizer_seeds as example
from examples.fan_out import FanOut


def test_seeds_are_done_once_whoever_does_them(tmp_path):
    def squares(seeds, fan):
        found = example.work(seeds, tmp_path, fan, fan_out_jobs.square)
        return [one["square"] for one in found]

    assert squares(2, FanOut(1)) == [0, 1]
    assert squares(5, FanOut(2)) == [0, 1, 4, 9, 16]
    # The second start has left the first lines.
    text = (tmp_path / "seeds.jsonl").read_text("utf-8").splitlines()
    assert ['"seed 0"' in text[1], '"seed 1"' in text[2]] == [True, True]
    assert len(text) == 6
    assert squares(3, FanOut(1)) == [0, 1, 4]
