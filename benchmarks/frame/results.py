"""Results on disk: written whole or not at all, and read back only if every word is understood."""

from pathlib import Path

import msgspec

from benchmarks.frame.figures import FORMAT, Result
from telemetry.errors import OperatorError

DIRECTORY = Path(__file__).parents[1] / "results"


class ForeignResult(OperatorError):  # noqa: N818 - what happened, said to a person
    """A file that is not a result of this version of the frame; the message says which and why."""


class _Head(msgspec.Struct):
    """What every version of the format begins with."""

    format: int


def encode(result: Result) -> bytes:
    """The result as JSON that a person can read and a diff can show."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def prepare(directory: Path) -> None:
    """Make sure before the measuring that its result can be kept. Raises OperatorError."""
    probe = directory / ".write-probe"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as error:
        raise OperatorError(
            f"cannot write results to {directory} ({error.strerror}); name another directory by --out"
        ) from None


def write(result: Result, directory: Path) -> Path:
    """Replace `<bench>.<scale>.json` there; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{result.bench}.{result.scale}.json"
    aside = file.with_suffix(".partial")
    aside.write_bytes(encode(result))
    aside.replace(file)
    return file


def read(file: Path) -> Result:
    """The result in `file`. Raises ForeignResult."""
    try:
        data = file.read_bytes()
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise ForeignResult(
                f"{file}: it is of format {head.format} and this version reads {FORMAT}; measure it again"
            )
        result = msgspec.json.decode(data, type=Result)
    except OSError as error:
        raise ForeignResult(f"{file}: {error.strerror}; name a result that is there") from None
    except msgspec.DecodeError as error:
        raise ForeignResult(f"{file}: not a result: {error}; name a file that a run has written") from None
    empty = [each.key for each in result.figures if not each.samples]
    empty += [each.key for each in result.comparisons if not each.pairs]
    if empty:
        raise ForeignResult(f"{file}: {', '.join(empty)} without one measurement; measure it again")
    return result


def read_all(directory: Path) -> list[Result]:
    """Every result there, by bench and scale. Raises ForeignResult at the first that is none."""
    return [read(file) for file in sorted(directory.glob("*.json"))]
