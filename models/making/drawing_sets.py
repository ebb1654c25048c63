"""Sets of drawings that `drawings` takes its pictures from: their vendors and licences, and how they name things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What Mozilla's set calls classes otherwise; names that differ in their hyphens alone are found without.
FIREFOX_NAMES = {
    "camel": "dromedarycamel", "cat": "catside", "cat-face": "cat", "curry-rice": "curryandrice", "dog": "dogside",
    "dog-face": "dog", "dove": "doveofpeace", "dragon": "dragonside", "dragon-face": "dragonhead",
    "ear-of-corn": "earofmaize", "eggplant": "aubergine", "evergreen-tree": "evergreen", "ewe": "sheep",
    "fish-cake-with-swirl": "fishcakeswirl", "front-facing-baby-chick": "frontfacingchick", "hamster": "hampster",
    "hot-pepper": "chilipepper", "kitchen-knife": "hocho", "leaf-fluttering-in-wind": "leaffluttering",
    "leopard": "leopardside", "mouse": "mouseside", "mouse-face": "mouse", "panda": "pandaface", "pig": "pigside",
    "pig-face": "pig", "pig-nose": "pigsnout", "pizza": "sliceofpizza", "rabbit": "bunnyside", "rabbit-face": "bunny",
    "sake": "sakebottleandcup", "sheaf-of-rice": "earofrice", "spouting-whale": "spurtingwhale", "tiger": "tigerside",
    "tiger-face": "tiger", "two-hump-camel": "bactriancamel", "wolf": "wolfface",
}


@dataclass(frozen=True, kw_only=True)
class Package:
    """One of npm's packages `@iconify-json/...`.

    Parameters
    ----------
    set : str
        Its name, without `@iconify-json/`.
    version, digest : str
        Of the package; sha256 of the file that `npm pack` gives.
    vendor : str
        Whose drawings they are: what is held out together.
    licence, source : str
        SPDX, and where the drawings come from.
    defines : bool
        Whether a class must be in it.
    joined : bool
        Whether its names have no hyphens.
    own_names : mapping
        What it calls classes otherwise.
    """

    set: str
    version: str
    digest: str
    vendor: str
    licence: str
    source: str
    defines: bool = True
    joined: bool = False
    own_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What npm calls it."""
        return f"@iconify-json/{self.set}"

    @property
    def stem(self) -> str:
        """The name of its file without the version."""
        return f"iconify-json-{self.set}"

    @property
    def file(self) -> str:
        """What `npm pack` writes."""
        return f"{self.stem}-{self.version}.tgz"


PACKAGES = (
    Package(set="noto", version="1.2.9", vendor="google", licence="Apache-2.0",
            digest="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
            source="github.com/googlefonts/noto-emoji"),
    Package(set="noto-v1", version="1.2.5", vendor="google", licence="Apache-2.0",
            digest="2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
            source="github.com/googlefonts/noto-emoji"),
    Package(set="twemoji", version="1.2.5", vendor="twitter", licence="CC-BY-4.0",
            digest="19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
            source="github.com/jdecked/twemoji"),
    Package(set="openmoji", version="1.2.29", vendor="openmoji", licence="CC-BY-SA-4.0",
            digest="03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
            source="github.com/hfg-gmuend/openmoji"),
    Package(set="fluent-emoji", version="1.2.7", vendor="microsoft", licence="MIT",
            digest="8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b",
            source="github.com/microsoft/fluentui-emoji"),
    Package(set="fluent-emoji-flat", version="1.2.6", vendor="microsoft", licence="MIT",
            digest="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
            source="github.com/microsoft/fluentui-emoji"),
    Package(set="emojione", version="1.2.3", vendor="emojione", licence="CC-BY-4.0",
            digest="26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
            source="github.com/EmojiTwo/emojitwo"),
    Package(set="emojione-v1", version="1.2.3", vendor="emojione", licence="CC-BY-SA-4.0", defines=False,
            digest="6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3",
            source="github.com/joypixels/emojione-legacy"),
    Package(set="fxemoji", version="1.2.2", vendor="mozilla", licence="Apache-2.0", defines=False, joined=True,
            digest="f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef",
            own_names=FIREFOX_NAMES, source="github.com/mozilla/fxemoji"),
)
