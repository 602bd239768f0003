"""Why a picture or a face cannot be used, or should be used with care: a code and a sentence in two languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One remark on a picture or a face.

    `code` is stable (kebab-case); `zh` and `en` say to a person what to do. `refuses` tells a refusal from a warning:
    a refusing reason makes a picture unusable; a warning lets a similar face count and forbids the conclusion
    "nobody we know", since a poor picture resembles nobody.
    """

    code: str
    zh: str
    en: str
    refuses: bool = True


class UnusablePicture(Exception):
    """These bytes are not given to recognition.

    Codes: `not-a-picture`, `too-many-bytes`, `too-many-pixels`, `truncated`.
    """

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en

    @property
    def reason(self) -> Reason:
        """The same as a value, for storing beside a sighting."""
        return Reason(self.code, self.zh, self.en)
