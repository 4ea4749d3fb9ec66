"""Where a critic pays: a chain of bits that has to remember.

A recurrent stochastic graph sees some bits in its first steps and distractors
in all, and has to tell the bits after the last step. `BackpropQModel` with
several targets and modes, and `SurrogateModel` with other estimators, train the
same chain; the rate of each is chosen by validation from the same number of
trials. They are compared after the same steps and after the same seconds.

Run it as `python -m examples.backprop_q_memory`, which takes a short chain;
`--preset=full` has 20 steps. What is done is kept: with `--minutes` a run ends
in time, and the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import functools

from absl import app

from examples.critic_parts import command
from examples.critic_parts.memory import Memory
from examples.critic_parts.methods import CRITICS, RIVALS
from examples.critic_parts.study import Config


def _task(data_dir, **arguments):
    del data_dir
    return Memory(**arguments)


COMPARISON = command.Comparison(
    name="backprop_q_memory",
    title="Backprop-Q where costs come late",
    presets={
        "small": (
            functools.partial(_task, steps=6, bits=2, units=8),
            Config(
                ("rloo", "score", "all_action_mc", "all_action_td"),
                seeds=2,
                rates=(0.03,),
                steps=800,
                evaluated=1000,
            ),
        ),
        "full": (
            _task,
            Config(
                (*RIVALS, *CRITICS),
                tuned=2,
                steps=5000,
                every=200,
                batch=32,
            ),
        ),
    },
)


if __name__ == "__main__":
    flags = command.define_flags(COMPARISON)
    app.run(lambda argv: command.main(argv, COMPARISON, flags))
