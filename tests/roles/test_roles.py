"""The roles say of themselves what is true: specifications, defaults, tables, tags and lint."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from variable_tables import ROLES, defaults, specification, with_table

CHECKOUT = ROLES.parent
ROLE_FOLDERS = sorted(path.parent for path in ROLES.glob("*/meta"))
PLAYBOOKS = sorted((CHECKOUT / "playbooks").glob("*.yml"))
BIN = Path(sys.executable).parent
# The issue's own name for it works from the inventory, so this default follows that name.
FOLLOWS = {"ocr_system_offline_apt": "{{ ocr_offline_apt | default(false) }}"}

each_role = pytest.mark.parametrize("role", ROLE_FOLDERS, ids=lambda role: role.name)


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in command], cwd=CHECKOUT, text=True, capture_output=True, check=False, timeout=600
    )


def task_files() -> list[Path]:
    return sorted(ROLES.glob("*/tasks/*.yml")) + sorted(ROLES.glob("*/handlers/*.yml"))


@each_role
def test_defaults_are_those_of_the_specification(role):
    specified = {name: option["default"] for name, option in specification(role)["options"].items()}
    assert {name: value for name, value in defaults(role).items() if name not in FOLLOWS} == {
        name: value for name, value in specified.items() if name not in FOLLOWS
    }
    assert specified.keys() == defaults(role).keys()
    assert {name: defaults(role)[name] for name in FOLLOWS if name in defaults(role)} == {
        name: value for name, value in FOLLOWS.items() if name in defaults(role)
    }


@each_role
def test_every_variable_is_typed_and_explained(role):
    for name, option in specification(role)["options"].items():
        assert name.startswith(f"{role.name}_")
        assert option["type"] in ("str", "int", "bool", "path", "dict", "list")
        assert option["description"].endswith((".", ")."))


@each_role
def test_readme_has_the_current_table_of_variables(role):
    text = (role / "README.md").read_text(encoding="utf-8")
    assert text == with_table(text, role), "run: python tests/roles/variable_tables.py"


@each_role
def test_every_step_can_be_called_by_tag(role):
    for step in yaml.safe_load((role / "tasks/main.yml").read_text(encoding="utf-8")):
        assert step["tags"] == ["always"] or role.name in step["tags"], step["name"]


@pytest.mark.parametrize("path", task_files(), ids=lambda path: str(path.relative_to(ROLES)))
def test_every_command_says_when_it_changes_something(path):
    for task in all_tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
        if {"ansible.builtin.command", "ansible.builtin.shell"} & task.keys():
            arguments = task.get("ansible.builtin.command") or task.get("ansible.builtin.shell")
            assert "changed_when" in task or "creates" in arguments, task["name"]


def all_tasks(tasks: list[dict]) -> list[dict]:
    """The tasks of a file, those in blocks included."""
    inner = [task.get(part, []) for task in tasks for part in ("block", "rescue", "always")]
    return tasks + [task for block in inner for task in all_tasks(block)]


def test_every_setting_of_the_service_file_is_one_that_the_service_knows():
    template = (ROLES / "ocr_service/templates/ziyan.env.j2").read_text(encoding="utf-8")
    source = (CHECKOUT / "service/ziyan/settings.py").read_text(encoding="utf-8")
    known = {f"OCR_{name.upper()}" for name in re.findall(r"^    (\w+): .+ = _setting\(", source, re.MULTILINE)}
    written = set(re.findall(r"'(OCR_\w+)':", template))
    assert len(written) >= 5
    assert written <= known


def test_ansible_lint_finds_nothing_at_the_production_profile():
    done = run(BIN / "ansible-lint", "--offline", "--nocolor", "--profile", "production", "playbooks", "roles")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_playbook_is_understood_by_ansible(playbook):
    done = run(BIN / "ansible-playbook", "-i", "inventory.ini", "--syntax-check", playbook)
    assert done.returncode == 0, done.stderr


def test_vagrant_accepts_the_vagrantfile():
    if not shutil.which("vagrant"):
        pytest.skip("vagrant is not installed")
    done = run("vagrant", "validate", "--ignore-provider")
    assert done.returncode == 0, done.stderr
