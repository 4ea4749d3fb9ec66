"""Parts of examples/spectral_gan.py."""
