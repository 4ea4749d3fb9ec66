"""The small classifier whose features are compared."""

import keras
import numpy as np

_FEATURES = 128


def classifier(images, path, epochs):
    """Loads the classifier of a folder, or trains it.

    Args:
        images: `Images`.
        path: `pathlib.Path` of its `.keras` file.
        epochs: Integer.

    Returns:
        `Judge`.
    """
    if not path.exists():
        keras.utils.set_random_seed(0)
        model = _network(images.sample_shape)
        model.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        model.fit(
            images.train,
            images.train_labels,
            batch_size=128,
            epochs=epochs,
            verbose=0,
        )
        temporary = path.with_suffix(".tmp.keras")
        model.save(temporary)
        temporary.replace(path)
    return Judge(keras.models.load_model(path))


def _network(shape):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(_FEATURES, activation="relu", name="features"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


class Judge:
    """Features and class probabilities of images.

    Args:
        model: `keras.Model`, with a layer `features`.
    """

    def __init__(self, model):
        self._model = model
        self._both = keras.Model(
            model.inputs, [model.get_layer("features").output, *model.outputs]
        )

    def __call__(self, images):
        """Pair of arrays, `(images, 128)` and `(images, 10)`."""
        return self._both.predict(images, batch_size=500, verbose=0)

    def accuracy(self, images, labels):
        _, probabilities = self(images)
        return float(np.mean(probabilities.argmax(axis=1) == labels))
