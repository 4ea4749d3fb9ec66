"""Registers the public classes with Keras under one package name."""

import keras

PACKAGE = "keras_bp"


def serializable(cls):
    """Registers `cls` as `keras_bp>Name`, so that `.keras` files find it."""
    return keras.saving.register_keras_serializable(package=PACKAGE)(cls)
