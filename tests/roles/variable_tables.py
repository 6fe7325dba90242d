"""Write each role's README table of variables from its meta/argument_specs.yml.

python tests/roles/variable_tables.py        writes them; tests/roles compares them
"""

from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
BEGIN, END = "<!-- variables: made by tests/roles/variable_tables.py -->", "<!-- end of variables -->"


def specification(role: Path) -> dict:
    """The `main` entry of the role's argument_specs.yml."""
    return yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]


def defaults(role: Path) -> dict:
    """The role's defaults, unrendered."""
    return yaml.safe_load((role / "defaults/main.yml").read_text(encoding="utf-8"))


def table(role: Path) -> str:
    """The Markdown table of the role's variables, between its two marks."""
    rows = [
        f"| `{name}` | {option['type']} | `{option['default'] if option['default'] != '' else '(empty)'}` "
        f"| {option['description']} |"
        for name, option in specification(role)["options"].items()
    ]
    return "\n".join([BEGIN, "| variable | type | default | meaning |", "|---|---|---|---|", *rows, END])


def with_table(text: str, role: Path) -> str:
    """`text` of the README with the role's current table in place of the one between the marks."""
    before, rest = text.split(BEGIN)
    return before + table(role) + rest.split(END)[1]


def main() -> None:
    """Rewrite every README's table."""
    for readme in sorted(ROLES.glob("*/README.md")):
        readme.write_text(with_table(readme.read_text(encoding="utf-8"), readme.parent), encoding="utf-8")


if __name__ == "__main__":
    main()
