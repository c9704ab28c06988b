"""Where one SQL statement ends: at a semicolon that is not inside a string or a comment."""

from collections.abc import Iterator

from embedded.warehouse.sqltext import tokens


def split(text: str) -> Iterator[str]:
    """The statements of a script, without their semicolons; what stands after the last one too."""
    data = text.encode("utf-8", "surrogateescape")
    start, empty = 0, True
    for token in tokens(data):
        if token.upper == b";":
            if not empty:
                yield _text(data[start : token.start])
            start, empty = token.end, True
        else:
            empty = False
    if not empty:
        yield _text(data[start:])


def is_finished(text: str) -> bool:
    """Whether what was typed ends with a semicolon that ends it."""
    last = None
    for token in tokens(text.encode("utf-8", "surrogateescape")):
        last = token
    return last is not None and last.upper == b";"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape").strip()
