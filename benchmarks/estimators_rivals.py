"""The network of `estimators_networks` in PyTorch, with Storchastic.

Storchastic (van Krieken et al., 2021, https://arxiv.org/abs/2104.00428) has
estimators of the same names; `make rivals` installs it.
"""

import importlib.metadata
import warnings

import numpy as np

from benchmarks import estimators_networks as networks

_RATE = 3e-4

# Name in `estimators_networks`, what it is called there, and arguments.
METHODS = {
    "score": ("ScoreFunction", {}),
    "score, moving average": (
        "ScoreFunction",
        {"baseline_factory": "moving_average"},
    ),
    "rloo": (
        "ScoreFunction",
        {"baseline_factory": "batch_average", "n_samples": 2},
    ),
    "arm": ("ARM", {}),
    "disarm": ("DisARM", {}),
    "rebar": ("REBAR", {}),
    "relax": ("RELAX", {"in_dim": None}),
    "relax, rebar=True": ("RELAX", {"in_dim": None, "rebar": True}),
    "st_gumbel": ("GumbelSoftmax", {"straight_through": True}),
    "gumbel": ("GumbelSoftmax", {}),
}


def installed(threads):
    """Whether Storchastic can be imported; sets the threads of PyTorch."""
    try:
        import storch  # noqa: F401
        import torch
    except ImportError:
        print("Storchastic is not installed; see `make rivals`.")
        return False
    # It takes the gradient of gradients in this way.
    warnings.filterwarnings("ignore", "Using backward.. with create_graph")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return True


def versions():
    """Of the two packages, as far as they are installed."""
    found = {}
    for package in ("storchastic", "torch"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def title(name):
    """What an estimator is called in Storchastic."""
    method, arguments = METHODS[name]
    told = [
        f"{key}={value}"
        for key, value in arguments.items()
        if value is not None
    ]
    return f"Storchastic {method}({', '.join(told)})"


class Rival:
    """A network and its optimizer.

    Args:
        sizes: `Sizes`.
        name: String, a key of `METHODS`, or None for means in place of bits.

    Attributes:
        encoder, decoder: Linear layers.
        prior: The logits of the prior.
    """

    def __init__(self, sizes, name=None):
        import storch
        import torch

        self.encoder = torch.nn.Linear(sizes.pixels, sizes.units)
        self.decoder = torch.nn.Linear(sizes.units, sizes.pixels)
        self.prior = torch.nn.Parameter(torch.zeros(sizes.units))
        weights = [*self.encoder.parameters(), *self.decoder.parameters()]
        weights.append(self.prior)
        self._method = None
        if name is not None:
            method, arguments = METHODS[name]
            arguments = dict(arguments)
            if "in_dim" in arguments:
                arguments["in_dim"] = (sizes.units,)
            self._method = getattr(storch.method, method)("bits", **arguments)
            weights += list(self._method.parameters())
        self._optimizer = torch.optim.Adam(weights, lr=_RATE)
        self.set_images(networks.images(sizes))

    def set_images(self, images):
        import torch

        self._x = torch.tensor(images)

    def step(self):
        """One training step; returns the loss."""
        loss = self.backward()
        self._optimizer.step()
        return loss

    def update(self):
        """The update of the weights alone, by the gradient that is there."""
        self._optimizer.step()

    def backward(self):
        """Leaves the gradient of the mean cost in the weights."""
        self._optimizer.zero_grad()
        return self._plain() if self._method is None else self._sampled()

    def _cost(self, x, bits, logits):
        likely = self.decoder(2 * bits.float() - 1)
        ratio = _nll(bits, self.prior) - _nll(bits, logits.detach())
        return _nll(x, likely) + ratio

    def _plain(self):
        logits = self.encoder(self._x)
        loss = self._cost(self._x, logits.sigmoid(), logits).mean()
        loss.backward()
        return loss.item()

    def _sampled(self):
        import storch
        import torch

        try:
            x = storch.denote_independent(self._x, 0, "images")
            # Their way to keep the wrapping of tensors cheap.
            logits = storch.deterministic(self.encoder.forward)(x)
            found = torch.distributions.Bernoulli(logits=logits)
            bits = self._method(found)
            cost = storch.deterministic(self._cost)(x, bits, logits)
            storch.add_cost(cost, "minus_bound")
            return storch.backward().item()
        finally:
            storch.reset()

    def gradients(self):
        """Of the biases of the encoder and of the decoder, and the prior."""
        self.backward()
        weights = (self.encoder.bias, self.decoder.bias, self.prior)
        return [weight.grad.detach().numpy().copy() for weight in weights]

    def set_weights(self, weights):
        """Sets kernels and biases of encoder and decoder, and the prior."""
        import torch

        kernel, bias, out, out_bias, prior = map(np.asarray, weights)
        with torch.no_grad():
            self.encoder.weight.copy_(torch.tensor(kernel.T))
            self.encoder.bias.copy_(torch.tensor(bias))
            self.decoder.weight.copy_(torch.tensor(out.T))
            self.decoder.bias.copy_(torch.tensor(out_bias))
            self.prior.copy_(torch.tensor(prior))


def _nll(bits, logits):
    import torch

    each = torch.nn.functional.softplus(logits) - bits * logits
    return each.sum(-1)


def refusals(sizes):
    """What raises: dictionary from a key of `METHODS` to the message."""
    found = {}
    for name in METHODS:
        try:
            Rival(sizes, name).step()
        # Whatever it is, it is what is told of it.
        except Exception as error:
            message = " ".join(str(error).split())[:100]
            found[name] = f"{type(error).__name__}: {message}"
    return found
