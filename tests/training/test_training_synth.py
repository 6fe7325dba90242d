"""Synthetic lines, made of what `fetch` brought."""

import hashlib
import itertools
import random
import tarfile
import zipfile

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")
pytest.importorskip("fontTools", reason="fontTools is not installed: synthetic lines are not tested [not in CI]")

from models.training import charset, fetch, scene, synth, work
from models.training.phrases import Phrases


@pytest.fixture(scope="module")
def folders() -> work.Folders:
    folders = work.Folders(work.DEFAULT)
    if not (folders.texts / "traditional.txt").exists():
        pytest.skip("fonts and texts are not here: run models.training.fetch and models.training.texts [not in CI]")
    return folders


def test_every_source_is_pinned_and_names_its_licence():
    sources = fetch.sources()
    assert len({source.name for source in sources}) == len(sources) >= 30
    for source in sources:
        assert len(source.sha256) == 64
        assert source.version
        assert source.licence
        assert source.registry in ("debian", "npm", "pypi")


def test_refuses_a_package_with_another_hash(tmp_path):
    archive = tmp_path / "font_1.0_all.deb"
    archive.write_bytes(b"not the font that was pinned")
    pinned = fetch.Source("debian", "font", "1.0", hashlib.sha256(b"the font").hexdigest(), "print", "OFL-1.1")
    with pytest.raises(RuntimeError, match="pins"):
        fetch.verify(archive, pinned)
    fetch.verify(archive, fetch.Source(**{**vars(pinned), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}))


@pytest.mark.parametrize("name", ["strokes.tgz", "parent.whl"])
def test_unpacks_archives(tmp_path, name):
    (tmp_path / "inside.txt").write_text("ink", encoding="utf-8")
    archive = tmp_path / name
    if name.endswith(".whl"):
        with zipfile.ZipFile(archive, "w") as wheel:
            wheel.write(tmp_path / "inside.txt", "package/inside.txt")
    else:
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(tmp_path / "inside.txt", "package/inside.txt")
    fetch.unpack(archive, tmp_path / "unpacked")
    assert (tmp_path / "unpacked/package/inside.txt").read_text(encoding="utf-8") == "ink"


def test_a_photograph_shows_its_ink():
    ink = np.zeros((40, 160), np.uint8)
    ink[10:30, 20:140] = 255
    for seed in range(60):
        picture = scene.photographed(ink, random.Random(seed), surface=("print", "paper", "sign", "screen")[seed % 4])
        assert picture.dtype == np.uint8
        assert picture.reshape(-1, 3).std(axis=0).max() > 15


def test_lines_are_of_known_characters_and_every_kind(folders):
    known, kinds = charset.load(), set()
    for picture, text, kind in itertools.islice(synth.synthetic_lines(folders, seed=3), 120):
        assert all(character in known for character in text)
        assert picture.ndim == 3
        assert min(picture.shape[:2]) >= 8
        kinds.add(kind)
    assert kinds == set(synth.KINDS)


def test_lines_of_the_kinds_that_were_asked_for_alone(folders):
    lines = itertools.islice(synth.synthetic_lines(folders, seed=3, shares={"screen": 1, "rare": 1}), 20)
    assert {kind for _, _, kind in lines} == {"screen", "rare"}


def test_a_screenshot_is_small_and_flat():
    ink = np.zeros((40, 160), np.uint8)
    ink[10:30, 20:140] = 255
    pictures = [scene.photographed(ink, random.Random(seed), surface="screen") for seed in range(30)]
    assert max(len(picture) for picture in pictures) < 48
    assert any(len(np.unique(picture[0], axis=0)) == 1 for picture in pictures), "no ground of one colour"


def test_the_same_seed_makes_the_same_lines(folders):
    first, second = (next(synth.synthetic_lines(folders, seed=7)) for _ in range(2))
    assert first[1:] == second[1:]
    assert np.array_equal(first[0], second[0])


def test_traditional_lines_are_traditional(folders):
    phrases = Phrases(folders.texts, charset.load(), random.Random(1))
    said = "".join(phrases.line("traditional") for _ in range(300))
    assert len(set(said) & (set(charset.big5_hanzi()) - set(charset.gb2312_hanzi()))) > 200
    assert said.count("說") + said.count("這") > 5 * (said.count("说") + said.count("这"))


def test_rare_lines_reach_the_second_level_of_gb2312(folders):
    phrases = Phrases(folders.texts, charset.load(), random.Random(1))
    second_level = set(charset.gb2312_hanzi()[3755:])
    assert len(second_level & set("".join(phrases.line("rare") for _ in range(400)))) > 400
