"""The wheelhouse's names, requirements and archives, for hosts that are not this machine."""

import importlib.util
import os
import tarfile
from pathlib import Path

import pytest
from variable_tables import ROLES

SPEC = importlib.util.spec_from_file_location("wheelhouse", ROLES / "ocr_service/files/wheelhouse.py")
wheelhouse = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(wheelhouse)

LOCK = """\
# a comment
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:aa
    # via ziyan
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:dd
only-arm==1.0 ; platform_machine == 'aarch64' --hash=sha256:ee
flask==3.1.0 --hash=sha256:ff
"""


@pytest.mark.parametrize(
    ("python", "machine", "kept"),
    [
        ("3.11", "aarch64", ["numpy==2.4.6 --hash=sha256:aa", "only-arm==1.0 --hash=sha256:ee"]),
        ("3.13", "x86_64", ["numpy==2.5.5 --hash=sha256:bb --hash=sha256:cc"]),
    ],
)
def test_keeps_the_requirements_that_hold_on_the_host_with_all_their_hashes(python, machine, kept):
    assert wheelhouse.requirements_for(LOCK, python, machine) == [*kept, "flask==3.1.0 --hash=sha256:ff"]


@pytest.fixture
def source(tmp_path):
    """A service of two files."""
    (tmp_path / "ziyan").mkdir()
    (tmp_path / "ziyan/__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "requirements.lock").write_text(LOCK)
    return tmp_path


def test_the_name_tells_the_version_and_is_the_same_for_the_same_files(source):
    name = wheelhouse.release_name(source)
    assert name.startswith("1.2.3-")
    (source / "ziyan/__pycache__").mkdir()
    (source / "ziyan/__pycache__/x.pyc").write_bytes(b"x")
    (source / "ziyan.egg-info").mkdir()
    (source / "ziyan.egg-info/PKG-INFO").write_text("x")
    assert wheelhouse.release_name(source) == name


def test_another_byte_or_another_place_gives_another_name(source):
    names = {wheelhouse.release_name(source)}
    (source / "requirements.lock").write_text(LOCK + "\n")
    names.add(wheelhouse.release_name(source))
    (source / "requirements.lock").rename(source / "ziyan/requirements.lock")
    names.add(wheelhouse.release_name(source))
    assert len(names) == 3


def test_releases_of_one_lock_share_an_environment_and_those_of_others_do_not():
    kind = {"requirements": ["flask==3.1.0 --hash=sha256:ff"], "trim": b"rm", "python": "3.13", "machine": "aarch64"}
    names = [
        wheelhouse.environment_name(**kind | other)
        for other in ({}, {}, {"requirements": []}, {"trim": b""}, {"python": "3.12"}, {"machine": "x86_64"})
    ]
    assert names[0] == names[1]
    assert names[0].startswith("cp313-aarch64-")
    assert len(set(names)) == 5


def test_an_archive_is_whole_or_not_there_and_is_made_once(tmp_path):
    path = tmp_path / "1.2.3-ab.tar"

    def fail(folder):
        (folder / "half").touch()
        raise InterruptedError

    with pytest.raises(InterruptedError):
        wheelhouse.archive(path, fail)
    assert list(tmp_path.iterdir()) == []
    made = wheelhouse.archive(path, lambda folder: (folder / "whole").touch())
    assert made == {"name": "1.2.3-ab", "archive": str(path)} == wheelhouse.archive(path, fail)
    with tarfile.open(path) as tar:
        assert [Path(name).name for name in tar.getnames()][-1] == "whole"


def test_old_archives_make_room_and_the_newest_of_each_kind_stay(tmp_path):
    newest = range(2, wheelhouse.ARCHIVES_KEPT + 2)
    for kind in ("1.0", "cp313-aarch64"):
        for number in range(wheelhouse.ARCHIVES_KEPT + 2):
            archive = tmp_path / f"{kind}-{number}.tar"
            archive.touch()
            os.utime(archive, (number, number))
    wheelhouse.forget_old(tmp_path)
    kept = {f"{kind}-{number}.tar" for kind in ("1.0", "cp313-aarch64") for number in newest}
    assert {path.name for path in tmp_path.iterdir()} == kept
