"""What stood where at one moment: the last row of each lane at or above a place of the order.

And what each side of a handshake had done by then. Looks back from the moment, a stretch at a
time, so that it costs what lies between and not what the logs hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pdtui.core.evidence import Place
from pdtui.core.handshakes import Handshakes
from pdtui.core.lanes import Lane
from pdtui.core.order import Order
from pdtui.core.refs import Refs, row_numbers, source_numbers
from pdtui.core.sides import Side
from pdtui.core.source import Source
from pdtui.core.steps import Step

_STRETCH = 65_536


class Doing(NamedTuple):
    """A step of a handshake that was not over: what the side had come to, and since which row."""

    side: Side
    step: Step
    since: Place


def place_in(order: Order, where: Place) -> int:
    """The place of a row in the order; -1 where it is not in it yet."""
    place = order.place_of(*where)
    return -1 if place is None else place


def last_rows(
    order: Order, place: int, lanes: list[Lane], sources: list[Source]
) -> dict[Lane, Place]:
    """The last row of each lane that stands at or above this place; of lanes that have any."""
    masks = {lane: lane.kind_mask(sources[lane.source]) for lane in lanes}
    found: dict[Lane, Place] = {}
    for stretch in _backwards(order, place):
        numbers, rows = source_numbers(stretch), row_numbers(stretch)
        for lane in set(lanes) - set(found):
            mine = rows[numbers == lane.source]
            kinds = sources[lane.source].columns.kind[mine]
            held = np.flatnonzero(masks[lane].take(kinds, mode="clip"))
            if len(held):
                found[lane] = Place(lane.source, int(mine[held[-1]]))
        if len(found) == len(lanes):
            break
    return found


def _backwards(order: Order, place: int) -> Iterator[Refs]:
    for stop in range(place + 1, 0, -_STRETCH):
        yield order[max(stop - _STRETCH, 0) : stop]


def doing(handshakes: Handshakes, source: int, row: int) -> list[Doing]:
    """The handshakes of a source that were begun at this row or above, and not over by then."""
    found = []
    for side in handshakes.readers[source].sides:
        reached = {step: at for step, at in side.steps.items() if at <= row}
        over = (side.row_done(), side.failed, side.engine.ended)
        if reached and not any(at is not None and at <= row for at in over):
            step, at = max(reached.items(), key=lambda item: (item[1], item[0]))
            entered = side.row_in()
            began = at if entered is None or entered > row else entered
            found.append(Doing(side, step, Place(source, began)))
    return found
