"""Colours, sizes and what turns a picture dark where the reader's page is dark.

Every colour is a pair. A picture is drawn in the light one of each; a style sheet inside it replaces them by
the dark ones where the reader prefers dark. Who does not know the style sheet sees a light card.
The six are told apart by people who do not see red or green (after Okabe and Ito), and none stands alone:
everything drawn is also named in words beside it.
"""

from typing import Any, Final

LIGHT: Final = {
    "paper": "#ffffff",
    "ink": "#1f2328",
    "muted": "#59636e",
    "rule": "#d8dee4",
    "blue": "#0072b2",
    "vermilion": "#bd4d00",
    "green": "#007d62",
    "purple": "#a3518b",
    "amber": "#8f6600",
    "grey": "#6a737d",
}
DARK: Final = {
    "paper": "#0d1117",
    "ink": "#e6edf3",
    "muted": "#9ea7b3",
    "rule": "#30363d",
    "blue": "#58a6e8",
    "vermilion": "#f28b46",
    "green": "#36c29c",
    "purple": "#d894c0",
    "amber": "#e0b040",
    "grey": "#868e98",
}

# Drawn with the first, which comes with the library; a reader without it gets one as wide.
FONT: Final = "DejaVu Sans"
FONTS: Final = f"'{FONT}', Verdana, Geneva, sans-serif"
# Points.
TITLE, SUBTITLE, TEXT, SMALL = 14.0, 9.5, 9.5, 8.5

SETTINGS: Final[dict[Any, Any]] = {
    # The ids inside would otherwise be new in every file.
    "svg.hashsalt": "ugc",
    # Text stays text: it can be read aloud, searched and copied.
    "svg.fonttype": "none",
    "font.family": FONT,
    "font.size": TEXT,
    "axes.edgecolor": LIGHT["rule"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.labelsize": SMALL,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": LIGHT["rule"],
    "ytick.color": LIGHT["rule"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "grid.color": LIGHT["rule"],
    "grid.linewidth": 0.7,
    "figure.facecolor": LIGHT["paper"],
    "savefig.facecolor": LIGHT["paper"],
}


def sheet() -> str:
    """The style sheet inside each picture."""
    dark = "".join(
        f'[style*="{what}: {LIGHT[name]}"]{{{what}:{DARK[name]}!important}}'
        for name in LIGHT
        for what in ("fill", "stroke")
    )
    fonts = f"text{{font-family:{FONTS}!important}}"
    return f"<style>{fonts}@media (prefers-color-scheme:dark){{{dark}}}</style>"
