"""Rotation: nobody is logged out by it, and a key that was stolen is of no use from the moment it is retired."""

from __future__ import annotations

import pytest
from forge import NOW, SESSION, update

from sessions.cookie import seal, unseal
from sessions.errors import BadCookie, BadToken, KeysError
from sessions.keymaterial import new_system_key
from sessions.keys import KeyRing
from sessions.model import Policy
from sessions.rotation import DAY, READY, added, age, retired, rotated, unripe
from sessions.token import mint, read_session_token, read_update


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh(["cms", "commerce"], now=NOW)


def state(ring: KeyRing, kid: str) -> str:
    return next((key.state for key in (*ring.cookie, *ring.token) if key.kid == kid), "gone")


def current(ring: KeyRing) -> tuple[str, str]:
    """The names of the keys that sign: for cookies, for tokens."""
    return next(key.kid for key in ring.cookie if key.state == "current"), ring.token_current.kid


def test_requirement_3_a_key_is_next_then_current_then_previous_then_gone(ring: KeyRing) -> None:
    kid = next(key.kid for key in ring.token if key.state == "next")
    seen = [state(ring, kid)]

    for days in range(1, 4):
        ring = rotated(ring, NOW + days * 30 * DAY)
        assert KeyRing.parse(ring.to_json()) == ring
        seen.append(state(ring, kid))

    assert seen == ["next", "current", "previous", "gone"]


def test_requirement_3_shoppers_stay_logged_in_over_a_month_of_daily_rotations(ring: KeyRing) -> None:
    """The idle time of a session is 30 days, and a cookie is issued again before that; keys are kept for 31."""
    issued = seal(SESSION, ring)

    for day in range(1, 32):
        ring = rotated(ring, NOW + day * DAY)
        assert unseal(issued, ring, NOW) == SESSION

    with pytest.raises(BadCookie):
        unseal(issued, rotated(ring, NOW + 32 * DAY), NOW)


def test_with_one_rotation_a_month_a_cookie_of_its_last_day_is_good_for_31_days(ring: KeyRing) -> None:
    issued = seal(SESSION, ring)

    later = rotated(rotated(ring, NOW + DAY), NOW + 31 * DAY)
    much_later = rotated(later, NOW + 61 * DAY)

    assert unseal(issued, later, NOW) == SESSION
    with pytest.raises(BadCookie):
        unseal(issued, much_later, NOW)


def test_requirement_4_two_edges_of_which_one_always_lags_understand_each_other_over_many_rotations(
    ring: KeyRing,
) -> None:
    lagging, ahead = ring, rotated(ring, NOW)

    for step in range(1, 6):
        now = NOW + step * 1000
        for signs, reads in ((lagging, ahead), (ahead, lagging), (ahead, ahead)):
            assert unseal(seal(SESSION, signs), reads, now) == SESSION
            token, _ = mint(SESSION, "cms", {}, signs, now, Policy())
            assert read_session_token(token, "cms", reads, now)["sub"] == "4711"
        lagging, ahead = ahead, rotated(ahead, now)


def test_requirement_4_a_key_that_was_made_just_now_is_not_to_sign_yet(ring: KeyRing) -> None:
    assert unripe(ring, NOW + 1) == READY - 1
    assert unripe(ring, NOW + READY) == 0
    assert unripe(ring, NOW - 50) == READY  # the clock was set back


def test_requirement_3_a_token_outlives_the_rotation_after_it(ring: KeyRing) -> None:
    token, _ = mint(SESSION, "cms", {}, ring, NOW, Policy())

    once = rotated(ring, NOW + 60)
    twice_in_a_hurry = rotated(once, NOW + 120)
    twice_in_time = rotated(once, NOW + 60 + READY)

    assert read_session_token(token, "cms", once, NOW)
    assert read_session_token(token, "cms", twice_in_a_hurry, NOW)
    with pytest.raises(BadToken):
        read_session_token(token, "cms", twice_in_time, NOW)


def test_the_algorithm_of_tokens_changes_as_gently_as_a_key(ring: KeyRing) -> None:
    once = rotated(ring, NOW, alg="HS256")
    twice = rotated(once, NOW + READY)

    assert (once.token_current.alg, twice.token_current.alg) == ("ES256", "HS256")
    token, _ = mint(SESSION, "cms", {}, twice, NOW, Policy())
    assert read_session_token(token, "cms", once, NOW)["sub"] == "4711"


def test_age_counts_from_when_the_keys_began_to_sign(ring: KeyRing) -> None:
    assert age(ring, NOW + 90) == 90
    assert age(rotated(ring, NOW + 60), NOW + 90) == 30


# --- retiring and adding ----------------------------------------------------------------------------------------------


def test_requirement_3_what_a_retired_key_signed_is_refused_and_the_next_key_takes_over(ring: KeyRing) -> None:
    cookie_kid, token_kid = current(ring)
    cookie, (token, _) = seal(SESSION, ring), mint(SESSION, "cms", {}, ring, NOW, Policy())

    after = retired(retired(ring, cookie_kid, NOW), token_kid, NOW)

    with pytest.raises(BadCookie):
        unseal(cookie, after, NOW)
    with pytest.raises(BadToken):
        read_session_token(token, "cms", after, NOW)
    assert KeyRing.parse(after.to_json()) == after
    assert set(current(after)) <= set(ring.kids())
    assert unseal(seal(SESSION, after), ring, NOW) == SESSION


def test_retiring_the_next_key_makes_another(ring: KeyRing) -> None:
    kid = next(key.kid for key in ring.cookie if key.state == "next")

    after = retired(ring, kid, NOW)

    assert kid not in after.kids()
    assert KeyRing.parse(after.to_json()) == after
    assert current(after) == current(ring)


def test_a_system_changes_its_key_without_a_gap(ring: KeyRing) -> None:
    both = added(ring, "commerce", new_system_key("commerce", NOW))
    only_new = retired(both, ring.systems["commerce"][0].kid, NOW)

    for signs, reads in ((ring, both), (both, both), (both, only_new)):
        assert read_update(update(signs), "commerce", "0123456789abcdefghijkl", reads, NOW)
    with pytest.raises(BadToken):
        read_update(update(ring), "commerce", "0123456789abcdefghijkl", only_new, NOW)


def test_the_only_key_of_a_system_is_not_retired_by_mistake(ring: KeyRing) -> None:
    with pytest.raises(KeysError, match="is the only key of cms: `inseam keys add cms` first makes another"):
        retired(ring, ring.systems["cms"][0].kid, NOW)
    with pytest.raises(KeysError, match="there is no key 'nobody'"):
        retired(ring, "nobody", NOW)


def test_one_key_does_not_speak_for_two_systems(ring: KeyRing) -> None:
    key = ring.systems["cms"][0]

    with pytest.raises(KeysError, match="there is a key 'cms-"):
        added(ring, "commerce", key)
    with pytest.raises(KeysError, match="this is a key of cms already"):
        added(ring, "commerce", type(key)("other-name", key.alg, key.material))
