"""What is written is what is so: docs/api.md, and the README's examples."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "tests" / "data" / "pages" / "photo.jpg"
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def test_the_api_page_is_generated_from_the_description():
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    make_api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_api)
    assert make_api.TARGET.read_text(encoding="utf-8") == make_api.markdown(), "run make docs"


def examples(readme, language):
    """The code blocks of `language` that call the API."""
    blocks = re.findall(rf"```{language}\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    found = [block for block in blocks if "api/ocr" in block]
    assert found, f"{readme.name} has an example in {language}"
    return found


def run(command, code, service, tmp_path):
    """Runs an example as it stands, but on this service and in a folder with its photo."""
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    code = code.replace("http://raspberrypi.local:5000", service.url)
    ended = subprocess.run(
        [*command, code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_curl_example_runs(service, tmp_path, readme):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed: apt-get install curl")
    for code in examples(readme, "sh"):
        answer = json.loads(run(["sh", "-c"], code.replace("curl ", "curl -s "), service, tmp_path))
        assert answer["text"]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_python_example_runs(service, tmp_path, readme):
    for code in examples(readme, "python"):
        assert run([sys.executable, "-c"], code, service, tmp_path).strip()


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_node_example_runs(service, tmp_path, readme):
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        pytest.skip("node is not installed: apt-get install nodejs")
    for code in examples(readme, "js"):
        assert run([node, "--input-type=module", "--eval"], code, service, tmp_path).strip()


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_path_that_a_readme_links_to_exists(readme):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", readme.read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
