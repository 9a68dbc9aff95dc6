"""The single writer of the store: doorbell → followers → scanner → store → notify.

vLLM ──append──▶ prefill.log
                   │ inotify, or the heartbeat, or nothing
   watcher ──ring()──▶ ingest thread
                         │ follower.poll()      what was added, truncated, replaced
                         │ source.feed()        newlines, heads, markers, kinds; in a torrent
                         │                      by a process (`torrent.py`)
                         │ store.changed()
                         │ notify(revision)
UI thread ◀── one message that says "revision N exists", never "here are rows"

Of a large file the last lines are read first, and followed. What reads it from its start then
goes on between the looks, and takes their place when it has come so far.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pdtui.core.store import Store
from pdtui.follow.allocator import keep_memory
from pdtui.follow.feed import Feed
from pdtui.follow.indexer import new_fork_server
from pdtui.follow.splitting import cores, processes_for
from pdtui.follow.tail import TailSource
from pdtui.follow.torrent import Torrent
from pdtui.follow.whole import Whole

HEARTBEAT = 0.5
"""Seconds between looks when nothing rings."""
_LONG_SILENT = 20
"""Looks without anything new after which the heart beats half as often: at rest, looking at many
files is most of what is left to do."""
_PAUSE = 0.02
"""Least seconds between two looks, so that a flood of small writes is taken in gulps."""
_LONGEST_PAUSE = 0.1
_SHARE = 2
"""How many times as long as a look took the next one waits: scanning one line costs about as
much as scanning a thousand, and the screen needs the interpreter too."""
_PATIENCE = 1.0
"""Seconds of silence after which a last line without a newline is shown as it is."""
_GLANCE = 0.1
"""Seconds between two looks at the processes that read large files."""
_WORTH_ONE_MORE = 256 * 1024 * 1024
"""Bytes for which one more file is read at the same time: it takes some 40 MB."""
_WORTH_SPLITTING = 512 * 1024 * 1024
"""Bytes for which one more process is worth it that scans stretches of a file."""
_WORTH_A_TURN = 8 * 1024 * 1024
"""Bytes for which a process that scans is not kept waiting until all followers were asked again.
With less it gets what came meanwhile too, and its rows are seen sooner."""
_LEAVE = 10.0
"""Seconds for which a tail is fed on after it was replaced in the store: so long may it take to
put all rows of all files in order."""
_TURN = 4
"""Blocks that one source may take before the others have their turn."""


class Ingest:
    """Reads all feeds into the store, once (`load`) or for ever on a thread (`start`).

    With `hold`, large files are not read beyond their last lines until `go_on` is called.
    """

    def __init__(
        self,
        store: Store,
        feeds: list[Feed],
        notify: Callable[[int], None] = lambda _: None,
        *,
        follow: bool = True,
        hold: bool = False,
    ) -> None:
        keep_memory()
        self.store = store
        self.failure = ""
        """What ended the thread, if anything but `stop` did."""
        self._feeds = feeds
        self._notify = notify
        self._follow = follow
        self._latest = -1
        """Number of the source that bytes came from last."""
        self._behind = False
        """Whether some source had more than it could give in its turn."""
        self._wholes: dict[int, Whole] = {}
        """What reads the files of which only the last lines are shown yet."""
        self._leaving: dict[int, Feed] = {}
        """The tails whose whole sources are in the store, but perhaps not on the screen yet."""
        self._leave_at = 0.0
        self._silent = 0
        """How often in a row there was nothing new."""
        self._reads_wholes = False
        """Whether some of them is being read here, and not by a process."""
        self._hundredths = 0
        """How much of them has been read, all together."""
        self._forks = new_fork_server()
        """What the processes that read large files are forks of."""
        self._torrent = Torrent()
        self._held = hold
        self.looked = threading.Event()
        """Set when each file was looked at once: there are rows of each, if it has any."""
        self._bell = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pdtui-ingest", daemon=True)
        store.sources[:] = [feed.source for feed in feeds]

    def load(self) -> None:
        """Reads every feed to its end, and takes a last line without newline as whole.

        The end of a file is where it ends now, that of a stream where its writer closes it.
        """
        for number, feed in enumerate(self._feeds):
            feed.follower.wait()
            while feed.more:
                self._take(number, feed)
        self._finish()

    def ring(self) -> None:
        """Says that something may have changed. Callable from any thread."""
        self._bell.set()

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def go_on(self) -> None:
        """Reads the rest of large files, now that their last lines are on the screen."""
        self._held = False
        self.ring()

    def stop(self) -> None:
        """Ends the thread, waits for it, and closes what the followers hold.

        The rows can still be read; their files are closed with the store.
        """
        self._stopping = True
        self.ring()
        self._torrent.kill()
        self._forks.kill()
        if self._thread.is_alive():
            self._thread.join()
        for feed in self._feeds:
            feed.follower.close()
        for feed in self._leaving.values():
            feed.follower.close()
        for whole in self._wholes.values():
            whole.close()
        self._forks.close()
        self._torrent.close()

    def _run(self) -> None:
        try:
            self._begin_with_tails()
            while not self._stopping:
                began = time.monotonic()
                # Asked before the look, which then finds all that came up to the end.
                over = not self._follow and all(feed.follower.wait(0) for feed in self._feeds)
                changed = self._look()
                self.looked.set()
                self._silent = 0 if changed else self._silent
                further = not self._held and self._read_wholes()
                if changed or further:
                    self._notify(self.store.changed())
                done = not self._wholes
                if done and not self.store.loaded and all(feed.loaded for feed in self._feeds):
                    self._loaded()
                if over and done and not any(feed.more for feed in self._feeds):
                    self._finish()
                    return
                if not self._reads_wholes:
                    self._rest(began, changed)
        except Exception as error:  # the one place that must not die silently: say so and stop
            self.failure = f"{type(error).__name__}: {error}"
            self._notify(self.store.changed())

    def _rest(self, began: float, changed: bool) -> None:
        """Waits for the bell or the heartbeat, unless there may be more, and a little anyway."""
        if self._torrent.busy:
            self._torrent.wait(_LONGEST_PAUSE)
            return
        loading = not self.store.loaded and not self._wholes
        if changed and (self._behind or loading):
            time.sleep(0 if loading else _PAUSE)
            return
        if changed:
            took = time.monotonic() - began
            time.sleep(min(max(_PAUSE, _SHARE * took), _LONGEST_PAUSE))
            return
        self._silent += 1
        beat = HEARTBEAT if self._silent < _LONG_SILENT else 2 * HEARTBEAT
        if self._wholes and not self._held:
            beat = min(beat, _GLANCE)
        self._bell.wait(max(0.0, beat - (time.monotonic() - began)))
        self._bell.clear()
        time.sleep(max(0.0, _PAUSE - (time.monotonic() - began)))

    def _look(self) -> bool:
        """Asks every feed once, and the processes that scan; whether there was anything."""
        changed, self._behind = self._torrent.look(self._feeds, self._batch), False
        self._torrent.hand_out(_WORTH_A_TURN)
        for number, feed in enumerate(self._feeds):
            taken = 0
            self._feed_leaving(number)
            while taken < _TURN and not self._stopping and self._take(number, feed):
                taken += 1
                # Live once: while some lines are scanned, some more are written.
                if feed.loaded or not feed.full:
                    break
            self._behind |= feed.full
            is_lent = feed.source.unscanned is not None
            changed |= (taken > 0 and not is_lent) or self._settle(number, feed)
            changed |= self._torrent.look(self._feeds, self._batch)
        self._torrent.hand_out()
        self.store.behind = self._behind and self.store.loaded
        return changed

    def _take(self, number: int, feed: Feed) -> bool:
        """Takes one block from a feed; whether there was any, or anything new to say."""
        taken = feed.take(lambda: self._batch(number, feed))
        self.store.sources[number] = feed.source
        return taken

    def _begin_with_tails(self) -> None:
        """Shows the last lines of large files before all others."""
        for number, feed in enumerate(self._feeds):
            tail = feed.tail()
            if tail and isinstance(tail.source, TailSource):
                try:
                    self._wholes[number] = Whole(feed, tail.source)
                except OSError:
                    continue  # it is gone again: the follower says so
                self._feeds[number] = tail
                self.store.sources[number] = tail.source

    def _read_wholes(self) -> bool:
        """Reads on in files of which only the last lines are shown; whether that came further.

        When all are as far as their tails, they take their places together.
        """
        self._start_wholes()
        before = self._hundredths
        reading, ready, share = False, True, 0.0
        for number, whole in list(self._wholes.items()):
            tail = self._feeds[number].source
            if not isinstance(tail, TailSource):
                # The file began anew: all there is of it is shown.
                self._wholes.pop(number).close()
                continue
            for _ in range(_TURN):
                more = not self._stopping and whole.read_on()
                reading |= more
                if not more:
                    break
            tail.share = whole.share
            share += tail.share
            ready &= whole.replaces_tail
        self._reads_wholes = reading
        self._hundredths = int(100 * share)
        placed = bool(self._wholes) and ready
        if placed:
            self._put_wholes()
        if not self._wholes:
            self._forks.close()
        return placed or self._hundredths != before

    def _start_wholes(self) -> None:
        """Starts processes for as many files at once as are worth it."""
        sizes = [whole.size for whole in self._wholes.values()]
        most = max(1, min(cores(), sum(sizes) // _WORTH_ONE_MORE))
        shares = processes_for(sizes, min(cores(), sum(sizes) // _WORTH_SPLITTING))
        runs = sum(whole.runs for whole in self._wholes.values())
        for whole, processes in zip(self._wholes.values(), shares, strict=True):
            if whole.waits and runs < most:
                whole.processes = processes
                whole.start(self._forks)
                runs += 1

    def _put_wholes(self) -> None:
        """Puts the whole sources in the place of their tails."""
        for number, whole in self._wholes.items():
            before = self._feeds[number]
            assert isinstance(before.source, TailSource)
            before.source.give_way(whole.feed.source)
            whole.feed.loaded, whole.feed.fed_at = True, before.fed_at
            self._feeds[number] = whole.feed
            self.store.sources[number] = whole.feed.source
            self._leaving[number] = before
        self._wholes = {}
        self._leave_at = time.monotonic() + _LEAVE

    def _feed_leaving(self, number: int) -> None:
        """Goes on feeding a tail that is still on the screen, while its successor is made ready."""
        if feed := self._leaving.get(number):
            shown = isinstance(feed.source, TailSource) and feed.source.shown
            if not shown or time.monotonic() > self._leave_at:
                self._leaving.pop(number).follower.close()
            else:
                feed.take(lambda: self._batch(number, feed))

    def _batch(self, number: int, feed: Feed) -> int | None:
        """The number of the live batch that a feed gives now, None while it reads from disk.

        As long as no other source has a turn it stays the same: within a source, file order is
        law, and a number for every write would fill the memory in some days.
        """
        if not feed.loaded:
            return None
        if number != self._latest:
            self._latest = number
            self.store.batches += 1
        return self.store.batches

    def _settle(self, number: int, feed: Feed) -> bool:
        """Shows a last line without newline after some silence; whether there was one."""
        source = self.store.sources[number]
        if not source.hides_unfinished or time.monotonic() - feed.fed_at <= _PATIENCE:
            return False
        return source.show_unfinished(self._batch(number, feed))

    def _finish(self) -> None:
        """Takes last lines without a newline as whole: nothing more is looked for."""
        self._torrent.end(self._batch)
        for source in self.store.sources:
            source.finish_line()
        self._loaded()

    def _loaded(self) -> None:
        self.store.loaded = True
        for feed in self._feeds:
            feed.loaded = True
        self._notify(self.store.changed())
