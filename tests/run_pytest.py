"""Entry point of the Bazel tests: runs pytest on the folders in `argv`."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
