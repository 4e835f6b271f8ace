"""AffectNet, a million faces of the web: what its two layouts share.

Mollahosseini, Hasani, Mahoor, "AffectNet: a database for facial expression, valence, and arousal computing in the
wild", IEEE Transactions on Affective Computing 10 (1), 2019.
"""

from __future__ import annotations

from fer_cli.datasets.listed import FaceStream, Table, number
from fer_cli.errors import InputError
from fer_cli.labels import AFFECTNET_CODES, AFFECTNET_OTHERS, EMOTIONS_8

_CODES = AFFECTNET_CODES | AFFECTNET_OTHERS
_TRAIN = {
    "angry": 24882, "disgust": 3803, "fear": 6378, "happy": 134415, "sad": 25459, "surprise": 14090,
    "neutral": 74874, "contempt": 3750,
}  # fmt: skip
#: Images of a complete copy.
_PUBLISHED: Table = {"train": _TRAIN, "val": dict.fromkeys(EMOTIONS_8, 500)}


class AffectNet(FaceStream):
    """Eight emotions, and the attributes valence and arousal in -1..1. No persons are known.

    The manually annotated part has 287,651 training faces and 4,000 in val, 500 a class; a complete copy has the
    counts of `published`. Rows labelled "none", "uncertain" and "no face" are counted and left out.
    """

    class_names = EMOTIONS_8
    published = _PUBLISHED
    what = "manually annotated faces"

    def _emotion(self, where: str, label: str) -> str | None:
        """The emotion of a label, or None and a count for what is no emotion; an `InputError` begins with `where`."""
        code = number(where, label, _CODES)
        if code in AFFECTNET_OTHERS:
            self.findings.count(f"rows left out that are labelled {AFFECTNET_OTHERS[code]!r}")
            return None
        return AFFECTNET_CODES[code]

    def _affect(self, where: str, valence: str, arousal: str) -> dict[str, float]:
        """The attributes; an `InputError` begins with `where`."""
        try:
            return {"valence": float(valence), "arousal": float(arousal)}
        except ValueError:
            raise InputError(
                f"{where}: expected numbers for valence and arousal. Received: {valence[:20]!r}, {arousal[:20]!r}"
            ) from None
