"""A Keras model of images as a PyTorch module with the same weights.

For packages that know PyTorch only. Of the layers that the networks of
`keras.applications` from 2014 and 2015 are made of; each rectifier becomes a
module of its own, which is what Captum looks for.
"""

import keras
import numpy as np

# What is no module, with channels first.
_FUNCTIONS = {
    "Add": lambda *given: sum(given[1:], given[0]),
    "Flatten": lambda x: x.permute(0, 2, 3, 1).flatten(1),
    "GlobalAveragePooling2D": lambda x: x.mean((2, 3)),
}


def twin(model):
    """Converts a functional or Sequential model.

    Args:
        model: `keras.Model` of one input `(batch, height, width, channels)`
            and one output.

    Returns:
        `torch.nn.Module` of inputs `(batch, channels, height, width)`, in
        evaluation mode, whose weights need no gradient.
    """
    import torch

    steps = _steps(model)

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = torch.nn.ModuleList(
                part
                for part in dict.fromkeys(step[0] for step in steps)
                if isinstance(part, torch.nn.Module)
            )

        def forward(self, x):
            known = {steps[0][1][0]: x}
            for part, given, made in steps:
                known[made] = part(*(known[key] for key in given))
            return known[steps[-1][2]]

    made = Twin().eval()
    for weight in made.parameters():
        weight.requires_grad_(False)
    return made


def check(model, module, x, tolerance=1e-4):
    """Raises unless a module computes what a model does.

    Args:
        model: `keras.Model`.
        module: Its twin.
        x: Array of images, channels last.
        tolerance: Float, of the difference by the largest output.
    """
    import torch

    due = np.asarray(model(x, training=False))
    with torch.no_grad():
        found = module(tensor(x)).numpy()
    error = np.max(np.abs(found - due)) / np.max(np.abs(due))
    if not error <= tolerance:
        raise RuntimeError(
            f"The outputs of {model.name} in PyTorch are off by {error:.1e} of "
            "the largest"
        )


def tensor(x):
    """Images, channels last, as a tensor of PyTorch with channels first."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def _steps(model):
    """Modules with the keys of what they take and make, in their order."""
    steps, modules, kept = [], {}, []

    def record(layer, *args, **kwargs):
        given = keras.tree.flatten(args)
        made = layer(*args, **kwargs)
        if layer not in modules:
            modules[layer] = _module(layer)
        steps.append((modules[layer], [id(x) for x in given], id(made)))
        # The key of a tensor that is gone might be used again.
        kept.extend([*given, made])
        return made

    keras.models.clone_model(
        keras.Model(model.inputs[0], model.outputs[0]),
        clone_function=lambda layer: layer,
        call_function=record,
    )
    return steps


def _module(layer):
    from torch import nn

    kind = type(layer).__name__
    if kind in ("Conv2D", "Dense"):
        return _weighted(layer)
    if kind == "Activation" and layer.activation is keras.activations.relu:
        return nn.ReLU()
    if kind == "ReLU" and layer.max_value in (None, 6):
        return nn.ReLU() if layer.max_value is None else nn.ReLU6()
    if kind == "MaxPooling2D" and layer.padding == "valid":
        return nn.MaxPool2d(layer.pool_size, layer.strides)
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = layer.padding
        return nn.ZeroPad2d((left, right, top, bottom))
    if kind == "BatchNormalization":
        return _normalization(layer)
    if kind not in _FUNCTIONS:
        raise TypeError(f"There is no twin of {kind}, which {layer.name} is")
    return _FUNCTIONS[kind]


def _weighted(layer):
    """A convolution or a dense layer, with its rectifier behind it."""
    import torch
    from torch import nn

    kernel, bias = (*layer.get_weights(), None)[:2]
    if type(layer).__name__ == "Dense":
        made = nn.Linear(*kernel.shape, bias=layer.use_bias)
        kernel = kernel.T
    else:
        made = nn.Conv2d(
            kernel.shape[2],
            kernel.shape[3],
            kernel.shape[:2],
            layer.strides,
            layer.padding,
            bias=layer.use_bias,
        )
        kernel = kernel.transpose(3, 2, 0, 1)
    with torch.no_grad():
        made.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
        if layer.use_bias:
            made.bias.copy_(torch.from_numpy(bias))
    if layer.activation is keras.activations.linear:
        return made
    if layer.activation is keras.activations.relu:
        return nn.Sequential(made, nn.ReLU())
    raise TypeError(f"There is no twin of the activation of {layer.name}")


def _normalization(layer):
    import torch

    made = torch.nn.BatchNorm2d(layer.moving_mean.shape[0], layer.epsilon)
    taken = made.weight, made.bias, made.running_mean, made.running_var
    with torch.no_grad():
        for one, other in zip(taken, layer.get_weights(), strict=True):
            one.copy_(torch.from_numpy(other))
    return made
