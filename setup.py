"""Metadata of the package, in this one place."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

version_text = (ROOT / "keras_bp" / "_version.py").read_text(encoding="utf-8")
version = re.search(
    r'^__version__ = "([^"]+)"', version_text, re.MULTILINE
).group(1)

readme = ROOT / "README.md"
long_description = readme.read_text(encoding="utf-8") if readme.exists() else ""

# Older schemas of LiteRT make no object from arguments.
export = ["ai-edge-litert>=2.1", "flatbuffers>=24.3"]
examples = [*export, "scikit-learn>=1.4", "matplotlib>=3.8", "jinja2>=3.1"]
# With Sionna, LibAUC and Xplique, which `make rivals` installs without their
# own requirements; some here are those of Xplique. The version of PyTorch is
# one of which there are wheels without CUDA.
torch = "torch==2.13.0"
rivals = [
    *examples,
    torch,
    "OptiCommPy==0.11.0",
    "captum==0.9.0",
    "einops>=0.8",
    "importlib_resources>=6.0",
    "jax==0.10.2",
    "matfree==0.6.3",
    "opencv-python-headless>=4.10",
    "scikit-image>=0.25",
    "storchastic==0.3.7",
    "tf-keras-vis==0.8.7",
]
# What `--workers=ray` needs.
ray = ["ray>=2.60"]
test = [
    *examples,
    *ray,
    "apytypes>=0.5",
    "hypothesis>=6.100",
    "jax>=0.4.34",
    "pytest>=8.2",
    "pytest-xdist>=3.6",
    "scipy>=1.12",
]
# The other backends of Keras. `make test-backends` installs PyTorch by itself
# first, without CUDA where it can.
backends = [*test, torch]
# Beside the tools that `make hardware` installs.
hardware = [*test, "cmsisdsp>=1.10", "cocotb>=2.0"]
lint = ["ruff>=0.12", "import-linter>=2.2"]
# The site is of mkdocs 1 and of the theme for it, which is kept alive until
# 2027. Ruff sets the signatures.
docs = [
    "mkdocs>=1.6,<2",
    "mkdocs-material>=9.7,<10",
    "mkdocstrings[python]>=1.0",
    "ruff>=0.12",
]

setup(
    name="keras_bp",
    version=version,
    description="Layers, gradient estimators and training steps for Keras 3 "
    "where plain backpropagation does not reach",
    long_description=long_description,
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    # The `package_dir` makes an editable install put this folder itself on
    # `sys.path`, so that `examples` and `benchmarks`, which no wheel contains,
    # can be imported from anywhere.
    package_dir={"": "."},
    packages=find_packages(
        include=["keras_bp", "keras_bp.*", "tflite_export", "tflite_export.*"]
    ),
    package_data={"tflite_export.tools": ["*.sh"]},
    install_requires=[
        "tensorflow>=2.18",
        "keras>=3.10",
        "tensorflow-probability[tf]>=0.25",
        "numpy>=1.26",
        "absl-py>=2.0",
    ],
    extras_require={
        "export": export,
        "examples": examples,
        "rivals": rivals,
        "test": test,
        "backends": backends,
        "hardware": hardware,
        "lint": lint,
        "ray": ray,
        "docs": docs,
    },
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
