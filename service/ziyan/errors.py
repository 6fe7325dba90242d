"""Everything that can go wrong, as one tree with stable codes.

A message is for people: it says what happened, the limit, and what to do next, in Chinese and then in English. Only
`ziyan.web` knows which HTTP status belongs to which class.
"""


class ZiyanError(Exception):
    """The root of the tree. `code` is stable and for programs, `message` is for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{zh} {en}")
        self.code, self.zh, self.en = code, zh, en

    @property
    def message(self) -> str:
        """The Chinese sentence followed by the English one."""
        return str(self)


class SettingRejected(ZiyanError):
    """An environment variable holds a value that the programs cannot run with."""


class ModelRejected(ZiyanError):
    """The manifest, or a file that it names, is missing, damaged or not what it claims to be."""


class RequestRejected(ZiyanError):
    """The request is not one that the API knows: a missing field, an unknown option, a value out of range."""


class Unauthorized(ZiyanError):
    """The request carries no token, or one that is not known, and the box asks for one."""


class Forbidden(ZiyanError):
    """The request comes from a page that is not of this box."""


class UnsupportedBody(RequestRejected):
    """The body is in no form that a picture is taken from."""


class NotFound(ZiyanError):
    """There is nothing under the name that was asked for: never was, or not any more."""


class ImageRejected(ZiyanError):
    """The bytes are not a picture that can be read."""


class UnsupportedFormat(ImageRejected):
    """The bytes are in no accepted picture format."""


class ImageTooLarge(ImageRejected):
    """The picture has more pixels, or the body more bytes, than the box accepts."""


class DocumentRejected(ImageRejected):
    """The bytes are not a document that can be read."""


class DocumentTooLarge(ImageTooLarge):
    """The document has more pages or bytes than the box accepts."""


class Conflict(ZiyanError):
    """What was asked for cannot be had in the state that the job is in."""


class Unavailable(ZiyanError):
    """The box cannot read right now; the same request may succeed after `retry_after_s` seconds."""

    def __init__(self, code: str, zh: str, en: str, *, retry_after_s: int) -> None:
        super().__init__(code, zh, en)
        self.retry_after_s = retry_after_s


class Busy(Unavailable):
    """As many pages are being read and waiting as the box admits."""


class TooHot(Unavailable):
    """The box is above its hard temperature limit and reads nothing until it is cooler."""

    def __init__(self, code: str, zh: str, en: str, *, retry_after_s: int = 30) -> None:
        super().__init__(code, zh, en, retry_after_s=retry_after_s)


class ReaderLost(Unavailable):
    """The reader is starting, was restarted, or died in the middle of this page."""
