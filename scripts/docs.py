"""Writes the README's list of keys from the program's own table.

python scripts/docs.py          # rewrites README.md
python scripts/docs.py --check  # status 1 where README.md is not what it would write
"""

from __future__ import annotations

import sys
from pathlib import Path

from pdtui.ui.keys import HELP_ORDER, KEYS

README = Path(__file__).parents[1] / "README.md"
_BEGIN = "<!-- keys: begin; scripts/docs.py writes what stands between -->\n"
_END = "<!-- keys: end -->"


def key_table() -> str:
    """The keys as a table, a line a key, by what they are for."""
    lines = ["| key | does |", "| --- | --- |"]
    for group in HELP_ORDER:
        for key in KEYS:
            if key.group == group and key.shown:
                shown = " ".join(f"`{part}`" for part in key.shown.split())
                lines.append(f"| {shown} | {key.does} |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """The README with the list of keys as it should be."""
    before, rest = README.read_text().split(_BEGIN)
    _, after = rest.split(_END)
    return before + _BEGIN + key_table() + _END + after


def main() -> int:
    """Writes or checks."""
    if "--check" in sys.argv[1:]:
        return int(README.read_text() != readme())
    README.write_text(readme())
    return 0


if __name__ == "__main__":
    sys.exit(main())
