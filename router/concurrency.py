"""How many requests at a time a system bears: a limit that is found from its answers, and only felt when it must be.

The idea is that of Netflix' concurrency-limits (Gradient2Limit: the limit shrinks by the usual time of an answer over
its present time, and grows by its own square root), with Little's law to check it. A gradient alone cannot tell an
overloaded system from one that is slow for another reason (a search, a payment provider, a new version), and would take
from the second what it needs. So nothing is believed before it was tried:

    answers have become slow, or somebody waits     let fewer in for a moment, 60 % of what was under way
    as many are answered as before                  then those who waited there wait here instead: it is overloaded
    fewer are answered                              then it only takes longer: as before, and this is its usual time

Envoy's adaptive concurrency tries too, to learn its minRTT, but every minute and down to three requests; here it
happens only under suspicion, and who is not let in meanwhile waits. Pure: times come in, in seconds.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Final

LEAST: Final = 4
"""The lowest limit, per worker: so much even a small system bears, and less would learn nothing."""

_TOLERANCE: Final = 2.0
"""So many times its usual time an answer may take. Gradient2Limit has 1.5; twice always leaves enough to do."""

_WORTH: Final = 0.05
"""Seconds of an answer below which nothing is done: no shopper is helped, and our own loop may be what is late."""

_WINDOW: Final = 0.5
"""Seconds over which answers are looked at together, and how many there must be."""
_ENOUGH: Final = 20

_LONG_WINDOW: Final = 2.0
"""Seconds after which a few have to do."""
_FEW: Final = 8

_TRIED: Final = 0.6
_DEEPER: Final = 0.5
"""What is let in of what was under way: in a first trial, and in those that look for how few would do."""

_AS_MANY: Final = 0.78
"""Of the answers before, what counts as just as many: halfway, by ratio, between all of them and 60 %."""

_AT_LEAST: Final = 0.7
"""What that must be with the standard error against it."""

_DOUBT: Final = 0.15
"""The largest standard error, of a logarithm of times, by which a trial can tell: 60 % is 0.51."""

_LEAST_TRIED: Final = 12
_MOST_TRIED: Final = 400
"""Requests of a trial at least and at most; where times differ so much that more were needed, it cannot tell."""

_BEARABLE: Final = 4.0
_LONGEST: Final = 30.0
"""Seconds of a trial at most. Those under way must end first, and nobody should give up waiting for it; unless answers
take so many times longer than usual that waiting inside is worse."""
_FAR: Final = 8.0

_AGAIN: Final = 10.0
_AT_LAST: Final = 60.0
"""Seconds between two trials; the time doubles while they show that nothing is wrong."""

_APPEAL: Final = 3.0
"""Seconds after which a system that was found overloaded for the first time is tried again."""

_REFUSAL: Final = 100.0
"""An answer of 429 or 503 counts as one that takes so many times longer: a system that sheds is overloaded, too."""

NOTHING, SLOWNESS, DEPTH, KNOWLEDGE = range(4)
"""What a trial is about: why answers are slow; how few would do, when no idle time was ever seen; is it still so?"""


class Times:
    """The times of some answers: `typical` is their geometric mean, so that of pages which take 5 ms and searches which
    take 2 s neither drowns the other; `doubt` is the standard error of its logarithm.
    """

    __slots__ = ("_logs", "_squares", "count", "refused", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.refused = 0
        self.seconds = 0.0
        """Of all that ended, whatever became of them."""
        self._logs = 0.0
        self._squares = 0.0

    def add(self, seconds: float) -> None:
        """One more answer."""
        self.count += 1
        logarithm = log(seconds + 0.001)
        self._logs += logarithm
        self._squares += logarithm * logarithm

    @property
    def typical(self) -> float:
        """Seconds of a typical answer; there must be one."""
        refused: float = _REFUSAL ** (self.refused / (self.count + self.refused))
        return exp(self._logs / self.count) * refused

    @property
    def spread(self) -> float:
        """The standard deviation of the logarithms."""
        mean = self._logs / self.count
        return sqrt(max(0.0, self._squares / self.count - mean * mean))

    @property
    def doubt(self) -> float:
        """The standard error of the typical time's logarithm."""
        return self.spread / sqrt(self.count)

    @property
    def wanted(self) -> float:
        """How many of a kind are needed to tell a change of it."""
        return (self.spread / _DOUBT) ** 2 * 4

    @property
    def tell(self) -> bool:
        """Whether they differ so little that a change of them could be told."""
        return self.doubt < _DOUBT and self.wanted <= _MOST_TRIED


class Trial:
    """For a moment, fewer are let in; those who began in it, all of them, tell what that changes.

    Not those who ended in it: the first to end are the quick ones. `level` were under way before and `times` were their
    answers; `target` are let in now; `limit` is what to go back to. `ends` is when it is given up.
    """

    __slots__ = ("about", "began", "begun", "closed_at", "ended", "ends", "level", "limit", "start", "target", "times")

    def __init__(
        self, about: int, now: float, level: float, target: float, times: Times, limit: int, in_flight: int,
        longest: float,
    ) -> None:  # fmt: skip
        self.about = about
        self.start = now
        self.level = level
        self.target = target
        self.times = times
        self.limit = limit
        above = max(0.0, in_flight - target)
        self.ends = now + min(above / level * times.typical + 2 * times.typical + 3.0, longest)
        self.began = 0.0
        self.begun = 0
        self.ended = 0
        self.closed_at = 0.0

    def begin(self, now: float) -> None:
        """A request began."""
        if self.closed_at:
            return
        if not self.begun:
            self.began = now
        self.begun += 1
        if self.begun >= max(_LEAST_TRIED, self.times.wanted) and now >= self.began + _WINDOW / 2:
            self.closed_at = now

    def has(self, since: float) -> bool:
        """Whether a request that began at `since` tells something."""
        return since >= self.start and (not self.closed_at or since <= self.closed_at)

    def over(self, now: float) -> bool:
        """Whether all who tell have ended; of a few stragglers nobody knows how long they will take."""
        if not self.closed_at or self.ended < 0.95 * self.begun:
            return False
        return self.ended >= self.begun or now > self.closed_at + 2 * self.times.typical

    def kept_up(self, times: Times) -> float:
        """Return how many are answered, of those before, by Little's law: under way / seconds of each."""
        return (self.target / self.level) * (self.times.typical / times.typical)


class Concurrency:
    """What one system bears of one worker. `limit` and `in_flight` count requests that are sent and not yet answered.

    An answer is there with its head: a body that a slow client reads is no work for the system, nor is an upload that
    still comes in. `felt` is set by whoever finds no room.
    """

    __slots__ = (
        "_adaptive", "_calm_since", "_frozen", "_next", "_pause", "_since", "_suspicious", "_times", "_trial",
        "_until", "felt", "in_flight", "least", "limit", "most", "overloaded", "usual",
    )  # fmt: skip

    def __init__(self, most: int, least: int = LEAST, adaptive: bool = True) -> None:
        self.most = most
        self.least = min(least, most)
        self.limit = most
        """It begins with everything: a worker that starts slowly would shed where nothing is wrong."""
        self.in_flight = 0
        self.felt = False
        self.overloaded = False
        """Whether it was found that less is more."""
        self.usual = 0.0
        """Seconds of an answer when the system is not overloaded, as far as is known; 0 for unknown."""
        self._adaptive = adaptive
        self._times = Times()
        self._since = 0.0
        self._until = 0.0
        self._trial: Trial | None = None
        self._calm_since = 0.0
        self._suspicious = False
        """In the window before. One alone may hold the moment in which everything became slow, and half of each."""
        self._frozen = 0
        """The limit to go back to; nobody is added to what is under way until a second window confirms the first."""
        self._next = 0.0
        self._pause = _AGAIN

    @property
    def room(self) -> bool:
        """Whether one more may be asked."""
        return self.in_flight < self.limit

    def begin(self, now: float) -> None:
        """A request is out."""
        self.in_flight += 1
        if self._trial is not None:
            self._trial.begin(now)

    def end(self, now: float, since: float, status: int) -> None:
        """Its answer has begun, or nobody waits for it any more (`status` 0). It began at `since`."""
        self.in_flight -= 1
        if not self._adaptive:
            return
        trial, times = self._trial, self._times
        if trial is not None:
            if not trial.has(since):
                return
            trial.ended += 1
        seconds = now - since
        times.seconds += seconds
        if status in (429, 503):
            times.refused += 1
        elif 0 < status < 500 or (status == 0 and seconds > self.usual):
            times.add(seconds)
        if trial is not None:
            if trial.over(now):
                self._conclude(now, trial)
        elif now >= self._until:
            self._look(now)

    def tick(self, now: float) -> None:
        """Some time has gone by: a trial that shows nothing is given up, and so is a suspicion."""
        if self._frozen and now - self._since > 5 * _LONG_WINDOW:
            self.limit, self._frozen = self._frozen, 0
        trial = self._trial
        if trial is not None and now >= trial.ends:
            self.limit = trial.limit
            self._rest(now)
            self._open(now)

    # --- looking at a window ------------------------------------------------------------------------------------------

    def _open(self, now: float) -> None:
        self._trial = None
        self._times = Times()
        self._since = now
        self._until = now + _WINDOW
        self.felt = False

    def _look(self, now: float) -> None:
        """Decide by the answers of one window."""
        times, lasted, felt = self._times, now - self._since, self.felt
        if times.count < _ENOUGH and (times.count < _FEW or lasted < _LONG_WINDOW):
            if lasted > 5 * _LONG_WINDOW:
                self._open(now)
            return
        self._open(now)
        typical = times.typical
        level = min(float(self.limit), times.seconds / lasted)
        if not self.usual or typical < self.usual:
            self.usual = typical
        if self._frozen:
            self.limit = self._frozen
        elif felt:
            self._calm_since = now
        elif now - self._calm_since > _AGAIN:
            self.overloaded = False
        worth = typical > _WORTH and _TRIED * level >= self.least and times.tell
        slow = worth and typical > _TOLERANCE * self.usual
        again, self._suspicious = self._suspicious, worth and (slow or felt) and now >= self._next
        frozen, self._frozen = self._frozen, 0
        if self.overloaded:
            target = level * _TOLERANCE * self.usual / typical + sqrt(level)
            if slow and target < _TRIED * level:
                self._try(SLOWNESS, now, level, target, times)
            elif self._suspicious:
                self._try(KNOWLEDGE, now, level, _TRIED * level, times)
            elif slow:
                self._set(min(float(self.limit), target))
            elif felt:
                self._grow()
        elif self._suspicious and again:
            self._try(SLOWNESS if slow else DEPTH, now, level, _TRIED * level, times)
        elif self._suspicious and slow:
            self._frozen = self.limit
            self.limit = max(self.least, min(self.limit, self.in_flight))
        elif felt and not frozen:
            self._grow()

    def _grow(self) -> None:
        self._set(self.limit + max(sqrt(self.limit), self.limit / 4))

    def _set(self, limit: float) -> None:
        self.limit = max(self.least, min(self.most, int(limit)))
        if self.limit == self.most:
            self.overloaded = False

    # --- trials -------------------------------------------------------------------------------------------------------

    def _try(self, about: int, now: float, level: float, target: float, times: Times) -> None:
        """Let fewer in for a moment."""
        target = max(float(self.least), target)
        limit = self.limit
        self._set(target)
        far = self.overloaded or times.typical > _FAR * self.usual
        longest = _LONGEST if far else _BEARABLE
        self._trial = Trial(about, now, level, target, times, limit, self.in_flight, longest)

    def _rest(self, now: float) -> None:
        """Try no more for some time, and for longer the next time."""
        self._next = now + self._pause
        if not self.overloaded:
            self._pause = min(2 * self._pause, _AT_LAST)

    def _conclude(self, now: float, trial: Trial) -> None:
        """Go by what a trial showed."""
        before, times = trial.times, self._times
        self._open(now)
        if not times.count:
            self.limit = trial.limit
            self._rest(now)
            return
        kept_up = trial.kept_up(times)
        doubt = sqrt(before.doubt**2 + times.doubt**2)
        if kept_up < _AS_MANY:  # in doubt, too: to be wrong here costs little, and is found out later
            self.usual = times.typical
            knee = trial.level * times.typical / before.typical
            self._set(trial.limit if _TOLERANCE * knee >= trial.level else _TOLERANCE * knee)
            self._rest(now)
        elif doubt > _DOUBT or kept_up * exp(-doubt) < _AT_LEAST:
            self.limit = trial.limit
            self._rest(now)
        else:
            self._next = now + (_AGAIN if self.overloaded else _APPEAL)
            self.overloaded = True
            self.usual = min(self.usual, times.typical)
            self._pause = _AGAIN
            self._calm_since = now
            if trial.about == KNOWLEDGE:
                self.limit = trial.limit
            elif trial.about == DEPTH and _DEEPER * trial.target >= self.least:
                self._try(DEPTH, now, trial.target, _DEEPER * trial.target, times)
