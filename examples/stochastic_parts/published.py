"""Published figures, for comparison: none of them is an aim."""


def _after_two_million(**nats):
    return {
        name: f"published, 2,000,000 steps: {value} nats"
        for name, value in nats.items()
    }


# The highest training ELBO, batches of 24: Grathwohl et al., 2018,
# https://arxiv.org/abs/1711.00123, table 1, whose NVIL stands for "score".
BELIEF_NETWORKS = {
    "one layer": _after_two_million(
        score=-112.5, muprop=-111.7, rebar=-111.6, relax=-111.2
    ),
    "two layers": _after_two_million(
        score=-99.6, muprop=-99.07, rebar=-98.22, relax=-98.0
    ),
}

# Jang, Gu, Poole, 2017, https://arxiv.org/abs/1611.01144, table 1, which gives
# minus the log-likelihood of the test set.
STRUCTURED_PREDICTION = {
    "two layers": {
        "score": "published, test: -72.0 nats",
        "muprop": "published, test: -58.9 nats",
    }
}
