"""The box reads, says with what, and refuses to read with something else."""

import requests
from conftest import model_on

VENV = "/opt/ziyan/current/venv/bin"


def test_health_is_ok_and_names_the_model_that_lies_on_the_host(host, url):
    answer = requests.get(f"{url}/health", timeout=10)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["model"] == model_on(host)["recognizer"]["name"]


def test_a_picture_is_read_right_through_the_port(read, selftest):
    picture, text = selftest
    answer = read(picture)
    assert answer.status_code == 200, answer.text
    assert "".join("".join(answer.json()["text"]).split()) == text


def test_the_page_is_served(url):
    answer = requests.get(f"{url}/", timeout=30)
    assert answer.status_code == 200
    assert "text/html" in answer.headers["Content-Type"]


def test_the_files_of_the_model_are_those_of_the_manifest(host):
    manifest = model_on(host)
    recognizers = [manifest[name] for name in ("recognizer", "second_recognizer") if name in manifest]
    for entry in (manifest["detector"], *recognizers, *(recognizer["charset"] for recognizer in recognizers)):
        assert host.file(f"/opt/ziyan/models/current/{entry['file']}").sha256sum == entry["sha256"]


def test_the_programs_tell_nobody_that_they_run(host, supervisorctl):
    """ONNX Runtime's wheels report to their maker unless they are told not to."""
    variables = host.check_output(f"tr '\\0' '\\n' < /proc/{supervisorctl('pid ocr-reader')}/environ").splitlines()
    assert "ORT_DISABLE_TELEMETRY=1" in variables
    assert "telemetry" not in host.check_output("tail -n 50 /var/log/ziyan/ocr-reader.log")


def test_refuses_to_start_with_a_model_of_another_hash(host, patience):
    recognizer = model_on(host)["recognizer"]["file"]
    folder = host.check_output("mktemp -d")
    try:
        host.check_output(
            f"cp /opt/ziyan/models/current/* {folder}; printf x >> {folder}/{recognizer}; chmod -R a+rX {folder}"
        )
        settings = f"OCR_MODELS_DIR={folder} OCR_SOCKET={folder}/reader.sock"
        answer = host.run(f"runuser -u ziyan -- env {settings} timeout {60 * patience:.0f} {VENV}/ziyan reader")
        assert answer.rc not in (0, 124)
        assert "sha256" in answer.stdout + answer.stderr
    finally:
        host.check_output(f"rm -r {folder}")
