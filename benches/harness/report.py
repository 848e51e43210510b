"""Tables in Markdown, and their place in a document."""
import datetime
import shlex


def milliseconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def ratio(value, reference):
    return f"{value / reference:.2f}"


def table(header, rows):
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines) + "\n"


def with_heading(text, machine, arguments):
    """The tables under when, where and how they came about."""
    date = datetime.date.today().isoformat()
    command = shlex.join(["benches/run", *arguments])
    return f"{date}, {machine['summary']}. `{command}`\n\n{text}"


def replace(path, section, text):
    """Puts `text` between the section's two marks."""
    document = path.read_text()
    opening, closing = f"<!-- {section} -->\n", f"<!-- /{section} -->"
    before, found, rest = document.partition(opening)
    _, end, after = rest.partition(closing)
    if not found or not end:
        raise SystemExit(f"{path}: no lines {opening.strip()} and {closing}; try adding them where the tables belong")
    path.write_text(f"{before}{opening}{text}{closing}{after}")
