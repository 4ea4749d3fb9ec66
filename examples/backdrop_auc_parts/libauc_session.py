"""The same training by LibAUC, a package for PyTorch, where it is there."""

import numpy as np


def missing():
    """Why LibAUC cannot be used, or None where it can."""
    try:
        import torch  # noqa: F401
        from libauc.losses import AUCMLoss  # noqa: F401
        from libauc.optimizers import PESG  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


class LibAUCSession:
    """AUCMLoss, trained by PESG, with what their documentation advises.

    That is the defaults of version 2.0.1, sigmoid scores, and batches of which
    half are positive. The version `"v1"` of the loss is the default too;
    `"v2"` subtracts the mean of positives from positives as well, which
    scales that of negatives. Rates do not decay, as with the other methods.

    Args:
        weights: Dictionary from seeds to weights of the Keras network.
        factor: Float, by which rates are multiplied.
    """

    def __init__(self, weights, factor):
        self._weights, self._factor = weights, factor

    def begin(self, seed, rate, x, y, first):
        """As of `KerasSession`; nothing is compiled."""
        import torch
        from libauc.losses import AUCMLoss
        from libauc.optimizers import PESG

        torch.manual_seed(seed)
        self._model = _network(self._weights[seed])
        self._loss = AUCMLoss(device="cpu")
        self._optimizer = PESG(
            self._model.parameters(),
            loss_fn=self._loss,
            lr=self._factor * rate,
            verbose=False,
            device="cpu",
        )
        self._data = torch.tensor(x), torch.tensor(y[:, None])

    def advance(self, order):
        import torch

        x, y = self._data
        for batch in torch.tensor(np.asarray(order, "int64")):
            self._optimizer.zero_grad()
            found = torch.sigmoid(self._model(x[batch]))
            self._loss(found, y[batch]).backward()
            self._optimizer.step()

    def scores(self, x):
        import torch

        with torch.no_grad():
            return self._model(torch.tensor(x)).numpy()[:, 0]


def _network(weights):
    """Layers of PyTorch with the weights of dense ones of Keras."""
    import torch

    made = []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        layer = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(kernel.T))
            layer.bias.copy_(torch.tensor(bias))
        made += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*made[:-1])
