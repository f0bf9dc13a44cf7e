"""What a shopper can rightly expect to see. Pure values: no requests, no time.

A shopper knows what it has done, and so what it has. Where an answer was lost with a killed worker it knows only what
it may have: some possible states, of which the next pages leave one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

Lines = frozenset[tuple[str, int]]
"""(sku, quantity). Each article is put in a basket once in all, so that baskets join by union."""

NO_LINES: Lines = frozenset()


def count(lines: Lines) -> int:
    """Return how many items these are."""
    return sum(quantity for _, quantity in lines)


@dataclass(frozen=True, slots=True)
class Has:
    """One state: logged in or not, the basket as a guest, the customer's basket, and the vote in the CMS's club.

    `also` are the counts that the edge may show until commerce was asked, where something happened on the CMS alone.
    A guest's basket stays apart from the customer's until commerce joins them.
    """

    login: bool = False
    guest: Lines = NO_LINES
    customer: Lines = NO_LINES
    vote: str = ""
    also: frozenset[int] = frozenset()

    @property
    def lines(self) -> Lines:
        """What commerce must show."""
        return self.customer | self.guest if self.login else self.guest

    @property
    def counts(self) -> frozenset[int]:
        """The counts that the edge may show, and with it the CMS."""
        return self.also | {count(self.lines)}

    def settled(self) -> Has:
        """Return the state once commerce has seen the visitor."""
        if self.login:
            return replace(self, guest=NO_LINES, customer=self.lines, also=frozenset())
        return replace(self, also=frozenset())

    def maybe_settled(self) -> Has:
        """Return the state once commerce has seen the visitor, while the edge may not have heard what came of it."""
        return replace(self.settled(), also=self.counts)

    # --- what a shopper does ------------------------------------------------------------------------------------------

    def added(self, sku: str, quantity: int) -> Has:
        settled, line = self.settled(), frozenset({(sku, quantity)})
        if self.login:
            return replace(settled, customer=settled.customer | line)
        return replace(settled, guest=settled.guest | line)

    def logged_in(self) -> Has:
        return replace(self, login=True).settled()

    def logged_in_on_cms(self) -> Has:
        return replace(self, login=True, also=self.counts)

    def logged_out(self) -> Has:
        return replace(self, login=False, guest=NO_LINES, customer=self.lines, also=frozenset())

    def logged_out_on_cms(self) -> Has:
        """Commerce hears of it with its next request; a basket that it has not joined yet is still the guest's."""
        if not self.login:
            return self
        return replace(self, login=False, also=self.counts | {0})

    def ordered(self) -> Has:
        settled = self.settled()
        if self.login:
            return replace(settled, customer=NO_LINES)
        return replace(settled, guest=NO_LINES)

    def voted(self, vote: str) -> Has:
        return replace(self, vote=vote)

    def without_vote(self) -> Has:
        """Return the state in which the end of a login has ended the club's note, too; it may."""
        return replace(self, vote="")

    def orphaned(self) -> Has:
        """Return the state after a login that commerce has done, but whose answer nobody received.

        The guest's basket is in the customer's, and the browser's session at commerce is no more.
        """
        return replace(self, guest=NO_LINES, customer=self.customer | self.guest, also=frozenset())

    # --- what a shopper sees ------------------------------------------------------------------------------------------

    def fits(self, seen: Seen) -> bool:
        """Whether this is what is seen."""
        return not self.wrong(seen)

    def wrong(self, seen: Seen) -> str:
        """Return what is not as it should be, empty if all is."""
        if seen.login != self.login:
            return "login lost" if self.login else "login came back"
        if seen.lines is not None:
            if seen.lines != self.lines:
                return "basket lost" if self.lines - seen.lines else "basket came back"
        elif seen.count not in self.counts:
            return "basket lost" if seen.count < min(self.counts) else "basket came back"
        if seen.vote is not None and seen.vote != self.vote:
            return "handle lost"
        return ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one page showed of its reader. `lines` only where commerce itself shows them, `vote` only on the CMS."""

    where: str
    login: bool
    count: int
    lines: Lines | None = None
    vote: str | None = None


def wrong(may: Iterable[Has], seen: Seen) -> str:
    """Return what is wrong if none of the possible states fits, in words; the last is held to be the likeliest."""
    said = ""
    for has in may:
        said = has.wrong(seen)
        if not said:
            return ""
    return said
