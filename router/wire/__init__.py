"""Bytes <-> heads and bodies, strictly: what one reader could read differently from another is refused.

Nothing here does I/O. Every message that goes on is written anew from what was read, with one framing.

llhttp was measured for this job and is not used at run time: it needs a strict gate beside it anyway (it lets pass
HTTP/0.9 with headers, `#` in the target and two Hosts), its callback per header costs more than one regular expression
over the whole block, and two parsers on the hot path can disagree. It is the referee in the tests instead: what the
gate lets through, llhttp and h11 must read alike (tests/wire/test_referees.py).
"""
