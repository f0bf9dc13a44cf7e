"""The keys file on disk: private, whole, and changed by one at a time. REQUIREMENTS, 7."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from forge import NOW

from sessions import keyfile
from sessions.errors import KeysError
from sessions.keys import KeyRing
from sessions.privatefile import exposed


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh(["cms"], now=NOW)


@pytest.fixture
def path(tmp_path: Path, ring: KeyRing) -> Path:
    keyfile.write(tmp_path / "keys.json", ring)
    return tmp_path / "keys.json"


def test_requirement_7_the_file_is_for_its_owner_alone(path: Path, ring: KeyRing) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyfile.load(path) == ring


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o644, 0o777])
def test_requirement_7_a_file_that_others_can_get_at_is_refused_with_what_to_type(path: Path, mode: int) -> None:
    path.chmod(mode)

    with pytest.raises(KeysError, match=f"mode {mode:04o}.*: chmod 600 {path}"):
        keyfile.load(path)


def test_a_file_that_nobody_may_write_is_fine(path: Path, ring: KeyRing) -> None:
    path.chmod(0o400)

    assert keyfile.load(path) == ring


def test_writing_makes_an_open_file_private_again(path: Path, ring: KeyRing) -> None:
    path.chmod(0o644)

    keyfile.write(path, ring)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_has_the_old_file_open_still_reads_all_of_it(path: Path, ring: KeyRing) -> None:
    with path.open("rb") as reading:
        keyfile.write(path, KeyRing.fresh(["cms"], now=NOW))

        assert KeyRing.parse(reading.read()) == ring


def test_a_link_stays_a_link(tmp_path: Path, path: Path) -> None:
    (tmp_path / "link.json").symlink_to(path)
    other = KeyRing.fresh(["cms"], now=NOW)

    keyfile.write(tmp_path / "link.json", other)

    assert (tmp_path / "link.json").is_symlink()
    assert keyfile.load(path) == other


def test_what_a_killed_writer_left_behind_is_in_nobodys_way(path: Path) -> None:
    path.with_name(".keys.json.new").write_bytes(b"half of a")
    other = KeyRing.fresh(["cms"], now=NOW)

    keyfile.write(path, other)

    assert keyfile.load(path) == other
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


def test_a_full_disk_leaves_the_old_keys(path: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(KeysError, match="No space left on device; the old keys are as they were"):
        keyfile.write(path, KeyRing.fresh(["cms"], now=NOW))

    assert keyfile.load(path) == ring
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"there is no such file: `inseam keys init --keys .*keys.json` makes one"):
        keyfile.load(tmp_path / "keys.json")


def test_a_folder_and_a_pipe_are_no_keys_files_and_nobody_waits_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    for other in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(KeysError, match="no regular file"):
            keyfile.load(other)


def test_a_huge_file_is_refused_without_reading_all_of_it(tmp_path: Path) -> None:
    with (tmp_path / "keys.json").open("wb") as file:
        os.truncate(file.fileno(), 1 << 33)
    (tmp_path / "keys.json").chmod(0o600)

    with pytest.raises(KeysError, match="longer than 256 KB"):
        keyfile.load(tmp_path / "keys.json")


def test_two_cannot_change_the_keys_at_once(path: Path) -> None:
    with keyfile.locked(path), pytest.raises(KeysError, match="somebody else is changing it"), keyfile.locked(path):
        pass

    with keyfile.locked(path):
        pass


# --- Secrets of Kubernetes and the like -------------------------------------------------------------------------------


def seen(mode: int, owner: int, group: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, group, 9, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "owner", "group", "us", "refused"),
    [
        (0o600, 1000, 1000, 1000, False),
        (0o400, 1000, 1000, 1000, False),
        (0o640, 1000, 1000, 1000, True),
        (0o440, 0, 1000, 1000, False),  # a Secret with fsGroup 1000
        (0o640, 0, 2000, 1000, False),  # one of our other groups
        (0o440, 0, 0, 1000, False),  # a credential of systemd, opened by its access list
        (0o440, 0, 3000, 1000, True),  # a group that we are not in: how could we read it?
        (0o660, 0, 1000, 1000, True),
        (0o444, 0, 1000, 1000, True),
        (0o450, 0, 1000, 1000, True),
        (0o440, 1001, 1000, 1000, True),
        (0o440, 0, 0, 0, True),  # root needs no group
        (0o600, 0, 0, 0, False),
    ],
)
def test_a_file_is_ours_if_nobody_but_us_and_root_can_get_at_it(
    monkeypatch: pytest.MonkeyPatch, mode: int, owner: int, group: int, us: int, refused: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: us)
    monkeypatch.setattr(os, "getegid", lambda: us)
    monkeypatch.setattr(os, "getgroups", lambda: [us, 2000])

    assert exposed(seen(mode, owner, group)) is refused


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to a group that it is not in")
def test_keys_that_root_rotates_stay_readable_for_the_group_that_had_them(path: Path, ring: KeyRing) -> None:
    os.chown(path, 0, 4242)
    path.chmod(0o640)

    keyfile.write(path, ring)

    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 4242, 0o640)
