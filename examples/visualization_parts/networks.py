"""Networks that maps are drawn of, random and trained."""

import keras
from keras import layers

# The deviation of Gaussian weights that keeps the size of what is rectified.
HE = keras.initializers.HeNormal


def convolutional(shape, classes, depth, filters, pool=None):
    """Convolutions of 3 x 3, a rectifier each, then classes.

    Args:
        shape: Tuple of an image.
        classes, depth, filters: Integers.
        pool: None, or `"max"` or `"average"` for pooling of 2 x 2 behind the
            first rectifier.
    """
    model = keras.Sequential([keras.Input(shape)])
    for place in range(depth):
        model.add(
            layers.Conv2D(
                filters,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=HE(),
            )
        )
        if place == 0 and pool == "max":
            model.add(layers.MaxPooling2D())
        if place == 0 and pool == "average":
            model.add(layers.AveragePooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(classes, kernel_initializer=HE()))
    return model


def dense(shape, classes, units):
    """One fully connected layer with a rectifier, then classes."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Flatten(),
            layers.Dense(units, activation="relu", kernel_initializer=HE()),
            layers.Dense(classes, kernel_initializer=HE()),
        ]
    )


def trained(images, depth, filters, pool, epochs, seed):
    """A network that has learned to tell classes apart, and its accuracy."""
    keras.utils.set_random_seed(seed)
    shape = images.train.shape[1:]
    model = convolutional(shape, images.classes, depth, filters, pool)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        images.train,
        images.train_labels,
        batch_size=64,
        epochs=epochs,
        verbose=0,
    )
    found = model.evaluate(
        images.test, images.test_labels, verbose=0, return_dict=True
    )
    return model, float(found["accuracy"])
