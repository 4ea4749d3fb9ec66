"""Images of digits, gray or as bits, and the judge of them."""

import dataclasses

from examples.backdrop_auc_parts.data import embedded
from examples.binary_gan_parts.classifier import classifier
from examples.binary_gan_parts.data import Images, binary_digits
from keras_bp.datasets import load_digits

# The classifier is trained for so many epochs; the digits are few.
_EPOCHS_OF_CLASSIFIER = {True: 4, False: 40}


def images_of(study, data_dir=None):
    """The `Images` of a study.

    Args:
        study: `Study`.
        data_dir: Path of a folder with `mnist.npz`, or None.

    Raises:
        ValueError: The study needs MNIST, which is not there.
    """
    if not study.needs_mnist:
        # Not what a variable names: the preset is the small digits.
        (train, labels), (test, test_labels) = embedded()
    else:
        (train, labels), (test, test_labels) = load_digits(data_dir)
    if study.needs_mnist and train.shape[1] != 28:
        raise ValueError(
            f"The study {study.name} needs mnist.npz from --data_dir or "
            "KERAS_BP_DATA"
        )
    if study.neuron == "dbn":
        found = binary_digits(data_dir)
        told = found.told.replace("both", "the training images")
        return dataclasses.replace(found, told=told)
    kind = "MNIST" if study.needs_mnist else "scikit-learn's digits"
    height, width = train.shape[1:3]
    told = (
        f"{kind}, {len(train):,} training and {len(test):,} test images of "
        f"{height}x{width}; the GANs see the training images"
    )
    return Images(train, labels, test, test_labels, told)


def judge_of(images, folder):
    """The classifier of a folder, which is trained if it is not there."""
    epochs = _EPOCHS_OF_CLASSIFIER[images.is_mnist]
    return classifier(images, folder / "classifier.keras", epochs)
