"""What can go wrong that a user can mend, each said in one line."""

from __future__ import annotations


class PdtuiError(Exception):
    """Anything a user can mend: `title` names the thing, `detail` says what is wrong with it."""

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.title = title
        self.detail = detail


class SourceError(PdtuiError):
    """A source that cannot be read; `title` is its path."""


class FilterError(PdtuiError):
    """A filter that cannot be understood; `title` is the filter's name."""
