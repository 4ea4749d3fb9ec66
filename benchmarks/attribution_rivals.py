"""Attribution maps as other packages make them, where they are installed.

Xplique (Fel et al., 2022, https://arxiv.org/abs/2206.04394), tf-keras-vis and
Captum (Kokhlikyan et al., 2020, https://arxiv.org/abs/2009.07896);
`make rivals` installs them.
"""

import functools
import importlib.metadata
import importlib.util
import warnings

import numpy as np

from benchmarks import attribution_torch

# From a name to the package, and what is imported.
_PACKAGES = {
    "Xplique": ("xplique", "xplique"),
    "tf-keras-vis": ("tf-keras-vis", "tf_keras_vis"),
    "Captum": ("captum", "captum"),
}


def installed(threads=None):
    """The names of packages that can be imported; prints which cannot.

    Args:
        threads: Integer, how many PyTorch may use, or None.
    """
    found = []
    for name, (_, module) in _PACKAGES.items():
        if importlib.util.find_spec(module):
            found.append(name)
        else:
            print(f"{name} is not installed; see `make rivals`.", flush=True)
    if "Captum" in found and threads is not None:
        import torch

        torch.set_num_threads(threads)
    return found


def title(name):
    """A package and its version."""
    return f"{name} {importlib.metadata.version(_PACKAGES[name][0])}"


def maker(name, model, rule, module=None):
    """A function that makes maps, as a package offers it.

    Args:
        name: String, of `installed`.
        model: `keras.Model`.
        rule: String: `"saliency"`, `"guided"` or `"deconvnet"`.
        module: `torch.nn.Module` for Captum, or None for the twin of `model`.

    Returns:
        Function of images and targets, an array of integers, that returns a
        function without arguments that returns maps. Inputs are in the form
        that the package takes, so that it need not bring them into it. The
        saliency of Xplique is absolute.

    Raises:
        NotImplementedError: The package has no such rule.
    """
    makers = {
        "Xplique": _xplique,
        "tf-keras-vis": _tf_keras_vis,
        "Captum": functools.partial(_captum, module),
    }
    return makers[name](model, rule)


def _xplique(model, rule):
    import tensorflow as tf
    from xplique import attributions

    kinds = {
        "saliency": attributions.Saliency,
        "guided": attributions.GuidedBackprop,
        "deconvnet": attributions.DeconvNet,
    }
    explainer = kinds[rule](model, reducer=None)

    def given(x, target):
        x = tf.constant(x)
        target = tf.one_hot(target, model.output_shape[-1])
        return lambda: explainer.explain(x, target).numpy()

    return given


def _tf_keras_vis(model, rule):
    import tensorflow as tf
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation

    if rule == "deconvnet":
        raise NotImplementedError("tf-keras-vis has no DeconvNet")
    modifier = GuidedBackpropagation() if rule == "guided" else None
    saliency = Saliency(model, model_modifier=modifier)

    def given(x, target):
        x, index = tf.constant(x), tf.constant(target)

        def score(outputs):
            return tf.gather(outputs, index, axis=1, batch_dims=1)

        return lambda: np.asarray(
            saliency(
                score,
                x,
                keepdims=True,
                gradient_modifier=None,
                normalize_map=False,
            )
        )

    return given


def _captum(module, model, rule):
    import torch
    from captum import attr

    if module is None:
        module = attribution_torch.twin(model)
    kinds = {
        "saliency": attr.Saliency,
        "guided": attr.GuidedBackprop,
        "deconvnet": attr.Deconvolution,
    }
    explainer = kinds[rule](module)
    options = {"abs": False} if rule == "saliency" else {}

    def given(x, target):
        x = attribution_torch.tensor(x).requires_grad_()
        target = torch.from_numpy(np.asarray(target, "int64"))

        def maps():
            with warnings.catch_warnings():
                # It tells of its hooks, each time.
                warnings.simplefilter("ignore")
                found = explainer.attribute(x, target=target, **options)
            return np.moveaxis(found.detach().numpy(), 1, -1)

        return maps

    return given
