"""The alphabet of HTTP/1.1 as RFC 9110 and 9112 spell it, as regular expressions over bytes.

Each runs once over a whole line or block in C. None takes more than linear time: every repeated class is followed by a
byte outside that class, or is possessive.
"""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
"""RFC 9110, 5.6.2."""

VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
"""A field value with the white space around it: no CR, LF, NUL or other control. RFC 9110, 5.5."""

REQUEST_LINE = re.compile(rb"([A-Z][A-Z0-9_-]{0,31}) ([\x21-\x7e]+) HTTP/1\.([01])")
"""RFC 9112, 3, with single spaces and a visible-ASCII target. Methods are upper case: a server that folds case would
read `get` as GET, and we would not."""

EMPTY_LINES = re.compile(rb"(?:\r\n)*+")

PLAIN_REQUEST = re.compile(
    rb"([A-Z]{3,7}) ((?=/)((?:/(?!\.{1,2}[/? ])[A-Za-z0-9\-._~!$&'()*+,=:@]++)*+/?)(?:\?([\x21\x22\x24-\x7e]*+))?)"
    rb" HTTP/1\.1"
)
"""The request line of almost every request: origin form, a path that is canonical as it stands (no escapes, no empty
and no dot segments; see `router.wire.target`). Groups: method, target, path, query. The repetitions are
possessive: what does not fit fails in one pass."""

VERSION = re.compile(rb" HTTP/([0-9])\.([0-9])$")

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: (" + VALUE + rb"))?")
"""RFC 9112, 4; the reason may be missing with its space, as many servers write it."""

LINE = re.compile(rb"(" + TOKEN + rb"):[\t ]*+(" + VALUE + rb")")
"""A header line without its end: no folding, no space before the colon, no bare CR or LF. RFC 9112, 5."""

FIELD = re.compile(rb"(" + TOKEN + rb"):[\t ]*+(" + VALUE + rb")\r\n")

DIGITS = re.compile(rb"[0-9]{1,18}")
"""Content-Length: digits only, and few enough that no reader overflows. RFC 9110, 8.6."""

HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9_.\-]*)|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""A host name or address with an optional port; user information and percent-encoding are refused. RFC 9112, 3.2."""

QUOTED = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
"""RFC 9110, 5.6.4."""

CHUNK_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,15})(?:;" + TOKEN + rb"(?:=(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*",
)
"""A chunk's first line; extensions are read over and never passed on. No white space in them: readers differ on what it
means there, and nobody sends it. RFC 9112, 7.1."""

CHUNK_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,15}(?:(?<=[0-9A-Fa-f]);[\t\x20-\x7e\x80-\xff]*)?\r?\Z")
"""What may still become a chunk's first line."""

TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, 3.2, version 00."""

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
"""A request id that a trusted proxy may set: nothing that could forge a log line."""
