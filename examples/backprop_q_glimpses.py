"""Where a critic pays: a classifier that chooses where to look.

Hard attention: digits are seen through small windows, and from what it has
seen so far a recurrent core chooses the place of the next one. The only cost is
that of the class, at the end. `BackpropQModel` with several targets and modes,
and `SurrogateModel` with other estimators, train the same classifier; the rate
of each is chosen by validation from the same number of trials. They are
compared after the same steps and after the same seconds.

Run it as `python -m examples.backprop_q_glimpses`, which takes the embedded
digits; `--preset=mnist` needs mnist.npz from --data_dir or KERAS_BP_DATA. What
is done is kept: with `--minutes` a run ends in time, and the next one goes on
from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

from absl import app

from examples.critic_parts import command, glimpses
from examples.critic_parts.methods import METHODS
from examples.critic_parts.study import Config

# Of one-hot samples "disarm" is not defined.
_METHODS = tuple(name for name in METHODS if name != "disarm")


def _digits(data_dir):
    found = glimpses.loaded(data_dir, window=3, stride=1)
    if found.side == 28:
        return glimpses.loaded(data_dir, window=6, stride=4)
    return found


def _mnist(data_dir):
    found = glimpses.loaded(data_dir, window=6, stride=4)
    if found.side != 28:
        raise ValueError(
            "The preset 'mnist' expects mnist.npz in --data_dir, or in the "
            "folder that the variable KERAS_BP_DATA names. Received: the "
            f"embedded digits of {found.side}x{found.side} pixels"
        )
    return found


COMPARISON = command.Comparison(
    name="backprop_q_glimpses",
    title="Backprop-Q where a classifier chooses what it sees",
    presets={
        "small": (
            _digits,
            Config(
                ("uniform", "rloo", "score", "all_action_mc"),
                seeds=2,
                rates=(0.003,),
                steps=1000,
                critic_rate=0.003,
            ),
        ),
        "mnist": (
            _mnist,
            Config(
                _METHODS,
                tuned=2,
                rates=(0.001, 0.003, 0.01),
                steps=6000,
                every=300,
                evaluated=10_000,
                critic_rate=0.003,
            ),
        ),
    },
    has_data=True,
)


if __name__ == "__main__":
    flags = command.define_flags(COMPARISON)
    app.run(lambda argv: command.main(argv, COMPARISON, flags))
