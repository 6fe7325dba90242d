"""What a caller may ask of one picture."""

import pytest
from ziyan import options
from ziyan.errors import RequestRejected


def test_nothing_asked_gives_the_defaults():
    assert options.parse({}) == options.DEFAULTS == options.Options(min_score=0.5)


@pytest.mark.parametrize("given", ["0.25", 0.25, "2.5e-1"])
def test_takes_a_number_from_a_form_or_from_json(given):
    assert options.parse({"min_score": given}).min_score == 0.25


@pytest.mark.parametrize(("given", "value"), [("0", 0.0), (0, 0.0), ("1", 1.0), (1, 1.0)])
def test_accepts_a_score_exactly_at_each_bound(given, value):
    assert options.parse({"min_score": given}).min_score == value


@pytest.mark.parametrize(
    "given",
    ["-0.001", "1.001", -1, 2, "nan", "inf", 10**400, "", "half", None, True, [], {}],
    ids=lambda given: f"{str(given)[:8]} ({type(given).__name__})",
)
def test_rejects_a_score_that_is_no_number_from_0_to_1(given, refuses):
    with refuses(RequestRejected, "option_invalid") as caught:
        options.parse({"min_score": given})
    assert "min_score must be a number from 0 to 1" in caught.value.en


def test_rejects_an_unknown_option_and_names_the_known_ones(refuses):
    with refuses(RequestRejected, "unknown_option") as caught:
        options.parse({"min_score": "0.5", "min_scroe": "0.5"})
    assert "'min_scroe'" in caught.value.en
    assert "Known are: min_score" in caught.value.en


def test_describes_each_option_by_what_parse_accepts():
    described = options.describe()
    assert described.keys() == options.DEFAULTS.as_dict().keys() >= {"min_score"}
    score = described["min_score"]
    assert (score["type"], score["minimum"], score["maximum"], score["default"]) == ("number", 0, 1, 0.5)
    assert options.parse({"min_score": score["default"]}) == options.DEFAULTS


def test_names_the_formats_as_pillow_does():
    from PIL import Image
    from ziyan import image  # registers HEIF

    Image.init()
    assert image.FORMATS is options.FORMATS
    assert set(options.FORMATS) <= set(Image.OPEN)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (options.Number(0, 90, whole=True), "7", 7),
        (options.Choice(("auto", "off")), "off", "off"),
        (options.Text(3), "字眼", "字眼"),
        (options.Areas(2), "[[0, 1, 2, 3.5]]", ((0, 1, 2, 3.5),)),
        (options.Areas(2), [[0, 1, 2, 3]], ((0, 1, 2, 3),)),
        (options.Areas(2), "", ()),
    ],
)
def test_each_kind_of_option_takes_what_it_says(kind, given, value):
    assert kind.parse(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (options.Number(0, 90, whole=True), "7.5"),
        (options.Choice(("auto", "off")), "on"),
        (options.Choice(("auto", "off")), ["auto"]),
        (options.Text(3), "abcd"),
        (options.Text(3), 3),
        (options.Areas(1), "[[0, 1, 2, 3], [0, 1, 2, 3]]"),
        (options.Areas(1), "[[0, 1, 2]]"),
        (options.Areas(1), "[[0, 1, 0, 3]]"),
        (options.Areas(1), "[[0, 1, NaN, 3]]"),
        (options.Areas(1), "{"),
        (options.Areas(1), "[" * 100_000),
        (options.Areas(1), 7),
    ],
    ids=lambda value: str(value)[:30],
)
def test_each_kind_of_option_refuses_anything_else(kind, given):
    with pytest.raises((TypeError, ValueError, RecursionError)):
        kind.parse(given)


def test_options_cross_the_socket_as_they_were_asked():
    asked = options.parse({"min_score": 0.25})
    assert options.parse(asked.as_query()) == asked
    assert options.DEFAULTS.as_query() == {}
