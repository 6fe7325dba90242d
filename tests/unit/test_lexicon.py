"""Reading with a lexicon, on probabilities written out by hand: the picture has the last word."""

import numpy as np
import pytest
from ziyan import ctc, lexicon, words
from ziyan.charset import Charset
from ziyan.errors import RequestRejected, SettingRejected
from ziyan.lexicon import FLOOR, Lexicon, Wording

KNOWN = "阿莫西林胶囊颗粒酉木休眠ABCOI018-: "
RARE = "".join(map(chr, range(0xAC00, 0xAC00 + 5000)))  # as many classes as a real charset has
CHARSET = Charset(KNOWN + RARE)


def steps(*said):
    """Probabilities (T, C): a text stands for itself without doubt, a dict for {character: probability} of one step.

    Every character has a blank step behind it; "" in a dict is the blank.
    """
    rows = []
    for part in said:
        for choice in part if isinstance(part, str) else [part]:
            row = np.full(CHARSET.classes, 1e-6, np.float32)
            given = {choice: 0.995} if isinstance(choice, str) else choice
            for character, p in given.items():
                row[CHARSET.encode(character)[0] if character else 0] = p
            blank = np.full(CHARSET.classes, 1e-6, np.float32)
            blank[0] = 0.998
            rows += [row, blank]
    return np.array(rows)


def read(probabilities, *entries, allow="", charset=CHARSET):
    """The text with a lexicon of these words."""
    decode = Wording(words.parse("\n".join(entries))).decoder(allow=allow)(charset)
    classes, confidences = decode(probabilities)
    assert len(classes) == len(confidences)
    return charset.decode(classes.tolist())


DOUBT = {"酉": 0.8, "西": 0.15}


def test_a_word_of_the_lexicon_is_read_where_one_of_its_characters_is_in_doubt():
    line = steps("阿莫", DOUBT, "林")
    assert read(line) == "阿莫酉林"
    assert read(line, "阿莫西林") == "阿莫西林"


def test_it_is_read_in_the_middle_of_other_text_which_stays_as_it_is():
    line = steps("休眠", "阿莫", DOUBT, "林", {"木": 0.5, "休": 0.4}, "颗")
    assert read(line, "阿莫西林") == "休眠阿莫西林木颗"


def test_the_confidence_of_a_character_is_what_the_picture_gives_it():
    decode = Wording(("阿莫西林",)).decoder()(CHARSET)
    assert decode(steps("阿莫", DOUBT, "林"))[1] == pytest.approx([0.995, 0.995, 0.15, 0.995])


def test_what_the_picture_shows_without_doubt_is_never_replaced():
    line = steps("阿莫", {"酉": 0.995, "西": FLOOR / 2}, "林")
    assert read(line, "阿莫西林") == "阿莫酉林"


def test_a_character_exactly_at_the_bound_may_be_read_and_one_below_it_may_not():
    assert read(steps("阿莫", {"酉": 0.5, "西": FLOOR}, "林胶囊"), "阿莫西林胶囊") == "阿莫西林胶囊"
    below = np.nextafter(np.float32(FLOOR), np.float32(0))
    assert read(steps("阿莫", {"酉": 0.5, "西": below}, "林胶囊"), "阿莫西林胶囊") == "阿莫酉林胶囊"


def test_half_a_word_earns_nothing():
    assert read(steps("阿莫", DOUBT, "木"), "阿莫西林") == "阿莫酉木"


def test_a_short_word_needs_a_better_picture_than_a_long_one():
    faint = {"酉": 0.9, "西": 0.05}
    assert read(steps(faint, "林"), "西林") == "酉林"
    assert read(steps("阿莫", faint, "林胶囊"), "阿莫西林胶囊") == "阿莫西林胶囊"


def test_two_words_of_which_the_picture_prefers_one_are_not_confused():
    line = steps("阿莫西林", {"胶": 0.6, "颗": 0.3}, {"囊": 0.5, "粒": 0.45})
    assert read(line, "阿莫西林胶囊", "阿莫西林颗粒") == "阿莫西林胶囊"


def test_a_character_that_greedy_decoding_missed_is_found():
    assert read(steps("阿莫", {"": 0.7, "西": 0.28}, "林"), "阿莫西林") == "阿莫西林"


def test_a_character_that_is_not_in_the_word_is_left_out_where_the_picture_allows_it():
    line = steps("阿莫", {"休": 0.6, "": 0.38}, DOUBT, "林")
    assert read(line, "阿莫西林") == "阿莫西林"
    assert read(steps("阿莫", "休", DOUBT, "林"), "阿莫西林") == "阿莫休酉林"


def test_nothing_is_left_out_in_front_of_a_word_or_behind_it():
    spare = {"1": 0.6, "": 0.38}
    assert read(steps("休", spare, "阿莫", DOUBT, "林", spare, "眠"), "阿莫西林") == "休1阿莫西林1眠"


def test_a_latin_word_is_not_found_inside_a_longer_one():
    doubt = {"8": 0.6, "B": 0.38}
    assert read(steps("A", doubt, "C"), "ABC") == "ABC"
    assert read(steps("胶A", doubt, "C囊"), "ABC") == "胶ABC囊"
    assert read(steps("OA", doubt, "C"), "ABC") == "OA8C"
    assert read(steps("A", doubt, "CO"), "ABC") == "A8CO"


def test_a_pattern_tells_letters_from_digits():
    line = steps("AB-", {"O": 0.6, "0": 0.39}, {"I": 0.7, "1": 0.29}, "8", {"B": 0.5, "8": 0.49})
    assert read(line) == "AB-OI8B"
    assert read(line, r"/[A-C]{2}-\d{4}/") == "AB-0188"
    assert read(line, r"/[A-C]{2}-\d{5}/") == "AB-OI8B"


def test_the_same_character_twice_stays_twice():
    assert read(steps("AB-11", {"I": 0.6, "1": 0.39}, "0"), r"/AB-\d{4}/") == "AB-1110"


def test_a_word_with_a_space_is_read_without_it_where_none_is_seen():
    # What the lexicon adds is what the picture has room for: here it has room for no space.
    assert read(steps("A", {"8": 0.6, "B": 0.38}, " ", "C"), "AB C") == "AB C"
    assert read(steps("A", {"8": 0.6, "B": 0.38}, "C"), "AB C") == "A8C"


def test_lines_without_doubt_or_without_a_character_of_the_lexicon_are_not_searched(monkeypatch):
    monkeypatch.setattr(lexicon, "_search", lambda *_: pytest.fail("searched"))
    assert read(steps("阿莫西林"), "阿莫西林胶囊") == "阿莫西林"
    assert read(steps("休", {"眠": 0.6, "木": 0.3}), "阿莫西林") == "休眠"


def test_reads_the_same_without_words_as_greedy_decoding_on_any_probabilities():
    random = np.random.default_rng(5)
    small = Charset("ABC西林-1")
    for _ in range(60):
        probabilities = random.dirichlet(np.full(small.classes, 0.15), size=30).astype(np.float32)
        plain = read(probabilities, charset=small)
        # A word that no line can hold: the search runs, and must find what the best path says.
        assert read(probabilities, "西林" * 20, charset=small) == plain


def test_differs_from_greedy_decoding_only_by_words_of_the_lexicon():
    random = np.random.default_rng(6)
    small, changed = Charset("ABC西林-1"), 0
    for _ in range(200):
        probabilities = random.dirichlet(np.full(small.classes, 0.15), size=20).astype(np.float32)
        plain, found = read(probabilities, charset=small), read(probabilities, "西林A", charset=small)
        if plain != found:
            changed += 1
            assert found.count("西林A") > plain.count("西林A")
    assert changed > 5


def test_an_allow_list_and_a_lexicon_work_together():
    line = steps({"I": 0.6, "1": 0.39}, {"O": 0.5, "0": 0.1, "8": 0.39}, "阿")
    assert read(line, allow="uppercase") == "IO"
    assert read(line, allow="digits") == "18"
    assert read(line, "10", allow="digits") == "10"
    assert read(line, "IO", allow="digits") == "18"


# --- the operator's words, and those of a request ---------------------------------------------------------------------


def text_of(wording, line, **options):
    classes, _ = wording.decoder(**options)(CHARSET)(line)
    return CHARSET.decode(classes.tolist())


def test_the_words_of_a_request_are_added_to_those_of_the_box_and_off_uses_none():
    wording, line = Wording(("阿莫西林",)), steps("阿莫", DOUBT, "林", "-A", {"8": 0.6, "B": 0.38}, "C")
    assert text_of(wording, line) == "阿莫西林-A8C"
    assert text_of(wording, line, asked="ABC") == "阿莫西林-ABC"
    assert text_of(wording, line, asked="off") == "阿莫酉林-A8C"
    assert text_of(Wording(), line, asked="ABC") == "阿莫酉林-ABC"


def test_nothing_wished_for_costs_nothing():
    assert Wording().decoder() is lexicon.best_path
    assert Wording(("阿莫西林",)).decoder("off") is lexicon.best_path


def test_where_no_word_is_found_it_reads_as_it_would_without_words():
    def plain(_):
        return lambda probabilities: tuple(found[::-1] for found in ctc.greedy(probabilities))

    decode = Wording(("阿莫西林",)).decoder(plain=plain)(CHARSET)
    for line, text in ((("休眠",), "眠休"), (("阿莫", DOUBT), "酉莫阿"), (("阿莫", DOUBT, "林"), "阿莫西林")):
        assert CHARSET.decode(decode(steps(*line))[0].tolist()) == text
    assert text_of(Wording(), steps("休", "A"), plain=plain) == "A休"
    assert text_of(Wording(), steps("休", "A"), allow="hanzi", plain=plain) == "休"


def test_a_word_of_a_request_that_can_never_be_read_is_refused(refuses):
    with refuses(RequestRejected, "lexicon_invalid") as caught:
        Wording().decoder("ABC\nABé")(CHARSET)
    assert "'é' in the word 'ABé'" in caught.value.en


def test_a_word_of_the_box_that_can_never_be_read_is_told_and_does_no_harm():
    kept = Wording(words.parse("ABé\n西林\n/é\\d{2}/"))
    assert {name: kept.facts(CHARSET)[name] for name in ("words", "unknown")} == {"words": 3, "unknown": 1}
    assert kept.facts(CHARSET)["version"] != Wording(words.parse("西林")).facts(CHARSET)["version"]
    assert kept.facts(CHARSET) == Wording(words.parse("ABé\n西林\n/é\\d{2}/")).facts(CHARSET)
    assert read(steps("阿莫", DOUBT, "林"), "ABé", "阿莫西林") == "阿莫西林"


def test_loads_the_file_of_the_operator(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_bytes("\ufeff# 药\n阿莫西林\r\n/A\\d{4}/\n".encode())
    word, pattern = lexicon.load(path)
    assert word == "阿莫西林"
    assert isinstance(pattern, words.Pattern)


def test_the_default_file_may_be_absent_and_another_one_may_not(tmp_path, refuses):
    from ziyan.settings import Settings

    if not Settings.lexicon.exists():
        assert lexicon.load(Settings.lexicon) == ()
    with refuses(SettingRejected, "setting_invalid") as caught:
        lexicon.load(tmp_path / "absent.txt")
    assert "absent.txt" in caught.value.en


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff\xfeA", "as UTF-8"),
        (b"good\n/[A-Z/\n", "'/[A-Z/' is not understood"),
        (b"#" * (lexicon.MOST_BYTES + 1), "more than 1048576 bytes"),
        ("\n".join(f"w{n}" for n in range(20_001)).encode(), "20000 words"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_file_that_is_no_lexicon_stops_the_program(tmp_path, data, told, refuses):
    path = tmp_path / "lexicon.txt"
    path.write_bytes(data)
    with refuses(SettingRejected, "setting_invalid") as caught:
        lexicon.load(path)
    assert told in caught.value.en


def test_a_folder_is_no_lexicon(tmp_path, refuses):
    with refuses(SettingRejected, "setting_invalid"):
        lexicon.load(tmp_path)


def test_twenty_thousand_words_take_two_megabytes():
    random = np.random.default_rng(9)
    listed = ["".join(RARE[i] for i in random.integers(0, 5000, 6)) for _ in range(20_000)]
    kept = Lexicon(listed, CHARSET)
    size = sum(len(kept_array) * kept_array.itemsize for kept_array in (kept._keys, kept._targets, kept._worth))
    assert size + len(kept._ends) < 2 << 20
    assert read(steps({"阿": 0.6, listed[7][0]: 0.3}, listed[7][1:]), *listed[:400]) == listed[7]
