"""Gradient estimators on structured prediction.

The lower half of a binary image is predicted from the upper half through two
layers of bits, 392-200-200-392 for MNIST, the Bernoulli network of table 1 of
Gumbel-softmax (Jang, Gu, Poole, 2017, https://arxiv.org/abs/1611.01144). Six
estimators of `keras_bp.layers.StochasticNode` train it, and differ in nothing
else.

Run it as `python -m examples.structured_prediction --config small|mnist`;
`mnist` needs mnist.npz from --data_dir or KERAS_BP_DATA. What is done is kept:
with `--minutes` a run ends in time, and the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

from absl import app

from examples.stochastic_parts import command, networks, published


def _networks(config, images):
    def halves(estimator, seed):
        return networks.completion_network(
            images.means, config.units, estimator, seed
        )

    return {"two layers": halves}


COMPARISON = command.Comparison(
    name="structured_prediction",
    title="Estimators on structured prediction",
    networks=_networks,
    measure="one-sample log-likelihood",
    published=published.STRUCTURED_PREDICTION,
    published_for="bound",
)


if __name__ == "__main__":
    flags = command.define_flags()
    app.run(lambda argv: command.main(argv, COMPARISON, flags))
