"""A second, slow reading of a log, line by line, to hold the scanner to.

It was written from the description of the line formats and from real logs, shares no code with
`pdtui.core`, and knows no blocks: plain expressions on whole lines, one dictionary a question.
What it says of every line is what the output schema says.
"""

from __future__ import annotations

from tests.reference.line import SCHEMA, Line
from tests.reference.reading import read

__all__ = ["SCHEMA", "Line", "read"]
