"""The filter line: rank, marker, level and text, always in sight, applied as one types."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.suggester import Suggester
from textual.widgets import Input, Label, Static

from pdtui.ui.choicelist import Choice, Choices

NAMES = ("rank", "marker", "level", "text")
"""The filters, in the order in which they stand."""


class _LastWord(Suggester):
    """Completes the last word of the input from the choices."""

    def __init__(self, choices: Callable[[], list[Choice]]) -> None:
        super().__init__(use_cache=False)
        self._choices = choices

    async def get_suggestion(self, value: str) -> str | None:
        """Textual: the value completed, None where nothing fits."""
        before, typed = _split_last(value)
        if not typed:
            return None
        fitting = (c.word for c in self._choices() if c.word.startswith(typed) and c.word != typed)
        word = next(fitting, None)
        return None if word is None else before + word


def _split_last(value: str) -> tuple[str, str]:
    """What stands before the last word (with a `!`), and the last word."""
    cut = max(value.rfind(" "), value.rfind(","), value.rfind("!")) + 1
    return value[:cut], value[cut:]


class FilterInput(Input):
    """One filter's input."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "step back", show=False),
        Binding("down", "choose(1)", "next choice", show=False),
        Binding("up", "choose(-1)", "previous choice", show=False),
        Binding("tab", "complete", "complete, or next filter", show=False, priority=True),
    ]

    virtual_size = Reactive(Size(0, 0))
    """How long the text is. Textual's lays the whole screen out anew at each letter, though the
    input stays as wide as it is."""

    class Left(Message):
        """The user is done with this filter."""

    class Choosing(Message):
        """The user moves among the choices."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, name: str, choices: Callable[[], list[Choice]]) -> None:
        super().__init__(
            name=name,
            id=f"filter-{name}",
            placeholder="all",
            suggester=_LastWord(choices),
            validate_on=(),
            compact=True,
            select_on_focus=True,
        )
        self.choices = choices
        self._before = ""

    def on_focus(self) -> None:
        """Textual: remembers what to step back to."""
        self._before = self.value

    def action_leave(self) -> None:
        """Puts back what was there before and leaves."""
        self.value = self._before
        self.post_message(self.Left())

    def action_choose(self, step: int) -> None:
        """Moves among the choices under the input."""
        self.post_message(self.Choosing(step))

    def action_complete(self) -> None:
        """Takes the completion that is shown, or goes on to the next filter."""
        if self._suggestion and self._suggestion != self.value:
            self.value = self._suggestion
            self.cursor_position = len(self.value)
        else:
            self.screen.focus_next(FilterInput)

    def take(self, word: str) -> None:
        """Puts a choice in place of the last word."""
        self.value = _split_last(self.value)[0] + word
        self.cursor_position = len(self.value)


class FilterBar(Horizontal):
    """All filter inputs in a line, and how many rows pass them."""

    class Changed(Message):
        """The filter `name` was changed; `texts` holds each input's text by name."""

        def __init__(self, name: str, texts: dict[str, str]) -> None:
            super().__init__()
            self.name = name
            self.texts = texts

    class Done(Message):
        """The user leaves the filters without entering anything."""

    def __init__(
        self, texts: dict[str, str], choices: dict[str, Callable[[], list[Choice]]]
    ) -> None:
        super().__init__(id="filters")
        self._texts = texts
        self._choices = choices
        self._counted = ""

    def compose(self) -> ComposeResult:
        """Textual: the labels and inputs."""
        for name in NAMES:
            yield Label(name, classes="filter-label")
            box = FilterInput(name, self._choices.get(name, list))
            box.value = self._texts.get(name, "")
            yield box
        yield Static(id="count")

    @property
    def texts(self) -> dict[str, str]:
        """Each input's text by name."""
        return {str(box.name): box.value for box in self.query(FilterInput)}

    def input(self, name: str) -> FilterInput:
        """The input of one filter."""
        return self.query_one(f"#filter-{name}", FilterInput)

    def set_text(self, name: str, text: str) -> None:
        """Puts a text into an input, as if it had been typed."""
        self.input(name).value = text

    def show_count(self, text: str) -> None:
        """Says at the end of the line how many rows pass."""
        # As wide as the longest so far: for each digit more or less the screen would be laid out.
        wider = len(text) > len(self._counted)
        text = f"{text:>{len(self._counted)}}"
        if text != self._counted:
            self._counted = text
            self.query_one("#count", Static).update(Content(text), layout=wider)

    def show_invalid(self, names: Collection[str]) -> None:
        """Marks the inputs with these names, which cannot be understood."""
        for box in self.query(FilterInput):
            box.set_class(box.name in names, "invalid")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.input)
        self.post_message(self.Changed(str(event.input.name), self.texts))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        word = self._popup.chosen
        if word is not None and isinstance(event.input, FilterInput):
            event.input.take(word)

    @on(FilterInput.Left)
    def _left(self, event: FilterInput.Left) -> None:
        event.stop()
        self.post_message(self.Done())

    @on(FilterInput.Choosing)
    def _choosing(self, event: FilterInput.Choosing) -> None:
        event.stop()
        self._popup.move(event.step)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Textual: an input is being typed into; shows what it could be given."""
        self._fill(event.widget)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Textual: the input was left."""
        self._popup.hide()

    def _fill(self, box: object) -> None:
        if isinstance(box, FilterInput) and box.has_focus:
            self._popup.show(box.choices(), _split_last(box.value)[1], box.region)

    @property
    def _popup(self) -> Choices:
        return self.screen.query_one(Choices)
