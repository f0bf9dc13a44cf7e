"""What a shop's Redis does on a bad day, with real servers; and what the edge makes of it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest
from redis_servers import RedisServer, Replicated, free_port, raw_info, server, wait
from store_troubles import answering, guarding
from store_workers import until

from sessions.errors import StoreDown
from sessions.stores.opening import open_store
from sessions.stores.port import Gap, Revocation, Store, Stored, key_of

KEY = key_of("session of a shopper")
HOUR = 3600


def all_of(store: Store) -> dict[str, Callable[[], object]]:
    revocation = Revocation("all", "", int(time.time()), int(time.time()) + HOUR)
    return {
        "load": partial(store.load, KEY),
        "save": partial(store.save, KEY, Stored(1, b"x"), 0, HOUR),
        "drop": partial(store.drop, KEY),
        "revoke": partial(store.revoke, revocation),
        "revocations": store.revocations,
        "put_once": partial(store.put_once, KEY, b"", 60),
        "take_once": partial(store.take_once, KEY),
        "now": store.now,
    }


async def started(url: str) -> tuple[Store, list[object]]:
    heard: list[object] = []
    store = open_store(url)
    await store.start(heard.append)
    return store, heard


@pytest.mark.parametrize(
    "reply",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-READONLY You can't write against a read only replica.\r\n",
        b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"-NOPERM this user has no permissions\r\n",
        b"-MOVED 3999 127.0.0.1:1\r\n",
        b"-CLUSTERDOWN The cluster is down\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"-NOREPLICAS Not enough good replicas to write.\r\n",
        b"-BUSY Redis is busy running a script.\r\n",
        b"-MISCONF Redis is configured to save RDB snapshots\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x01\x00\xff",
        b"*-7\r\n$x\r\n",
        b"",
    ],
    ids=lambda reply: reply[:12].decode("latin-1").strip() or "hangs up",
)
async def test_whatever_redis_refuses_with_is_down_and_never_another_error(reply):
    """REQUIREMENTS, 44."""
    async with answering(reply) as port:
        store, _ = await started(f"redis://127.0.0.1:{port}/0")
        for name, ask in all_of(store).items():
            try:
                answer = await ask()
            except StoreDown:
                continue
            pytest.fail(f"{name} believed it: {answer}")
        await store.close()


async def test_redis_refusing_connections_is_down_at_once_and_start_does_not_mind():
    """REQUIREMENTS, 40."""
    began = time.monotonic()
    store, _ = await started(f"redis://127.0.0.1:{free_port()}/0")

    for ask in all_of(store).values():
        with pytest.raises(StoreDown):
            await ask()

    assert time.monotonic() - began < 0.5
    await store.close()


async def test_a_wrong_password_is_down_and_appears_in_no_message():
    """REQUIREMENTS, 7 and 44."""
    with server("requirepass right") as redis:
        for access in ("", ":wr0ng-one@", "edge:wr0ng-one@"):
            store, _ = await started(f"redis://{access}{redis.address}/0")
            with pytest.raises(StoreDown) as raised:
                await store.load(KEY)
            assert "wr0ng-one" not in f"{raised.value} {raised.value.__cause__} {store.link!r}"
            await store.close()


async def test_a_hung_redis_costs_nobody_more_than_50_ms_and_comes_back(redis_server: RedisServer):
    """REQUIREMENTS, 41: a deadline for each operation, then the breaker, then a probe."""
    async with guarding(open_store(f"{redis_server.url}?prefix=hung:")) as guard:
        redis_server.tell(signal.SIGSTOP)
        try:
            waits = []
            for number in range(20):
                began = time.monotonic()
                with pytest.raises(StoreDown):
                    await guard.save(KEY, Stored(number + 1, b"%d" % number), None, HOUR)
                waits.append(time.monotonic() - began)
            assert not guard.up
        finally:
            redis_server.tell(signal.SIGCONT)

        await until(lambda: guard.up and not guard.missed, within=5)

        assert max(waits) < 0.15, "50 ms and what a busy machine adds"
        assert sum(wait > 0.03 for wait in waits) == 5, "after the fifth nobody waits"
        assert await guard.load(KEY) == Stored(20, b"19")


async def test_a_primary_that_dies_is_followed_by_its_replica_and_nothing_missed_is_lost():
    """REQUIREMENTS, 42: real failover by Sentinel."""
    both = Replicated(dead_after=300)
    try:
        async with guarding(open_store(both.url)) as guard:
            now = int(time.time())
            await guard.save(KEY, Stored(1, b"before"), 0, HOUR)
            await guard.revoke(Revocation("session", "ended", now, now + HOUR))
            both.primary.kill()

            written = 0
            for number in range(2, 12):
                try:
                    await guard.save(KEY, Stored(number, b"during"), None, HOUR)
                    written += 1
                except StoreDown:
                    pass
            assert not guard.up
            with pytest.raises(StoreDown):
                await guard.take_once(key_of("code"))

            await until(lambda: guard.up and not guard.missed, within=10)

            assert both.failed_over()
            assert written == 0
            assert await guard.load(KEY) == Stored(11, b"during")
            assert await guard.revocations() == [Revocation("session", "ended", now, now + HOUR)]
            await until(lambda: Gap() in guard.heard, within=3)
            await guard.revoke(Revocation("session", "later", now, now + HOUR))
            await until(lambda: Revocation("session", "later", now, now + HOUR) in guard.heard)
    finally:
        both.close()


async def test_a_redis_that_comes_back_empty_is_told_what_was_revoked():
    """REQUIREMENTS, 40 and 42: a worker that starts later must not take a revoked session."""
    with server() as redis:
        async with guarding(open_store(redis.url)) as guard:
            now = int(time.time())
            revocation = Revocation("customer", key_of("customer 7"), now, now + HOUR)
            await guard.revoke(revocation)
            await guard.save(KEY, Stored(8, b"basket"), None, HOUR)
            redis.kill()
            redis.start()

            await until(lambda: Gap() in guard.heard and guard.up and not guard._forgotten, within=5)

            later, heard = await started(redis.url)
            assert revocation in heard
            assert await guard.load(KEY) is None
            assert await guard.save(KEY, Stored(9, b"basket"), 8, HOUR) is None
            await later.close()


async def test_a_full_redis_is_down_until_there_is_room_and_then_gets_what_it_missed():
    """REQUIREMENTS, 44: maxmemory with noeviction."""
    with server() as redis:
        async with guarding(open_store(redis.url)) as guard:
            redis.command("CONFIG", "SET", "maxmemory", 1)
            for number in range(1, 7):
                with pytest.raises(StoreDown):
                    await guard.save(KEY, Stored(number, b"basket"), None, HOUR)
            assert not guard.up
            assert "OOM" in guard.why or "maxmemory" in guard.why

            redis.command("CONFIG", "SET", "maxmemory", 0)
            await until(lambda: guard.up, within=5)

            assert await guard.load(KEY) == Stored(6, b"basket")


async def test_a_replica_that_takes_no_writes_is_down_from_the_start(replicated: Replicated):
    """REQUIREMENTS, 44."""
    lines: list[str] = []
    async with guarding(open_store(replicated.replica.url), say=lines.append) as guard:
        assert not guard.up
        assert len(lines) == 1
        assert "replica" in lines[0].lower()


async def test_nonsense_under_a_key_is_no_session_and_is_deleted(redis_server: RedisServer):
    """REQUIREMENTS, 45: garbage, an old layout, another type."""
    store, _ = await started(f"{redis_server.url}?prefix=nonsense:")
    name = f"nonsense:session:{{{KEY}}}"
    spoilt = [("SET", name, "garbage"), ("SET", name, "0 7 old layout"), ("SET", name, "1 -3 x"), ("SET", name, ""),
              ("SET", name, "1 99999999999999999999 x"), ("LPUSH", name, "a"), ("HSET", name, "rev", 3)]  # fmt: skip
    for number, command in enumerate(spoilt):
        redis_server.command(*command)
        assert await store.load(KEY) is None
        assert redis_server.command("EXISTS", name) == 0
        assert store.spoiled == number + 1
    for command in spoilt[:2] + spoilt[-2:]:
        redis_server.command("DEL", name)
        redis_server.command(*command)
        assert await store.save(KEY, Stored(1, b"fresh"), 0, HOUR) is None
        assert await store.load(KEY) == Stored(1, b"fresh")
    assert store.spoiled == len(spoilt) + 4
    await store.close()


async def test_nonsense_among_codes_and_revocations_is_deleted_too(redis_server: RedisServer):
    """REQUIREMENTS, 45."""
    store, heard = await started(f"{redis_server.url}?prefix=odd:")
    now = int(time.time())
    good = Revocation("session", KEY, now, now + HOUR)

    redis_server.command("LPUSH", f"odd:once:{{{KEY}}}", "a")
    assert await store.take_once(KEY) is None
    assert await store.put_once(KEY, b"x", 9)

    redis_server.command("SET", "odd:{revoked}", "garbage")
    assert await store.revocations() == []
    redis_server.command("LPUSH", "odd:{revoked}", "garbage")
    await store.revoke(good)
    redis_server.command("ZADD", "odd:{revoked}", now + HOUR, b"nonsense \xff")
    assert await store.revocations() == [good]
    assert store.spoiled == 4
    for nonsense in (b"", b"changed x y", b"revoked", b"session 1 2", b"\xff\xfe"):
        redis_server.command("PUBLISH", "odd:news", nonsense)
    await store.save(KEY, Stored(1, b""), 0, HOUR)
    await until(lambda: len(heard) == 2)
    await store.close()


async def test_scripts_that_redis_has_forgotten_are_sent_again(redis_server: RedisServer):
    store, _ = await started(f"{redis_server.url}?prefix=scripts:")
    await store.save(KEY, Stored(1, b"x"), 0, HOUR)

    redis_server.command("SCRIPT", "FLUSH")

    assert await store.save(KEY, Stored(2, b"y"), 1, HOUR) is None
    await store.close()


async def test_what_was_revoked_while_the_line_for_news_was_cut_is_heard_afterwards():
    """REQUIREMENTS, 12."""
    with server() as redis:
        one, _ = await started(redis.url)
        other, heard = await started(redis.url)
        now = int(time.time())
        revocation = Revocation("all", "", now, now + HOUR)

        redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        await one.revoke(revocation)

        await until(lambda: Gap() in heard and revocation in heard, within=1.0)
        await one.close()
        await other.close()


async def test_connections_that_the_server_closed_cost_at_most_one_refusal(redis_server: RedisServer):
    store, _ = await started(f"{redis_server.url}?prefix=closed:")
    await store.save(KEY, Stored(1, b"x"), 0, HOUR)

    redis_server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await asyncio.sleep(0.02)

    assert await store.load(KEY) == Stored(1, b"x")
    await store.close()


async def test_a_thousand_shoppers_at_once_take_32_connections():
    with server() as redis:
        store, _ = await started(redis.url)

        await asyncio.gather(*(store.load(key_of(f"{number}")) for number in range(1000)))

        assert redis.command("INFO", "clients")["connected_clients"] <= 34  # with the news, and this question
        await store.close()


async def test_what_is_kept_ends_with_the_session(redis_server: RedisServer):
    store, _ = await started(f"{redis_server.url}?prefix=ends:")
    now = int(time.time())

    await store.save(KEY, Stored(1, b"x"), 0, 1000)
    await store.put_once(KEY, b"x", 60)
    await store.revoke(Revocation("all", "", now, now + 500))
    await store.revoke(Revocation("session", KEY, now, now + 100))

    lives = [
        redis_server.command("TTL", f"ends:{name}") for name in (f"session:{{{KEY}}}", f"once:{{{KEY}}}", "{revoked}")
    ]
    assert [round(life, -1) for life in lives] == [1000, 60, 500]
    await store.close()


async def test_one_code_is_never_redeemed_on_both_sides_of_a_split():
    """REQUIREMENTS, 43: with min-replicas-to-write 1 a primary that is alone redeems nothing."""
    both = Replicated("min-replicas-to-write 1", "min-replicas-max-lag 10")
    try:
        await asyncio.to_thread(wait, lambda: b"min_slaves_good_slaves:1" in raw_info(both.primary))
        old, _ = await started(both.primary.url)
        assert await old.put_once(KEY, b"code", 60)
        await asyncio.to_thread(both.primary.command, "WAIT", 1, 1000)
        both.sentinel.kill()
        both.replica.command("REPLICAOF", "NO", "ONE")  # the split: two primaries, each with the code
        new, _ = await started(both.replica.url)

        redeemed = []
        for side in (old, new):
            try:
                redeemed.append(await side.take_once(KEY))
            except StoreDown:
                redeemed.append(None)
        both.primary.command("REPLICAOF", "127.0.0.1", both.replica.port)  # it heals
        healed = None
        for _ in range(300):
            try:
                healed = await new.take_once(KEY)
                break
            except StoreDown:
                await asyncio.sleep(0.02)

        assert [*redeemed, healed].count(b"code") == 1
        await old.close()
        await new.close()
    finally:
        both.close()


async def test_tls_with_an_unknown_authority_or_another_name_is_refused(tls_front):
    """A Redis that cannot be proven is down: no session is told to it."""
    for url in (
        f"rediss://localhost:{tls_front.port}/0",
        f"rediss://127.0.0.2:{tls_front.port}/0?ca={tls_front.authority}",
    ):
        store, _ = await started(url)
        with pytest.raises(StoreDown):
            await store.load(KEY)
        await store.close()


async def test_a_node_of_a_cluster_that_hangs_takes_only_its_own_sessions_with_it(clustered):
    store, _ = await started(f"{clustered.url}?prefix=part:")
    keys = [key_of(f"shopper {number}") for number in range(12)]
    await asyncio.gather(*(store.save(key, Stored(1, b"x"), 0, HOUR) for key in keys))
    clustered.nodes[2].tell(signal.SIGSTOP)
    try:

        async def ask(key: str) -> bool:
            try:
                async with asyncio.timeout(0.3):
                    return await store.load(key) is not None
            except (StoreDown, TimeoutError):
                return False

        answers = [await ask(key) for key in keys[:8]]
    finally:
        clustered.nodes[2].tell(signal.SIGCONT)

    assert any(answers)
    assert not all(answers)
    await store.close()
