"""What a file is, by its first bytes."""

from ziyan.errors import UnsupportedFormat

HEAD_BYTES = 1024  # a PDF may begin this late: Adobe's implementation note 13 to the PDF reference 1.7

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8")
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ZIPS = (b"PK\3\4", b"PK\5\6")


def kind(head: bytes) -> str | None:
    """"picture", "tiff", "pdf" or "zip", or None for anything else. `head` is the file's first HEAD_BYTES."""
    if head.startswith(_TIFFS):
        return "tiff"
    if head.startswith(_PICTURES) or head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if head.startswith(_ZIPS):
        return "zip"
    return "pdf" if b"%PDF-" in head[:HEAD_BYTES] else None


def unsupported(name: str = "") -> UnsupportedFormat:
    """The refusal of a file that is of no kind."""
    return UnsupportedFormat(
        "unsupported_format",
        f"无法识别的文件格式 {name!r}；请发送 PDF、TIFF、图片，或装有图片的 zip。",
        f"The file {name!r} is nothing that is read here; send PDF, TIFF, pictures, or a zip of pictures.",
    )
