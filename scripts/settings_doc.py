"""docs/settings.md, made from config/variables.py.

python -m scripts.settings_doc write    writes it
python -m scripts.settings_doc check    ends with 1 where it is not what would be written
"""

import sys
from pathlib import Path

from config.variables import SECTIONS, Default, Variable

TARGET = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Made by `python -m scripts.settings_doc write` from `config/variables.py`: change that file, not this one.

All settings come from the environment. Each may be given as `NAME_FILE` instead, the path of a file with the value. Flags are
`yes` or `no`, lists are written with commas. An embedded deployment is one without `DATABASE_URL`.
"""


def format_default(value: Default) -> str:
    """A default as it would be written in the environment."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if value >= 10_000 else str(value)
    return f"`{value}`" if value else "none"


def describe_default(variable: Variable) -> str:
    """What holds where the environment says nothing."""
    if variable.shown:
        return variable.shown
    if variable.full is None:
        return format_default(variable.default)
    return f"embedded: {format_default(variable.default)}; full: {format_default(variable.full)}"


def build_document() -> str:
    """The whole text of docs/settings.md."""
    lines = [HEAD]
    for section in SECTIONS:
        lines += [f"## {section.title}", "", "| name | kind | default | unit | what it is |", "|---|---|---|---|---|"]
        lines += [
            f"| `{one.name}` | {one.kind} | {describe_default(one)} | {one.unit} | {one.about} |"
            for one in section.variables
        ]
        lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Writes or checks the document."""
    if arguments == ["write"]:
        TARGET.write_text(build_document(), encoding="utf-8")
    elif arguments == ["check"]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != build_document():
            print("docs/settings.md is out of date: python -m scripts.settings_doc write")
            return 1
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
