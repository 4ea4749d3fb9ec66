"""Gradient estimators on sigmoid belief networks.

Linear networks of one and of two layers of bits are trained on binary images
by six estimators of `keras_bp.layers.StochasticNode`, which differ in nothing
else. At shared checkpoints the variance of the gradient of each is measured at
the same weights.

Run it as `python -m examples.sigmoid_belief_network --config small|mnist`;
`mnist` needs mnist.npz from --data_dir or KERAS_BP_DATA. What is done is kept:
with `--minutes` a run ends in time, and the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

from absl import app

from examples.stochastic_parts import command, networks, published


def _networks(config, images):
    def network(layers):
        return lambda estimator, seed: networks.belief_network(
            images.means, config.units, layers, estimator, seed
        )

    names = {1: "one layer", 2: "two layers"}
    return {names[layers]: network(layers) for layers in config.layers}


COMPARISON = command.Comparison(
    name="sigmoid_belief_network",
    title="Estimators on sigmoid belief networks",
    networks=_networks,
    measure="ELBO",
    published=published.BELIEF_NETWORKS,
    published_for="training",
)


if __name__ == "__main__":
    flags = command.define_flags()
    app.run(lambda argv: command.main(argv, COMPARISON, flags))
