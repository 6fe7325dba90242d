"""What a file is, by its first bytes."""

import pytest
from ziyan.kinds import HEAD_BYTES, kind, unsupported

KNOWN = {
    b"\xff\xd8\xff\xe0": "picture",
    b"\x89PNG\r\n\x1a\n": "picture",
    b"GIF89a": "picture",
    b"BM\0\0": "picture",
    b"RIFF\0\0\0\0WEBPVP8 ": "picture",
    b"\0\0\0\x18ftypheic": "picture",
    b"II*\0\x08": "tiff",
    b"MM\0*\0": "tiff",
    b"%PDF-1.7\n": "pdf",
    b"PK\3\4": "zip",
    b"PK\5\6": "zip",
    b"hello, this is text": None,
    b"RIFF\0\0\0\0WAVE": None,
    b"\x7fELF": None,
    b"": None,
}


@pytest.mark.parametrize(("head", "expected"), KNOWN.items(), ids=str)
def test_tells_a_file_by_its_first_bytes(head, expected):
    assert kind(head) == expected


def test_a_pdf_may_begin_late_but_not_after_the_head():
    assert kind(b"\n" * (HEAD_BYTES - 5) + b"%PDF-") == "pdf"
    assert kind(b"\n" * (HEAD_BYTES - 4) + b"%PDF-") is None


def test_the_refusal_names_the_file():
    error = unsupported("notes.txt")
    assert error.code == "unsupported_format"
    assert "notes.txt" in error.zh
    assert "notes.txt" in error.en
