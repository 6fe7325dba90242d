"""Real text lines: the project's collection (labels.tsv and its folders) or a user's own folder in the same form.

Only lines whose licence class is `open` may train weights that are shipped; the others are for experiments.
One group (a document, a photo) in ten is kept apart for validation and never trained on.
"""

import csv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HELD_OUT_SHARE = 10  # one group in so many
HELD_OUT_SALT = "4"  # keeps a tenth of the handwriting apart too: 30 documents of very unlike size, others gave 2 lines


FOLDERS = {"sroie": "receipt", "pdftext": "document", "numbers": "number", "photos": "photo", "photos2": "photo"}
# Groups of photos.tar that were looked through: mostly written by hand, and printed pages with handwriting on them.
HAND_GROUPS = {"4c20ea3bad", "f91f2b3bd5", "baf90348de", "f2da15604e", "67dae5a18d"}
HAND_GROUPS |= {"54766d6b9d", "f1ca9ed254", "5eb229f8ac", "fd120bbbe2", "3c699b125a"}
MIXED_GROUPS = {"c55d28d579", "1d59f65d91", "160c35f7ac", "3a712d9ae3", "6c3b1cbfa1"}


@dataclass(frozen=True)
class Line:
    """One row of labels.tsv."""

    file: str
    text: str  # with the case of the picture; may be a machine's reading, see `labelled`
    labelled: bool  # by people or by the document's own text, not by a recognizer
    confidence: float  # of the label, 0 to 1
    group: str
    licence: str

    @property
    def kind(self) -> str:
        """hand, mixed (printed page with handwriting on it), receipt, document, number, photo; own: a user's line."""
        for prefix, groups, kind in (("hw-", HAND_GROUPS, "hand"), ("mx-", MIXED_GROUPS, "mixed")):
            if self.group.startswith(prefix) or self.group in groups:
                return kind
        return FOLDERS.get(self.file.split("/")[0], "own")

    @property
    def held_out(self) -> bool:
        """Whether the line's document is kept apart for validation."""
        document = self.group.removeprefix("hw-").removeprefix("mx-")
        return zlib.crc32((HELD_OUT_SALT + document).encode()) % HELD_OUT_SHARE == 0


def read(folder: Path, *, licences: tuple[str, ...] = ("open",)) -> Iterator[Line]:
    """The lines of `folder`/labels.tsv of the given licence classes.

    Only the columns `file` and `text` are needed: a user's own lines are labelled, open, and each a group of its own.
    Labels in capitals whatever the picture shows are left out, unless the row gives the text in its true case.
    """
    with (folder / "labels.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = row["cased"] if row.get("case") == "upper" else row["text"]
            licence = row.get("licence", "open")
            if text and licence in licences:
                labelled = row.get("kind", "labelled") == "labelled"
                confidence, group = float(row.get("confidence", 1)), row.get("group", row["file"])
                yield Line(row["file"], text, labelled, confidence, group, licence)
