"""Where a critic pays: a chain of bits that has to remember.

A recurrent stochastic graph sees some bits in its first steps and distractors
in all, and has to tell the bits after the last step. `BackpropQModel` with
several targets and modes, and `SurrogateModel` with other estimators, train the
same chain; the rate of each is chosen by validation from the same number of
trials. They are compared after the same steps and after the same seconds.

Run it as `python -m examples.backprop_q_memory`, which takes a short chain;
`--preset=full` has 20 steps and units that forget, `--preset=reliable` units
that need not. What is done is kept: with `--minutes` a run ends in time, and
the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import dataclasses
import functools

from absl import app

from examples.critic_parts import command
from examples.critic_parts.memory import Memory
from examples.critic_parts.methods import CRITICS, RIVALS
from examples.critic_parts.study import Config


def _task(data_dir, **arguments):
    del data_dir
    return Memory(**arguments)


# One bit, that units which forget have to hold together; and four, each of
# which some units hold by themselves.
_COMPARED = Config((*RIVALS, *CRITICS), tuned=2, batch=32)
COMPARISON = command.Comparison(
    name="backprop_q_memory",
    title="Backprop-Q where the cost comes late",
    presets={
        "small": (
            functools.partial(_task, steps=6, units=16),
            Config(
                ("rloo", "score", "all_action_mc", "all_action_td"),
                seeds=2,
                rates=(0.01,),
                steps=800,
                evaluated=1000,
                batch=32,
            ),
        ),
        "full": (
            _task,
            dataclasses.replace(_COMPARED, rates=(0.003, 0.01, 0.03, 0.1)),
        ),
        "reliable": (
            functools.partial(
                _task, bits=4, shown=2, units=16, coupled=False, limit=None
            ),
            dataclasses.replace(_COMPARED, rates=(0.01, 0.03, 0.1, 0.3)),
        ),
    },
)


if __name__ == "__main__":
    flags = command.define_flags(COMPARISON)
    app.run(lambda argv: command.main(argv, COMPARISON, flags))
