"""Cost of training a GAN of bits, against a sigmoid end and code by hand.

One batch of training, five steps of the critic and one of the generator, of
the two network pairs of Dong and Yang (1810.04714) with the WGAN-GP objective:
with each kind of end against a sigmoid, and `BinaryGAN` against two usual ways
to write such a loop. Then the critic step of the convolutional pair, part by
part. Each ratio is the median over rounds in which all are timed in turns.

Run it as `python -m benchmarks.binary_gan`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import binary_gan_cases, binary_gan_profile
from benchmarks import parts as benchmark


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each function is timed.

    Returns:
        Dictionary.
    """
    mlp, cnn = (binary_gan_cases.Setting(name) for name in ("mlp", "cnn"))
    rows = binary_gan_cases.batch_rows
    return {
        "mlp batch graph": lambda: rows(mlp, False, rounds),
        "mlp batch XLA": lambda: rows(mlp, True, rounds),
        "cnn batch graph": lambda: rows(cnn, False, rounds),
        # Of one round: it is far slower.
        "cnn batch XLA": lambda: [binary_gan_cases.compiled_row(cnn, 1)],
        "mlp critic profile": lambda: binary_gan_profile.critic_rows(
            mlp, rounds
        ),
        "cnn critic profile": lambda: binary_gan_profile.critic_rows(
            cnn, rounds
        ),
    }


if __name__ == "__main__":
    benchmark.main(
        parts, "Cost of a GAN of bits", "python -m benchmarks.binary_gan"
    )
