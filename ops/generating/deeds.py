"""What was done: by event type how often, with which properties, and what it is worth.

All six types that the contract knows, and two custom ones. Some films, pages and products are far more
popular than others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ops.generating.chance import Whole, Words, below, chosen, draw
from ops.generating.moments import Columns
from ops.generating.people import DEVICES, PLACES, People

FILMS_BITS = 12
CENTS = 100


@dataclass(frozen=True, slots=True)
class Scene:
    """Events whose properties are asked for, and who is in them."""

    seed: int
    events: Columns
    crowd: People

    def drawn(self, what_for: str) -> Words:
        """Chance of each event's own, another one for each name."""
        return draw(self.seed, what_for, self.events.bits)


# What one place of a template says in each event of a scene.
Said = Callable[[Scene], list[bytes] | list[int]]


def _word(name: str, *words: str) -> Said:
    """One of the words, the first ones more often."""
    shares = [len(words) - place for place in range(len(words))]
    said = [word.encode() for word in words]

    def say(scene: Scene) -> list[bytes]:
        return [said[place] for place in chosen(scene.drawn(name), shares).tolist()]

    return say


def _number(name: str, least: int, below_: int) -> Said:
    """A whole number, each as often as the others."""

    def say(scene: Scene) -> list[int]:
        numbers: list[int] = (least + below(scene.drawn(name), below_ - least)).tolist()
        return numbers

    return say


def _popular(name: str) -> Said:
    """A number of a film or a product: the low ones by far more often."""

    def say(scene: Scene) -> list[int]:
        one, other = (below(scene.drawn(each), 2**FILMS_BITS) for each in (name, f"{name} again"))
        numbers: list[int] = (1 + (one * other >> FILMS_BITS)).tolist()
        return numbers

    return say


def _country(scene: Scene) -> list[bytes]:
    said = [place.country.encode() for place in PLACES]
    return [said[place] for place in scene.crowd.place[scene.events.user].tolist()]


def _device(scene: Scene) -> list[bytes]:
    said = [device.name.encode() for device in DEVICES]
    return [said[place] for place in scene.crowd.device[scene.events.user].tolist()]


@dataclass(frozen=True, slots=True)
class Deed:
    """An event type: how many of 256 are of it, its properties, and what it is worth: cents, by what is said.

    `template` is the JSON of the properties with a place for each of `says`.
    """

    event_type: str
    share: int
    template: bytes
    says: tuple[Said, ...]
    worth_cents: tuple[int, int] = (0, 1)


_ENDS = b'"country":"%b","device":"%b"}'
_WHO: tuple[Said, ...] = (_country, _device)
_GENRE = _word("genre", "drama", "comedy", "crime", "documentary", "animation", "horror")

PAGE_VIEW = Deed(
    "page_view",
    92,
    b'{"page":"/films/%d","kind":"%b","dwell_ms":%d,' + _ENDS,
    (
        _popular("film"),
        _word("page kind", "film", "category", "promo", "recommendations"),
        _number("dwell", 300, 240_000),
        *_WHO,
    ),
)
CLICK = Deed(
    "click",
    72,
    b'{"element":"%b","kind":"%b","target":"/films/%d",' + _ENDS,
    (
        _word("element", "play", "poster", "trailer", "more", "share", "like"),
        _word("click kind", "film", "button", "trailer", "category"),
        _popular("film"),
        *_WHO,
    ),
)
VIDEO_COMPLETED = Deed(
    "video_completed",
    28,
    b'{"film_id":%d,"duration_ms":%d,"watched_ms":%d,' + _ENDS,
    (
        _popular("film"),
        _number("duration", 5_400_000, 7_200_000),
        _number("watched", 600_000, 5_400_000),
        *_WHO,
    ),
    (10 * CENTS, 10 * CENTS + 1),
)
VIDEO_QUALITY_CHANGED = Deed(
    "video_quality_changed",
    20,
    b'{"film_id":%d,"from":"%b","to":"%b",' + _ENDS,
    (
        _popular("film"),
        _word("from", "1080p", "720p", "480p"),
        _word("to", "720p", "1080p", "480p", "2160p"),
        *_WHO,
    ),
)
SEARCH_FILTER_APPLIED = Deed(
    "search_filter_applied",
    18,
    b'{"filters":{"genre":"%b","rating":%d},"results":%d,' + _ENDS,
    (_GENRE, _number("rating", 1, 10), _number("results", 0, 400), *_WHO),
)
APP_OPENED = Deed(
    "app.opened",
    12,
    b'{"version":"4.%d","cold":%b,' + _ENDS,
    (_number("version", 0, 9), _word("cold", "true", "false"), *_WHO),
)
PURCHASE = Deed(
    "purchase",
    8,
    b'{"product_id":"product-%d","quantity":%d,' + _ENDS,
    (_popular("product"), _number("quantity", 1, 4), *_WHO),
    (99, 5_000),
)
PLAYLIST_SHARED = Deed(
    "playlist.shared",
    6,
    b'{"playlist":"list-%d","members":%d,' + _ENDS,
    (_number("playlist", 1, 50_000), _number("members", 1, 40), *_WHO),
    (5 * CENTS, 5 * CENTS + 1),
)
DEEDS = (
    PAGE_VIEW,
    CLICK,
    VIDEO_COMPLETED,
    VIDEO_QUALITY_CHANGED,
    SEARCH_FILTER_APPLIED,
    APP_OPENED,
    PURCHASE,
    PLAYLIST_SHARED,
)


def deeds_of(scene: Scene) -> Whole:
    """Places in DEEDS. A visit begins with a page, or with the app that is opened."""
    done = chosen(scene.drawn("deed"), [deed.share for deed in DEEDS])
    has_app = scene.crowd.device[scene.events.user] > 0
    begin = np.where(has_app, DEEDS.index(APP_OPENED), DEEDS.index(PAGE_VIEW))
    return np.where(scene.events.place == 0, begin, done)


def properties_of(scene: Scene, deed: Deed) -> list[bytes]:
    """The properties of these events, all of them of this type."""
    said = [say(scene) for say in deed.says]
    return [deed.template % each for each in zip(*said, strict=True)]


def cents_of(scene: Scene, deed: Deed) -> Whole:
    """What each of them is worth."""
    least, below_ = deed.worth_cents
    return least + below(scene.drawn("worth"), below_ - least)
