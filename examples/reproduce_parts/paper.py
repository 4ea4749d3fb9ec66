"""What a paper is: the runs that it needs, and its claims."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Run:
    """A command in two sizes.

    Attributes:
        small: String, arguments of Python for data that come with packages.
        recorded: String, the stem of docs/results of its run at full size.
        picture: String, the name of the picture in docs/images, or None.
        keeps: Boolean, whether the small run takes `--out_dir`, and keeps
            there what is done.
    """

    small: str
    recorded: str
    picture: str | None = None
    keeps: bool = True


@dataclasses.dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        title: String.
        authors: String, with the year.
        runs: Dictionary from names of sources to `Run`.
        claims: Tuple of `Claim`.
    """

    title: str
    authors: str
    runs: dict
    claims: tuple
