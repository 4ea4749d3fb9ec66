"""The cases of spectra of generators, and maps of images."""

from argument_cases import add
from argument_models import Z, classifier, figure, generator
from backend_cases import normal, uniform

from keras_bp import losses
from keras_bp.spectral import Ascent

IMAGES = normal(2, 8, 8, 1, seed=2)


def configured(found):
    """What a serializable object says is what it is made of."""
    again = type(found).from_config(found.get_config())
    assert again.get_config() == found.get_config()


def add_spectral():
    here = "keras_bp.spectral."
    model = generator

    def given():
        return dict(model=model(), z=Z)

    add(
        here + "JacobianOperator",
        given,
        data=("z",),
        then=lambda found: found.dense(),
    )
    add(
        here + "Penalized",
        lambda: dict(model=model(), penalty=losses.SpectralPenalty("trace")),
        then=lambda found: found(Z),
    )
    add(
        here + "SpectralSum",
        lambda: dict(f="identity"),
        then=lambda found: found(model(), Z),
    )
    add(
        "keras_bp.losses.SpectralPenalty",
        lambda: dict(target="trace"),
        then=lambda found: [configured(found), found(model(), Z)],
    )

    def start():
        return dict(model=model(), z0=Z)

    add(
        here + "ascend_likelihood", lambda: dict(start(), steps=2), data=("z0",)
    )
    add(here + "implicit_log_likelihood", given, data=("z",))
    add(here + "log_det_metric", given, data=("z",))
    add(here + "spectrum", given, data=("z",))
    add(here + "top_singular", lambda: dict(given(), k=1), data=("z",))
    add(here + "traverse", lambda: dict(start(), steps=1), data=("z0",))
    add(
        here + "plot_ascent",
        lambda: dict(
            target=figure(),
            ascent=Ascent(Z, uniform(4, 9), uniform(3, 4), Z, uniform(4, 9)),
            image_shape=(3, 3),
        ),
        accepts=(OSError,),
        then=lambda found: None,
    )
    add(
        here + "plot_traversal",
        lambda: dict(
            target=figure(),
            paths={"first": uniform(2, 3, 9)},
            image_shape=(3, 3),
        ),
        accepts=(OSError,),
        then=lambda found: None,
    )


def add_maps():
    here = "keras_bp.visualization."

    def given():
        return dict(model=classifier(), x=IMAGES)

    add(
        here + "Attributor",
        lambda: dict(model=classifier()),
        then=lambda found: found(IMAGES),
    )
    for name in (
        "attribute",
        "gradient_times_input",
        "guided_grad_cam",
        "grad_cam",
        "integrated_gradients",
        "smooth_grad",
    ):
        add(
            here + name,
            lambda name=name: (
                given()
                | {
                    "smooth_grad": {"num_samples": 2},
                    "integrated_gradients": {"num_steps": 2},
                }.get(name, {})
            ),
            data=("x",),
        )
    add(
        here + "plot_attributions",
        lambda: dict(target=figure(), maps={"a": uniform(2, 5, 5)}),
        accepts=(OSError,),
        then=lambda found: None,
        data=("images",),
        free=("titles",),
    )
    there = here + "metrics."
    add(
        there + "adversarial_stability",
        lambda: dict(given(), epsilon=0.1),
        data=("x",),
    )
    add(there + "parameter_randomization", given, data=("x",))
    add(there + "random_logit", given, data=("x",))
    there = here + "theory."
    add(
        there + "expected_guided_map",
        lambda: dict(images=IMAGES, num_filters=3),
        data=("images",),
    )
    add(there + "filters_needed", lambda: dict(patch_size=27, error=0.1))
    add(
        there + "guided_patch_error", lambda: dict(patch_size=27, num_filters=3)
    )
    add(there + "noise_correlation", lambda: dict(rule="saliency"))
    add(
        there + "noise_variance",
        lambda: dict(image_shape=(8, 8, 1), num_filters=3),
    )
    add(
        there + "random_network",
        lambda: dict(input_shape=(8, 8, 1), num_filters=3),
        then=lambda found: found(IMAGES),
    )


add_spectral()
add_maps()
