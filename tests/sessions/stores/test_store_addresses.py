"""Addresses of stores, as operators write and mistype them."""

from __future__ import annotations

import pytest

from sessions.stores.memory import MemoryStore
from sessions.stores.opening import StoreUrlError, describe, open_store, read_address
from sessions.stores.redis import RedisStore
from sessions.stores.redis_links import Cluster, Server
from sessions.stores.sqlite import SqliteStore

SECRET = "hunter2xyz"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory:", "memory of this process"),
        ("sqlite:sessions.db", "SQLite file sessions.db"),
        ("sqlite:///var/lib/sessions.db", "SQLite file /var/lib/sessions.db"),
        ("redis://redis.shop", "Redis at redis.shop:6379"),
        (f"redis://:{SECRET}@redis.shop:7000/3", "Redis at redis.shop:7000, database 3"),
        (f"rediss://edge:{SECRET}@[::1]:7000/", "Redis at [::1]:7000, as edge, with TLS"),
        (f"unix://edge:{SECRET}@/run/redis.sock?db=2", "Redis at /run/redis.sock, database 2, as edge"),
        (
            f"redis+sentinel://edge:{SECRET}@a,b:27000/shop/1?sentinel_password={SECRET}",
            "Redis, primary shop by Sentinel at a:26379, b:27000, database 1, as edge",
        ),
        (f"rediss+cluster://:{SECRET}@a:1,b:2", "Redis Cluster at a:1, b:2, with TLS"),
    ],
)
def test_an_address_is_described_without_its_password(url, said):
    assert describe(url) == said


@pytest.mark.parametrize(
    ("url", "way_out"),
    [
        ("", "it is one of"),
        (SECRET, "it is one of"),
        ("reddis://host", "did you mean redis:"),
        (f"http://:{SECRET}@host", "it is one of"),
        ("memory:x", "nothing after the colon"),
        ("sqlite:", "needs a file"),
        ("sqlite::memory:", "there is memory:"),
        ("sqlite:/no/such/folder/x.db", "mkdir -p /no/such/folder"),
        ("sqlite:/", "is a folder"),
        ("redis://", "names no host"),
        (f"redis://:{SECRET}@", "names no host"),
        (f"redis://:{SECRET}/more@host", "percent-encoded"),
        (f"redis://:{SECRET}#more@host", "percent-encoded"),
        (f"redis://:{SECRET}?more@host", "percent-encoded"),
        (f"redis://host:{SECRET}", "percent-encode"),
        (f"redis://host/{SECRET}", "percent-encode"),
        (f"redis://host:70000/{SECRET}", "0 to 65535"),
        (f"redis://:{SECRET}@host/1/2", "goes on after"),
        (f"redis://:{SECRET}@a,b/0", "redis+sentinel:// or redis+cluster://"),
        (f"redis://:{SECRET}@host?prefx=a", "did you mean prefix"),
        (f"redis://:{SECRET}@host?{SECRET}=a", "known are prefix"),
        (f"redis://:{SECRET}@host?ca=/etc/ca.pem", "rediss"),
        (f"rediss://:{SECRET}@host?ca=/no/such/file", "/no/such/file"),
        (f"rediss://:{SECRET}@host?ca={__file__}", "of no use"),
        (f"rediss://:{SECRET}@host?cert={__file__}", "without ?key="),
        (f"redis+sentinel://:{SECRET}@a,b", "names no primary"),
        (f"redis+cluster://:{SECRET}@a/3", "only database 0"),
        (f"redis://[{SECRET}", "taken apart"),
        ("unix://", "names no socket"),
        (f"unix://{SECRET}/run/redis.sock", "three slashes"),
    ],
)
def test_a_wrong_address_is_told_with_a_way_out_and_without_what_may_be_secret(url, way_out):
    """REQUIREMENTS, 7."""
    with pytest.raises(StoreUrlError) as raised:
        open_store(url)

    assert way_out in str(raised.value)
    assert SECRET not in str(raised.value)
    assert SECRET not in describe(url)
    assert isinstance(raised.value, ValueError)


def test_a_password_may_hold_anything_once_it_is_percent_encoded():
    address = read_address("redis://us%40er:p%2F%40%3A%23%25@host/1?prefix=shop:")

    assert (address.user, address.password, address.db) == ("us@er", "p/@:#%", 1)
    assert address.options == {"prefix": "shop:"}
    assert "p/@" not in repr(address)


async def test_every_form_opens_its_store(tmp_path):
    forms = {
        "memory:": MemoryStore,
        f"sqlite:{tmp_path}/x.db": SqliteStore,
        "redis://host": Server,
        "rediss://host": Server,
        "unix:///run/redis.sock": Server,
        "redis+sentinel://a,b/shop": Server,
        "rediss+sentinel://a,b/shop": Server,
        "redis+cluster://127.0.0.1:1,127.0.0.1:2": Cluster,
        "rediss+cluster://127.0.0.1:1,127.0.0.1:2": Cluster,
    }
    for url, kind in forms.items():
        store = open_store(url)
        assert isinstance(store.link if isinstance(store, RedisStore) else store, kind)
        await store.close()
