"""The licences of what is downloaded, and which of them a user must accept first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from landmark_discovery.errors import UserError, nearest_name


@dataclass(frozen=True)
class Licence:
    """Say what a file may be used for.

    Attributes:
        key: its name in `accept_licences`.
        title: what it is the licence of.
        terms: the terms in one line, in our words.
        non_commercial: whether commercial use is excluded, so that the user must accept it first.
        address: where the terms stand.
    """

    key: str
    title: str
    terms: str
    non_commercial: bool
    address: str

    def __str__(self) -> str:
        """Say all of it in one line."""
        return f"{self.title}: {self.terms} ({self.address})"


LICENCES = {
    licence.key: licence
    for licence in (
        Licence(
            "superpoint",
            "SuperPoint's weights (Magic Leap)",
            "non-commercial research only, no redistribution",
            non_commercial=True,
            address="https://github.com/magicleap/SuperPointPretrainedNetwork/blob/master/LICENSE",
        ),
        Licence(
            "celeba",
            "CelebA",
            "non-commercial research only, no redistribution",
            non_commercial=True,
            address="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        ),
        Licence(
            "300w-lp",
            "300W-LP",
            "research only",
            non_commercial=True,
            address="http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm",
        ),
        Licence(
            "ls3d-w",
            "LS3D-W",
            "research only",
            non_commercial=True,
            address="https://www.adrianbulat.com/face-alignment",
        ),
    )
}


def find_licence(key: str, where: str | Path) -> Licence:
    """Find a licence by its key.

    Args:
        key: one of LICENCES.
        where: the file, line or key that names it.

    Raises:
        UserError: there is no such licence; the message lists those that there are.
    """
    if key not in LICENCES:
        raise UserError(f"unknown licence {key!r}", where=where, remedy=nearest_name(key, LICENCES))
    return LICENCES[key]


def unaccepted(keys: Iterable[str | None], accepted: Collection[str]) -> list[Licence]:
    """List the licences that must be accepted first and aren't, each once, in the order of `keys`.

    Args:
        keys: licences of the files that are wanted; None: one that asks for nothing.
        accepted: what the user accepts (the configuration's `accept_licences`).

    Raises:
        UserError: there is no such licence.
    """
    allowed = {find_licence(key, "accept_licences").key for key in accepted}
    wanted = (find_licence(key, "licence") for key in dict.fromkeys(keys) if key is not None)
    return [licence for licence in wanted if licence.non_commercial and licence.key not in allowed]


def require_accepted(keys: Iterable[str | None], accepted: Collection[str]) -> None:
    """Stop where a licence isn't accepted; the message has the terms and the line of the configuration.

    Raises:
        UserError: a licence is missing from `accepted`, or there is no such licence.
    """
    missing = unaccepted(keys, accepted)
    if missing:
        options = " ".join(f"--accept {licence.key}" for licence in missing)
        raise UserError(
            f"licences to accept first: {'; '.join(map(str, missing))}",
            remedy=f"read the terms; if you accept them, set `{acceptance_line(missing, accepted)}` in the "
            f"configuration, or give `{options}` to `landmarks download`",
        )


def acceptance_line(licences: Iterable[Licence], accepted: Collection[str] = ()) -> str:
    """Write the line of the configuration that accepts some licences, besides those accepted already."""
    keys = sorted({*accepted, *(licence.key for licence in licences)})
    return f"accept_licences: [{', '.join(keys)}]"
