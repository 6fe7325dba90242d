"""Lines on their way to the net: which may be used, how they are kept, spoilt and scored."""

import random

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from line_drawing import drawn
from ziyan.normalize import line_tensor

from models.training import realtext
from models.training.crops import Crop, blurred
from models.training.evaluate import categories
from models.training.lines import line_pixels
from models.training.pool import Item, Pool, write_shard
from models.training.score import folded, score, space_f1
from models.training.view import narrowed, student_view

HEADER = "file\ttext\tkind\tsource\tconfidence\tcase\tcased\tgroup\tlicence\n"


def labels(folder, *rows: str):
    (folder / "labels.tsv").write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_takes_open_lines_only(tmp_path):
    labels(
        tmp_path,
        "photos/1.jpg\t店\tpseudo\ta/b\t0.9\t\t\tg1\topen",
        "photos/2.jpg\t铺\tpseudo\ta/b\t0.9\t\t\tg2\tnoncommercial",
    )
    assert [line.text for line in realtext.read(tmp_path)] == ["店"]


def test_takes_capitals_only_with_their_true_case(tmp_path):
    labels(
        tmp_path,
        "sroie/1.jpg\tTAN WOON\tlabelled\ta/b\t1.0\tupper\tTan Woon\tg1\topen",
        "sroie/2.jpg\tTOTAL\tlabelled\ta/b\t1.0\tupper\t\tg1\topen",
    )
    assert [line.text for line in realtext.read(tmp_path)] == ["Tan Woon"]


def test_reads_a_quotation_mark_as_a_character(tmp_path):
    rows = (f"photos/{text}.jpg\t{text}\tpseudo\ta/b\t0.9\t\t\tg1\topen" for text in ('"开', "关"))
    labels(tmp_path, *rows)
    assert [line.text for line in realtext.read(tmp_path)] == ['"开', "关"]


def test_a_users_folder_needs_only_files_and_texts(tmp_path):
    (tmp_path / "labels.tsv").write_text("file\ttext\nmine/1.png\t发票 No. 7\n", encoding="utf-8")
    (line,) = realtext.read(tmp_path)
    assert (line.file, line.text, line.labelled, line.confidence) == ("mine/1.png", "发票 No. 7", True, 1.0)


def test_a_document_is_held_out_with_all_its_pages():
    sides = {}
    for number in range(300):
        for prefix in ("", "hw-", "mx-"):
            line = realtext.Line("photos2/x.jpg", "x", False, 1.0, f"{prefix}{number}", "open")
            sides.setdefault(number, set()).add(line.held_out)
    assert all(len(answers) == 1 for answers in sides.values())
    share = sum(True in answers for answers in sides.values()) / len(sides)
    assert 0.05 < share < 0.17


def test_a_pool_gives_back_what_was_written(tmp_path):
    classes = np.arange(12, dtype=np.int16).reshape(3, 4)
    probabilities = np.full((3, 4), 0.25, np.float16)
    first = Item(drawn("one"), "one", "photo", classes, probabilities)
    second = Item(drawn("two!"), "", "hand", classes[:2], probabilities[:2])
    write_shard([first, second], tmp_path / "a-000.npz")
    pool = Pool(tmp_path)
    pool.refresh()
    assert (pool.texts, pool.kinds) == (["one", ""], ["photo", "hand"])
    assert pool[1].pixels.shape == drawn("two!").shape
    assert np.abs(pool[0].pixels.astype(int) - drawn("one")).mean() < 3  # JPEG
    assert np.array_equal(pool[0].classes, classes)
    assert np.array_equal(pool[1].probabilities, probabilities[:2])


def test_a_pool_takes_in_each_shard_once(tmp_path):
    item = Item(drawn("x"), "x", "photo", np.zeros((1, 4), np.int16), np.zeros((1, 4), np.float16))
    pool = Pool(tmp_path)
    for count, name in enumerate(("a-000.npz", "a-001.npz"), start=1):
        write_shard([item], tmp_path / name)
        pool.refresh()
        pool.refresh()
        assert len(pool) == count


def test_kept_pixels_give_the_services_tensor_again():
    crop = np.random.default_rng(0).integers(0, 256, (37, 211, 3), dtype=np.uint8)
    again = line_tensor(line_pixels(crop))
    assert np.abs(again - line_tensor(crop)).max() <= 0.5 / 127.5 + 1e-6


def test_a_view_keeps_the_lines_place_and_range():
    line, draw = drawn("Spoilt"), random.Random(1)
    for _ in range(60):
        view = student_view(line, draw)
        assert view.shape == line.shape
        assert 0 <= view.min() <= view.max() <= 255


def test_no_line_is_damaged_where_none_is_to_be():
    flat = np.full((48, 160, 3), 128, np.uint8)  # light moves it in even steps, damage does not
    views = [student_view(flat, random.Random(seed), damaged=0) for seed in range(40)]
    assert max(np.abs(np.diff(view, 2, axis=1)).max() for view in views) < 1e-3
    views = [student_view(flat, random.Random(seed), damaged=1) for seed in range(40)]
    assert max(np.abs(np.diff(view, 2, axis=1)).max() for view in views) > 1


def test_a_line_in_another_posture_moves_no_stroke_by_more_than_half_a_step():
    line = np.full((48, 320, 3), 255, np.uint8)
    line[:, 158:162] = 0  # a stroke of 4 columns, from edge to edge
    for seed in range(60):
        view = student_view(line, random.Random(seed), damaged=0)
        for row in view[[0, -1]]:
            contrast = np.abs(row - np.median(row, axis=0)).sum(1)
            assert abs(np.flatnonzero(contrast > 0.5 * contrast.max()).mean() - 159.5) <= 4.5


def test_the_same_seed_spoils_alike():
    line = drawn("Spoilt")
    first, second = (student_view(line, random.Random(5)) for _ in range(2))
    assert np.array_equal(first, second)
    others = [student_view(line, random.Random(seed)) for seed in range(6, 16)]
    assert sum(np.array_equal(first, other) for other in others) < 5


@pytest.mark.parametrize(
    ("text", "same"),
    [("（１）你好。", "(1)你好."), ("“A  b”", '"A b"'), ("中 文 ab cd", "中文ab cd"), ("……", "."), ("《书》", "<书>")],
)
def test_marks_that_mean_the_same_are_folded(text, same):
    assert folded(text) == folded(same)


def test_folds_as_the_benchmark_does():
    pytest.importorskip("scipy", reason="scipy is not installed: the benchmark's score cannot be compared [not in CI]")
    from bench.score import normalise

    for text in ("（１）“你好”——。…、【书】 x×3", "A－B  c·d", "《中》 ab ,cd 「」", "☐ 3 ． 5 ∙ －－"):
        assert folded(text) == normalise(text)


def test_counts_errors_over_all_lines():
    result = score([("你好吗", "你好"), ("abcde", "abXde"), ("对", "对")])
    assert (result.lines, result.characters, result.errors, result.exact) == (3, 9, 2, 1)
    assert result.error_rate == pytest.approx(2 / 9)
    assert result.exact_rate == pytest.approx(1 / 3)


def test_counts_word_spaces_where_the_words_are_right():
    pairs = [("red ginseng tea", "red ginsengtea"), ("dr plant", "drplamt"), ("中文 ab cd", "中文ab cd")]
    assert space_f1(pairs) == pytest.approx(2 * 2 / (3 + 2))
    assert space_f1([("中文", "中文")]) == 1


def test_a_narrowed_line_keeps_its_characters_in_their_places():
    classes = np.zeros((20, 4), np.int16)
    classes[[3, 8, 9, 16], 0] = (5, 6, 7, 8)
    probabilities = np.zeros((20, 4), np.float16)
    probabilities[:, 0] = 1
    item = narrowed(Item(np.zeros((48, 152, 3), np.uint8), "abcd", "photo", classes, probabilities), 0.5)
    assert item.pixels.shape == (48, 76, 3)
    emitted = {int(c): step for step, c in enumerate(item.classes[:, 0]) if c}
    assert (emitted[5], emitted[8]) == (1, 8)
    assert item.probabilities[4].max() == 0  # 6 and 7 fell together: the teacher has no say there
    assert item.probabilities[[0, 1, 2, 3, 5, 6, 7, 8, 9], 0].min() == 1


def test_handwriting_is_known_by_its_group():
    def line(group: str) -> realtext.Line:
        return realtext.Line("photos/x.jpg", "x", False, 1.0, group, "open")

    assert [line(group).kind for group in ("hw-1", "mx-1", "4c20ea3bad", "c55d28d579", "000")] == [
        "hand",
        "mixed",
        "hand",
        "mixed",
        "photo",
    ]


def test_long_lines_count_twice_and_blurred_ones_apart():
    sharp = [Crop(drawn("short"), "short", "printed"), Crop(np.zeros((10, 121, 3), np.uint8), "a", "held-out photo")]
    groups = categories([*sharp, *blurred(sharp[:1])], ["short", "a", "shcrt"])
    assert groups == {
        "blurred": [("short", "shcrt")],
        "development": [("short", "short")],
        "held-out": [("a", "a")],
        "held-out photo": [("a", "a")],
        "long": [("a", "a")],
        "printed": [("short", "short")],
    }


def test_a_blurred_line_is_flatter_than_it_was():
    sharp = Crop(drawn("edge"), "edge", "printed")
    (soft,) = blurred([sharp])
    assert soft.pixels.shape == sharp.pixels.shape
    steepest, before = (np.abs(np.diff(crop.pixels.astype(int), axis=1)).max() for crop in (soft, sharp))
    assert steepest < before
