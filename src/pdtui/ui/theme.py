"""The colours. Everything that a colour says is said by a sign or a word too."""

from __future__ import annotations

from textual.theme import Theme

PDTUI_THEME = Theme(
    name="pdtui",
    primary="#7aa2f7",
    secondary="#bb9af7",
    accent="#7dcfff",
    foreground="#c8d0e8",
    background="#14161f",
    surface="#1b1e2b",
    panel="#23273a",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={
        "border": "#7aa2f7",
        "border-blurred": "#3a4060",
        "scrollbar": "#3a4060",
        "scrollbar-hover": "#565f89",
        "scrollbar-active": "#7aa2f7",
        "scrollbar-background": "#1b1e2b",
        "scrollbar-background-hover": "#1b1e2b",
        "scrollbar-background-active": "#1b1e2b",
        "block-cursor-text-style": "none",
        "footer-key-foreground": "#7dcfff",
    },
)
