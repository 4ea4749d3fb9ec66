"""Parts of examples/binary_gan.py."""
