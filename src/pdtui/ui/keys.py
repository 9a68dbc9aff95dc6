"""All keys in one table: the bindings, the help and the README's list come from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

MOVE, LOOK, VIEWS = "Moving", "Panes", "Who waits for whom"
FILTER, JUMP, REST = "Filters", "Finding", "The rest"
HELP_ORDER = (MOVE, LOOK, VIEWS, FILTER, JUMP, REST)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: how Textual calls it, the action, how it is written, and what it does."""

    keys: str
    action: str
    shown: str
    does: str
    group: str
    moves_keys: bool = False
    """Whether what is typed next goes elsewhere: into an input, or to a view."""

    def binding(self) -> Binding:
        """The binding of an app's key."""
        name = "app." + self.action.replace("(", "_").replace(")", "").replace("'", "")
        # What is typed right after such a key, perhaps in one packet with it, must find it:
        # only priority bindings are carried out before the next key is handed on.
        return Binding(
            self.keys, self.action, self.does, show=False, priority=self.moves_keys, id=name
        )


KEYS: tuple[Key, ...] = (
    Key("", "", "j k ↑ ↓", "row down, up", MOVE),
    Key("", "", "PgUp PgDn Space b", "page up, down", MOVE),
    Key("", "", "^D ^U", "half a page down, up", MOVE),
    Key("", "", "h l ← →", "message sideways", MOVE),
    Key("", "", "g Home", "top", MOVE),
    Key("", "", "G End", "end, and follow again", MOVE),
    Key("", "", "F", "follow on, off (scrolling up stops it)", MOVE),
    Key("equals_sign", "freeze", "=", "freeze the screen, count what arrives", LOOK),
    Key("", "", "Tab", "next pane", LOOK),
    Key("", "", "Shift-Tab", "previous pane", LOOK),
    *(Key(str(n), f"pane({n})", "", f"pane {n}", LOOK) for n in range(1, 10)),
    Key("", "", "1…9", "pane n", LOOK),
    Key("0", "timeline", "0", "timeline", LOOK),
    Key("z", "zoom", "z", "zoom the pane, and back", LOOK),
    Key("T", "time_column", "T", "time column: clock, Δ to the row above, Δ to the mark", LOOK),
    Key("y", "lock", "y", "lock the panes by time: the others go along with this one", LOOK),
    Key("v", "view(1)", "v", "views: handshakes, requests, stats, back to the log", VIEWS, True),
    Key("right_square_bracket", "view(1)", "]", "next view", VIEWS, True),
    Key("left_square_bracket", "view(-1)", "[", "previous view", VIEWS, True),
    Key("", "", "Enter", "in a view: to its row in the log", VIEWS),
    Key("C", "correct_clocks", "C", "correct clocks that differ, and back", VIEWS),
    Key("r", "filter('rank')", "r", "rank filter", FILTER, True),
    Key("x", "filter('marker')", "x", "marker filter", FILTER, True),
    Key("L", "filter('level')", "L", "level filter", FILTER, True),
    Key("ampersand", "filter('text')", "&", "text filter: hides (! first excludes)", FILTER, True),
    Key("asterisk", "only_like(True)", "*", "only rows like this one", FILTER),
    Key("number_sign", "only_like(False)", "#", "no rows like this one", FILTER),
    Key("backslash", "filters", "\\", "all filters off, on: the position stays", FILTER),
    Key("slash", "search", "/", "search: highlights, hides nothing", JUMP, True),
    Key("n", "search_next(1)", "n", "next place found", JUMP),
    Key("N", "search_next(-1)", "N", "previous place found", JUMP),
    Key("e", "level(1,'error')", "e", "next error", JUMP),
    Key("E", "level(-1,'error')", "E", "previous error", JUMP),
    Key("w", "level(1,'warning')", "w", "next warning", JUMP),
    Key("W", "level(-1,'warning')", "W", "previous warning", JUMP),
    Key("s", "silence(1)", "s", "next silence (5 s without a row)", JUMP),
    Key("S", "silence(-1)", "S", "previous silence", JUMP),
    Key("o", "request(1)", "o", "next row of this row's request, in any process", JUMP),
    Key("O", "request(-1)", "O", "previous row of it", JUMP),
    Key("right_curly_bracket", "step(1)", "}", "next step of a handshake, in this pane", JUMP),
    Key("left_curly_bracket", "step(-1)", "{", "previous step of a handshake", JUMP),
    Key("m", "mark", "m", "mark the row", JUMP),
    Key("u", "next_mark(1)", "u", "next mark", JUMP),
    Key("U", "next_mark(-1)", "U", "previous mark", JUMP),
    Key("apostrophe", "marks", "'", "list of marks", JUMP),
    Key(
        "enter",
        "details",
        "Enter",
        "the row's details, and what the others did at that moment",
        REST,
    ),
    Key("c", "copy", "c", "copy the row, or the marked rows (OSC 52)", REST),
    Key("ctrl+s", "save", "Ctrl-S", "save what is shown", REST, True),
    Key("colon", "command_palette", ":  Ctrl-P", "command palette", REST),
    Key("question_mark,f1", "help", "?  F1", "help", REST),
    Key("escape", "step_back", "Esc", "one step back: view, zoom, search, the last filter", REST),
    Key("q", "leave", "q", "back, then quit (Ctrl-C quits at once)", REST),
)
