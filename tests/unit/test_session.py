"""The real prepared networks through ONNX Runtime."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ziyan import vitals
from ziyan.errors import ModelRejected
from ziyan.session import Session


@pytest.fixture(scope="module")
def detector(models):
    return Session(models / "detector.onnx", threads=1)


@pytest.fixture(scope="module")
def recognizer(models):
    return Session(models / "recognizer.onnx", threads=1)


def noise(*shape):
    return np.random.default_rng(5).uniform(-1, 1, shape).astype(np.float32)


def test_the_detector_gives_a_probability_a_pixel(detector):
    found = detector.run(noise(1, 3, 64, 96))
    assert found.shape == (1, 1, 64, 96)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


def test_the_recognizer_gives_a_distribution_over_classes_every_8_pixels(recognizer):
    found = recognizer.run(noise(2, 3, 48, 320))
    assert found.shape == (2, 40, 9819)
    assert found.sum(axis=2) == pytest.approx(np.ones((2, 40)), abs=1e-3)


def test_emptying_the_arena_changes_no_result(detector):
    tensor = noise(1, 3, 96, 64)
    kept, emptied = detector.run(tensor), detector.run(tensor, empty_arena=True)
    assert np.array_equal(kept, emptied)
    assert np.array_equal(kept, detector.run(tensor))


def test_a_sweep_gives_back_what_the_last_output_held(detector, recognizer):
    small = noise(1, 3, 32, 32), np.empty((1, 1, 32, 32), np.float32)
    detector.sweep(*small)
    output = recognizer.run(noise(1, 3, 48, 2560), empty_arena=True)
    size_mb, held_mb = output.nbytes / 1e6, vitals.resident_mb()
    del output
    detector.sweep(*small)
    assert held_mb - vitals.resident_mb() > 0.9 * size_mb


def test_a_sweep_runs_the_network(detector):
    tensor, output = noise(1, 3, 32, 32), np.zeros((1, 1, 32, 32), np.float32)
    detector.sweep(tensor, output)
    assert np.array_equal(output, detector.run(tensor))


def test_threads_do_not_change_the_result(models, detector):
    tensor = noise(1, 3, 64, 64)
    assert Session(models / "detector.onnx", threads=2).run(tensor) == pytest.approx(detector.run(tensor), abs=1e-5)


def test_two_callers_at_once_get_each_their_own(recognizer):
    tensors = [noise(1, 3, 48, 64) * scale for scale in (0.1, 0.4, 0.7, 1.0)]
    alone = [recognizer.run(tensor) for tensor in tensors]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(recognizer.run, tensors))
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(alone, together, strict=True))


def test_the_recognizer_carries_its_charset(models, recognizer):
    charset = (models / "charset.txt").read_bytes()
    assert recognizer.metadata["charset"].encode() == charset
    assert recognizer.metadata["charset_sha256"] == hashlib.sha256(charset).hexdigest()


@pytest.mark.parametrize("content", [b"", b"no network", None], ids=["empty", "text", "absent"])
def test_what_is_no_network_is_refused_by_name(content, tmp_path, refuses):
    path = tmp_path / "detector.onnx"
    if content is not None:
        path.write_bytes(content)
    with refuses(ModelRejected, "model_unreadable") as caught:
        Session(path, threads=1)
    assert "detector.onnx" in caught.value.zh


def test_half_a_network_is_refused(models, tmp_path, refuses):
    whole = (models / "detector.onnx").read_bytes()
    path = tmp_path / "half.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with refuses(ModelRejected, "model_unreadable"):
        Session(path, threads=1)
