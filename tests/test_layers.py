"""Imports go downwards only: the layers of the service, read from the source of every module.

`violations` reads the imports of a tree like this repository's. That it finds what it should is shown on small trees
that break one rule each; then it is run on the real one.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the bottom up: a module may import the modules of the rows above its own, and of its own package. A name stands
# for a module of ziyan or for a whole package of it; names that are not written yet keep their place.
LAYERS = (
    ("errors", "page"),
    ("words", "alphabets"),
    ("options", "log", "kinds"),
    ("settings", "charset", "image", "geometry", "vertical", "enhance", "normalize", "vitals", "cooling", "board"),
    ("embed", "placing", "windows", "pieces"),
    ("manifest", "ctc", "spaces", "pdf", "pdfium"),
    ("context", "lexicon", "searchable"),
    ("session", "documents"),
    ("orient", "flatten", "detect", "recognize", "layout", "areas"),
    ("paragraphs", "second"),
    ("pipeline",),
    ("cache", "jobs", "outputs", "reader.client", "tokens"),
    ("files", "results"),
    ("watch",),
    ("reader",),
    ("web",),
    ("reading", "remote"),
    ("__main__",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
# Whatever ocr-web loads is in memory beside the reader, and reads requests from the network: no decoder, no networks.
NOT_IN_WEB = {"cv2", "onnxruntime", "PIL", "pi_heif", "pypdfium2"}
NOT_IN_WEB |= {"ziyan.image", "ziyan.documents", "ziyan.pdfium", "ziyan.searchable", "ziyan.session", "ziyan.pipeline"}
TRAINING_MAY_IMPORT = {"charset", "normalize", "ctc", "context", "page", "errors"}


def modules(folder, package):
    """Every module below `folder` by its dotted name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = (package, *path.relative_to(folder).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path, name, known):
    """The dotted names that a module imports anywhere, also inside functions: modules of `known`, or foreign ones."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in known else source


def place(name):
    """The name in LAYERS of a module of ziyan: `reader.app` is in `reader`, `reader.client` has a place of its own."""
    inner = name.removeprefix("ziyan.")
    return inner if inner in RANK else inner.partition(".")[0]


def reachable(name, graph):
    """All that is loaded with `name`, directly or not; to load a module is to load the packages that it is in."""
    seen, waiting = set(), [name]
    while waiting:
        loaded = waiting.pop()
        for target in {*graph.get(loaded, ()), loaded.rpartition(".")[0]} - seen - {""}:
            seen.add(target)
            waiting.append(target)
    return seen


def violations(root):
    """What breaks a rule in the tree at `root`, one sentence each."""
    known = modules(root / "service" / "ziyan", "ziyan")
    graph = {name: set(imports(path, name, known)) for name, path in known.items()}
    found = [f"{name} has no place in LAYERS" for name in known if name != "ziyan" and place(name) not in RANK]
    for name in sorted(set(known) - {"ziyan"}):
        found += _upward(name, graph[name])
        found += _foreign(name, graph[name])
        if place(name) == "web":
            forbidden = sorted(hit for hit in reachable(name, graph) if _is_or_is_in(hit, NOT_IN_WEB))
            found += [f"{name} loads {hit}" for hit in forbidden]
    found += [f"ziyan (its __init__) imports {target}" for target in sorted(graph.get("ziyan", ()))]
    return [*found, *_training(root, known)]


def _upward(name, targets):
    for target in sorted(targets):
        ours, theirs = place(name), place(target)
        placed = target.startswith("ziyan.") and {ours, theirs} <= RANK.keys()
        if placed and theirs != ours and RANK[theirs] >= RANK[ours]:
            yield f"{name} imports {target}, which is not below it"


def _foreign(name, targets):
    for target in sorted(targets):
        if _is_or_is_in(target, {"onnxruntime"}) and name != "ziyan.session":
            yield f"{name} imports {target}: only session may"
        if _is_or_is_in(target, {"torch", "torchvision", "training", "models"}):
            yield f"{name} imports {target}: training is not on the box"


def _training(root, known):
    allowed = {f"ziyan.{name}" for name in TRAINING_MAY_IMPORT}
    for name, path in modules(root / "models" / "training", "training").items():
        for target in sorted(set(imports(path, name, known))):
            if target.partition(".")[0] == "ziyan" and target not in allowed:
                yield f"{name} imports {target}, training may import {', '.join(sorted(allowed))}"


def _is_or_is_in(name, parents):
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


# --- the checker finds what it should ---------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    """Writes a repository of the given files, which may import what they like: nobody runs them."""

    def write(files):
        sources = {"service/ziyan/__init__.py": "", "service/ziyan/errors.py": ""} | files
        for name, source in sources.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return tmp_path

    return write


def ziyan(**sources):
    return {f"service/ziyan/{name.replace('_in_', '/')}.py": source for name, source in sources.items()}


ALLOWED = {
    "downwards": ziyan(ctc="from ziyan.charset import BLANK", charset="from ziyan.errors import ModelRejected"),
    "within a package": ziyan(web_in_app="from ziyan.web import api", web_in_api=""),
    "the reader's client from web": ziyan(web_in_app="from ziyan.reader.client import C", reader_in_client=""),
    "networks in session": ziyan(session="import onnxruntime"),
    "a decoder in the reader": ziyan(reader_in_app="import cv2\nfrom ziyan import image", image="import PIL"),
    "training and what it shares": {
        "models/training/train.py": "import torch\nimport training.net\nfrom ziyan import charset, ctc",
        **ziyan(charset="", ctc=""),
    },
}

BROKEN = {
    "upwards": (ziyan(errors="from ziyan import pipeline", pipeline=""), "ziyan.errors imports ziyan.pipeline"),
    "sideways": (ziyan(detect="import ziyan.layout", layout=""), "ziyan.detect imports ziyan.layout"),
    "inside a function": (
        ziyan(charset="def f():\n    from ziyan.manifest import load", manifest=""),
        "ziyan.charset imports ziyan.manifest",
    ),
    "relatively": (ziyan(ctc="from . import session", session=""), "ziyan.ctc imports ziyan.session"),
    "from the package above": (
        ziyan(reader_in_client="from ..reader import app", reader_in_app="import cv2"),
        "ziyan.reader.client imports ziyan.reader.app",
    ),
    "a module without a place": (ziyan(helpers=""), "ziyan.helpers has no place"),
    "networks elsewhere": (ziyan(detect="import onnxruntime as ort"), "ziyan.detect imports onnxruntime: only session"),
    "torch": (ziyan(normalize="import torch.nn"), "ziyan.normalize imports torch.nn"),
    "a decoder in web": (ziyan(web_in_api="from PIL import Image"), "ziyan.web.api loads PIL"),
    "a decoder in web, by way of another module": (
        ziyan(web_in_api="from ziyan.cache import C", cache="from ziyan import geometry", geometry="import cv2"),
        "ziyan.web.api loads cv2",
    ),
    "a decoder in web, by way of a package": (
        ziyan(web_in_api="from ziyan.reader import client", reader_in_client="", reader_in___init__="import pi_heif"),
        "ziyan.web.api loads pi_heif",
    ),
    "the pipeline in web": (
        ziyan(web_in_api="from ziyan.reader import app", reader_in_app="from ziyan.pipeline import P", pipeline=""),
        "ziyan.web.api loads ziyan.pipeline",
    ),
    "training and the pipeline": (
        {"models/training/evaluate.py": "from ziyan import pipeline", **ziyan(pipeline="")},
        "training.evaluate imports ziyan.pipeline",
    ),
    "training from ziyan": (ziyan(charset="from training import synth"), "ziyan.charset imports training"),
    "anything in __init__": (ziyan(__init__="import cv2"), "ziyan (its __init__) imports cv2"),
}


@pytest.mark.parametrize("files", ALLOWED.values(), ids=ALLOWED)
def test_allows(files, tree):
    assert violations(tree(files)) == []


@pytest.mark.parametrize(("files", "expected"), BROKEN.values(), ids=BROKEN)
def test_finds(files, expected, tree):
    assert [sentence for sentence in violations(tree(files)) if sentence.startswith(expected)]


# --- and the service keeps the rules ----------------------------------------------------------------------------------


def test_imports_go_downwards_only():
    assert {"ziyan.errors", "ziyan.session", "ziyan.pipeline", "ziyan.web.app"} <= modules(
        ROOT / "service" / "ziyan", "ziyan"
    ).keys()
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ziyan.web.app", ["cv2", "onnxruntime", "PIL", "pi_heif", "numpy", "pypdfium2", "huey", "ziyan.image"]),
        ("ziyan.__main__", ["cv2", "onnxruntime", "PIL", "numpy", "flask"]),  # `ziyan --help` answers at once
        ("ziyan.reader.app", ["torch", "onnx", "pypdfium2", "redis"]),  # PDFium and the queue come with the first job
    ],
)
def test_a_program_does_not_load_what_it_does_not_need(module, absent):
    loaded = subprocess.run(
        [sys.executable, "-c", f"import {module}, sys; print(*sys.modules, sep='\\n')"],
        cwd=ROOT / "service", capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert module in loaded
    assert set(absent) & set(loaded) == set()
