"""What a journal says: a code of the catalogue and its fields, rendered when somebody reads it.

An error is raised; a sentence is kept. Both have the same codes, and the same readers.
"""

from __future__ import annotations

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.messages import message, texts, whole
from yolodeploy.core.text import one_line


class Sentence(msgspec.Struct, frozen=True):
    """A code and its fields, each of one line; a field may be a sentence again.

    `brief`: what mends it is left out, for what it tells of is got over already.
    """

    code: str
    fields: dict[str, str | Sentence] = {}
    brief: bool | msgspec.UnsetType = msgspec.UNSET

    def text(self, language: str = "en") -> str:
        """What it says."""
        return message(self.code).rendered("text", language, texts(self.fields, language))

    def told(self, language: str = "en") -> str:
        """What it says and, where something is to be mended, what mends it."""
        return self.text(language) if self.brief else whole(self.code, self.fields, language)

    def __str__(self) -> str:
        return self.told()


def sentence(code: str, /, **fields: object) -> Sentence:
    """A sentence; what is no sentence among its fields is made text of one line."""
    kept = {n: v if isinstance(v, Sentence) else one_line(str(v)) for n, v in fields.items()}
    return Sentence(code, kept)


def sentence_of(error: YolodeployError, **beside: object) -> Sentence:
    """What an error says; `beside`, what who keeps it knows and who raised it did not."""
    return sentence(error.code, **{**beside, **error.fields, **error.spoken})


def brief(error: YolodeployError) -> Sentence:
    """What an error says, without what mends it."""
    return msgspec.structs.replace(sentence_of(error), brief=True)


def words(text: str | Sentence) -> Sentence:
    """Words as they are: a person's, a cluster's; or all of a sentence, what mends it too."""
    return sentence("step.words", words=text)


known(Sentence)
