"""Layers that are called by other functions for a time."""

import contextlib
import threading


@contextlib.contextmanager
def replaced_calls(layers, replace):
    """Layers call other functions, in this thread alone.

    Only so are layers reached that a subclassed model calls by itself.
    Replicas of `MirroredStrategy` are threads, which take turns at each
    collective inside a model, such as that of a synchronized batch
    normalization: each of them has functions of its own.

    Args:
        layers: List of layers, each at most once.
        replace: Function of a layer and its `call` that returns another one.
    """
    own = threading.get_ident()
    try:
        for layer in layers:
            calls = getattr(vars(layer).get("call"), "of_threads", None)
            if calls is None:
                calls = {}
                # Past the attribute tracking of Keras, to which this is none.
                object.__setattr__(
                    layer, "call", _call_of_thread(layer.call, calls)
                )
            calls[own] = replace(layer, layer.call.original)
        yield
    finally:
        for layer in layers:
            calls = getattr(vars(layer).get("call"), "of_threads", {})
            calls.pop(own, None)
            if not calls:
                vars(layer).pop("call", None)


def _call_of_thread(original, calls):
    def call(*args, **kwargs):
        found = calls.get(threading.get_ident(), original)
        return found(*args, **kwargs)

    call.original, call.of_threads = original, calls
    return call
