"""Where the recipe keeps what it fetches and makes; nothing of it is in git."""

import argparse
from dataclasses import dataclass
from pathlib import Path

DEFAULT = Path(__file__).resolve().parents[2] / ".cache" / "training"


@dataclass(frozen=True)
class Folders:
    """The working folder (`--work`) and its parts."""

    root: Path

    @property
    def packages(self) -> Path:
        """What `fetch` unpacked: fonts, texts, strokes, the parent nets."""
        return self.root / "packages"

    @property
    def texts(self) -> Path:
        """What `texts` made: one file of sentences per language."""
        return self.root / "texts"

    @property
    def pool(self) -> Path:
        """What `pool` made: shards of lines with the teacher's reading."""
        return self.root / "pool"

    @property
    def runs(self) -> Path:
        """What `train` made: one folder per run with checkpoints and log."""
        return self.root / "runs"


def folders(parser: argparse.ArgumentParser) -> Folders:
    """The folders of the parsed command line of a stage whose only option is --work."""
    return Folders(option(parser).parse_args().work)


def option(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """`parser` with the option --work that every stage has."""
    parser.add_argument("--work", type=Path, default=DEFAULT, help="working folder (default: .cache/training)")
    return parser
