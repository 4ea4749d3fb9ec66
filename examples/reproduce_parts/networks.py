"""Papers on what is put into a network, or read from it."""

from examples.reproduce_parts.claims import Check, Claim
from examples.reproduce_parts.paper import Paper, Run

_DISTANCE = "/Frechet distance of features"
_CLASSES = "classes among 64 samples, expected"
_SPECKS = "/isolated pixels, 4 neighbors"


def _gan(end, metric=_DISTANCE):
    return f"*/mlp, wgan-gp, {end}, * epochs{metric}"


def _against_threshold(metric):
    """Checks as the paper has it, and at slopes that are the same."""
    return tuple(
        Check(
            "gan",
            _gan(f"dbn, {bits}", metric),
            "<",
            _gan(f"real, {real}, threshold", metric),
        )
        # A sigmoid is not annealed: that of the paper has a slope of 1.
        for bits, real in (
            ("paper", "paper"),
            ("slope1", "paper"),
            ("slope4", "slope4"),
        )
    )


BINARY_GAN = Paper(
    "Training Generative Adversarial Networks with Binary Neurons by "
    "End-to-end Backpropagation",
    "Dong and Yang 2018",
    {
        "gan": Run(
            "-m examples.binary_gan --seeds=2",
            "binary_gan_mnist",
            "binary_gan.png",
        )
    },
    (
        Claim(
            "Generators that emit bits train end to end",
            "classes that are expected among 64 samples, of ten",
            tuple(
                Check("gan", f"*wgan-gp, {x}, paper*/{_CLASSES}", ">=", 9.5)
                for x in ("dbn", "sbn")
            ),
        ),
        Claim(
            "Bits in training are better than bits after it",
            "Fréchet distance, deterministic neurons and a threshold",
            _against_threshold(_DISTANCE),
        ),
        Claim(
            "They leave fewer specks than a threshold after training",
            "isolated pixels of an image",
            _against_threshold(_SPECKS),
        ),
        Claim(
            "Stochastic neurons do about as well as deterministic ones",
            "Fréchet distance, stochastic and deterministic",
            (Check("gan", _gan("sbn, paper"), "<=", _gan("dbn, paper")),),
        ),
    ),
)

BACKDROP = Paper(
    "Backdrop: Stochastic Backpropagation",
    "Golkar and Cranmer 2018",
    {
        "textures": Run(
            "-m examples.backdrop_textures",
            "textures_images",
            "backdrop_textures.png",
        ),
        "auc": Run("-m examples.backdrop_auc --seeds=2", "backdrop_auc_mnist"),
    },
    (
        Claim(
            "Masks help where images have several scales",
            "accuracy less that without masks, points",
            (Check("textures", "*/both *accuracy, test, less none", ">", 0),),
        ),
        Claim(
            "Losses of a whole set, as of ranking, gain from a mask",
            "AUC less that of the whole set without a mask",
            (
                Check(
                    "auc",
                    "backdrop-0.* less backdrop-0/test AUC*",
                    ">",
                    0,
                ),
            ),
        ),
        Claim(
            "And then are better than mini-batches",
            "AUC less that of mini-batches of the same loss",
            (Check("auc", "backdrop-0.* less pairs/test AUC*", ">", 0),),
        ),
    ),
)

SPECTRAL = Paper(
    "Backpropagation for Implicit Spectral Densities",
    "Ramesh and LeCun 2018",
    {
        "gan": Run(
            "-m examples.spectral_gan --only=-0",
            "spectral_gan_mnist",
            "spectral_gan.png",
        ),
        "bits": Run(
            "-m examples.spectral_gan --only=-0", "spectral_gan_binary"
        ),
    },
    (
        Claim(
            "The likelihood term raises the likelihood of held-out data",
            "log-likelihood of inverted images less that without, nats",
            (
                Check(
                    "gan", "*/likelihood 0*/*inverted*less that of none", ">", 0
                ),
            ),
        ),
        Claim(
            "A term of the spectrum makes generators better conditioned",
            "condition number over that without, penalty",
            tuple(
                Check(run, "*/condition*/condition over that of none", "<", 1)
                for run in ("gan", "bits")
            ),
        ),
        Claim(
            "It does so and leaves samples as good as they were",
            "gain in conditioning with quality kept by its interval, penalty",
            tuple(
                Check(run, "*/condition*/gain in conditioning*", ">", 1)
                for run in ("gan", "bits")
            ),
        ),
        Claim(
            "The likelihood term leaves samples as good as they were",
            "Fréchet distance over that without",
            (Check("gan", "*/likelihood 0*/Fr*over that of none", "<=", 1.1),),
        ),
        Claim(
            "Climbing the likelihood leads to aberrant outputs",
            "confidence of a classifier gained by the climb",
            (Check("gan", "*/confidence gained by *ascent", "<", 0),),
        ),
        Claim(
            "Eigenvectors of the metric are more disentangled than others",
            "concentration of changes, eigenvectors less random",
            (Check("gan", "*/concentration, eigenvectors less*", ">", 0),),
        ),
    ),
)

_FINDINGS = (
    "guided maps of a random network recover the image",
    "guided maps of a random network do not depend on the class",
    "saliency of a random network is noise",
    "deconvnet of a random network is noise",
    "max-pooling lets DeconvNet recover the image",
    "depth does not change guided maps",
    "without local connections there is no recovery",
    "trained, guided hardly depends on the class",
    "an adversary changes saliency more than guided",
)


def _finding(text):
    return f"*: {text}/*"


GUIDED = Paper(
    "A Theoretical Explanation for Perplexing Behaviors of "
    "Backpropagation-based Visualizations",
    "Nie, Zhang and Patel 2018",
    {
        "maps": Run(
            "-m examples.visualization_theory",
            "visualization_mnist",
            "visualization_maps.png",
        ),
        "photographs": Run("", "visualization_photographs"),
    },
    tuple(
        Claim(
            text[0].upper() + text[1:],
            "as in docs/visualization.md, digits and photographs",
            tuple(
                Check(source, _finding(text), "aim", None)
                for source in ("maps", "photographs")
            ),
        )
        for text in _FINDINGS
    ),
)

ASIC = Paper(
    "ASIC Implementation of Time-Domain Digital Backpropagation with "
    "Deep-Learned Chromatic Dispersion Filters",
    "Fougstedt et al. 2018",
    {
        "link": Run(
            "-m examples.learned_dbp", "learned_dbp_isit", "learned_dbp.png"
        ),
        "asic": Run("", "asic_isit", "asic.png"),
    },
    (
        Claim(
            "Learned filters are better than longer ones by design",
            "effective SNR, learned and the longest by least squares, dB",
            (
                Check(
                    "link",
                    "*/learned [0-9] taps/effective SNR",
                    ">",
                    "*/LS * taps/effective SNR",
                ),
            ),
        ),
        Claim(
            "They keep it to 1 dB with taps of 6 bits and signals of 10",
            "effective SNR of rounded filters and of the same before, dB",
            (
                Check(
                    "link",
                    "*/learned [0-9] taps/6 bit, 10-bit signal/effective SNR",
                    ">=",
                    "*/learned [0-9] taps/effective SNR",
                    margin=-1,
                ),
            ),
        ),
        Claim(
            "They save 40 % of the power",
            "area and energy, by those of the filter by design of equal SNR",
            (
                Check(
                    "asic", "isit/22.3 dB, learned*filter, *taps", "aim", None
                ),
            ),
        ),
        Claim(
            "What is exported computes the same integers",
            "numbers that differ, LiteRT, C, Cortex-M4, Verilog, gates",
            (Check("asic", "*/numbers of 1,024 that differ*", "<=", 0),),
        ),
    ),
)
