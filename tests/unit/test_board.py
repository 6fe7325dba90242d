"""Which board this is, and the bound of the second reader that belongs to it."""

import platform

import pytest
from ziyan import board
from ziyan.board import Board


@pytest.mark.parametrize(
    ("model", "machine", "memory_mb", "below"),
    [
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "aarch64", 948, 0.80),
        ("Raspberry Pi Zero 2 W Rev 1.0", "aarch64", 2000, 0.80),
        ("Raspberry Pi Compute Module 3 Plus Rev 1.0", "aarch64", 2000, 0.80),
        ("Raspberry Pi 4 Model B Rev 1.1", "aarch64", 948, 0.80),
        ("Raspberry Pi 4 Model B Rev 1.4", "aarch64", 3981, 0.95),
        ("Raspberry Pi 400 Rev 1.0", "aarch64", 3981, 0.95),
        ("Raspberry Pi 5 Model B Rev 1.0", "aarch64", 8256, 0.97),
        ("Raspberry Pi 500 Rev 1.0", "aarch64", 8256, 0.97),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "aarch64", 4000, 0.97),
        ("Raspberry Pi 5 Model B Rev 1.1", "aarch64", 1030, 0.80),
        ("linux,dummy-virt", "aarch64", 4000, 0.95),
        (None, "aarch64", 4000, 0.95),
        (None, "x86_64", 4000, 0.97),
        (None, "x86_64", 1499, 0.80),
        (None, "x86_64", 1500, 0.97),
    ],
)
def test_each_board_has_its_bound(model, machine, memory_mb, below):
    found, reason = Board(model, machine, memory_mb).second_below()
    assert found == below
    assert (model or machine) in reason


def test_the_model_is_read_from_the_device_tree(tmp_path):
    tree = tmp_path / "firmware/devicetree/base"
    tree.mkdir(parents=True)
    (tree / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    assert board.look(tmp_path).model == "Raspberry Pi 4 Model B Rev 1.4"


def test_a_machine_without_a_device_tree_has_its_architecture_and_memory(tmp_path):
    found = board.look(tmp_path)
    assert (found.model, found.machine) == (None, platform.machine())
    assert found.memory_mb > 100


def test_what_the_operator_sets_wins_over_the_board(tmp_path):
    assert board.second_below(0.0, tmp_path) == (0.0, "OCR_SECOND_BELOW")
    assert board.second_below(0.9, tmp_path) == (0.9, "OCR_SECOND_BELOW")
    assert board.second_below(None, tmp_path) == board.look(tmp_path).second_below()
