#!/usr/bin/env python3
"""Writes docs/ as a site, by mdBook: the repository's own pages, in the order of docs/README.md, and the generated ones.

A link to a page, a picture or a heading has to lead somewhere. A link to a source file leads to the repository at --source;
without --source its text stays, and the link goes. --mermaid is the program that draws Mermaid diagrams in a browser;
without it they stay text.
"""

import argparse
import html
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

HOME = "README.md"
CONTENTS = "docs/README.md"
PICTURES = {".png", ".svg"}
# The text of a link or a picture can be code, and can go on in the next line. A picture can be in a link.
LINK = re.compile(r"(!?)\[((?:!\[[^\]]*\]\([^)\s]+\)|\[[^\]]*\]|[^\[\]])*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


class Broken(Exception):
    """The pages that are there make no whole site."""


class Pages:
    """The pages of a site: each one's text, by its path in the repository."""

    def __init__(self, root: Path, generated: dict[str, str]) -> None:
        self.root = root
        self.generated = generated
        self.listings = listings(root)

    def __contains__(self, path: str) -> bool:
        known = path in self.generated or path in self.listings
        return known or path.endswith(".md") and (self.root / path).is_file()

    def text(self, path: str) -> str:
        made = self.generated.get(path) or self.listings.get(path)
        return made or (self.root / path).read_text(encoding="utf-8")

    def title(self, path: str) -> str:
        found = re.search(r"^# (.+)$", self.text(path), re.MULTILINE)
        if found is None:
            raise Broken(f"{path} has no title")
        return found[1].replace("`", "")

    def resolved(self, page: str, target: str) -> str:
        """The path that a link leads to; of a folder of pages it is the folder's own page."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
        folder = posixpath.join(path, "README.md")
        return folder if path not in self and folder in self else path

    def linked(self, page: str) -> Iterator[str]:
        """The pages that a page links to, in their order."""
        for prose in FENCE.split(self.text(page))[::2]:
            for _, _, target in LINK.findall(prose):
                if not urlsplit(target).scheme and (path := self.resolved(page, target.partition("#")[0])) in self:
                    yield path


def listings(root: Path) -> dict[str, str]:
    """A page for each folder of docs/ that has no page of its own; the site has those that a page links to."""
    made = {}
    for folder in sorted(path for path in (root / "docs").iterdir() if path.is_dir()):
        names = sorted(path.name for path in folder.glob("*.md"))
        if names and "README.md" not in names:
            lines = [f"- [{name.removesuffix('.md')}]({name})" for name in names]
            title = folder.name.replace("-", " ").capitalize()
            made[f"docs/{folder.name}/README.md"] = f"# {title}\n\n" + "\n".join(lines) + "\n"
    return made


def summary(pages: Pages) -> tuple[str, list[str]]:
    """mdBook's table of contents, and the pages in it: the README, the lists of docs/README.md, then what these link to."""
    placed = [HOME, CONTENTS]
    lines = ["# Summary", "", f"[{pages.title(HOME)}]({HOME})", f"[Documentation]({CONTENTS})"]

    def place(path: str, title: str, depth: int) -> None:
        if path in placed:
            return
        placed.append(path)
        lines.append(f"{'  ' * depth}- [{title}]({path})")
        # The page of a folder has that folder's pages below it.
        if posixpath.basename(path) == "README.md" and path.startswith("docs/"):
            for below in pages.linked(path):
                if posixpath.dirname(below) == posixpath.dirname(path):
                    place(below, pages.title(below), depth + 1)

    for line in pages.text(CONTENTS).splitlines():
        if heading := re.fullmatch(r"## (.+)|\*\*(.+)\*\*", line):
            lines += ["", f"# {heading[1] or heading[2]}", ""]
        elif entry := re.match(r"- \[([^\]]+)\]\(([^)]+)\)", line):
            if (path := pages.resolved(CONTENTS, entry[2])) not in pages:
                raise Broken(f"{CONTENTS}: {entry[2]} is not a page")
            place(path, entry[1], 0)
    if pages.generated:
        lines += ["", "# Generated", ""]
        for path in pages.generated:
            place(path, pages.title(path), 0)
    lines += ["", "# The project", ""]
    for page in placed:
        for path in pages.linked(page):
            place(path, pages.title(path), 0)
    return "\n".join(lines) + "\n", placed


def rewritten(pages: Pages, page: str, source: str | None, picture: Callable[[str], None]) -> str:
    """A page whose links lead to pages of the site, and else to the repository or nowhere."""

    def link(found: re.Match[str]) -> str:
        mark, text, target = found.groups()
        text = LINK.sub(link, text)
        file, _, heading = target.partition("#")
        if urlsplit(target).scheme or not file:
            return f"{mark}[{text}]({target})"
        path = pages.resolved(page, file)
        if path in pages:
            relative = posixpath.relpath(path, posixpath.dirname(page) or ".")
            # mdBook gives a folder's own page the name that a server looks for.
            relative = re.sub(r"(^|/)README\.md$", r"\1index.md", relative)
            return f"{mark}[{text}]({relative}{'#' if heading else ''}{heading})"
        if posixpath.splitext(path)[1] in PICTURES:
            picture(path)
            return f"{mark}[{text}]({target})"
        if path.endswith(".md"):
            raise Broken(f"{page}: {target} leads nowhere")
        return f"[{text}]({source}/{path})" if source else text

    parts = FENCE.split(pages.text(page))
    parts[::2] = [LINK.sub(link, prose) for prose in parts[::2]]
    return "".join(parts)


def diagrams(text: str) -> str:
    """A page whose Mermaid diagrams are elements that the program finds, and not code."""

    def element(found: re.Match[str]) -> str:
        return f'<pre class="mermaid">\n{html.escape(found[1])}</pre>'

    return re.sub(r"^```mermaid\n(.*?)^```$", element, text, flags=re.MULTILINE | re.DOTALL)


class Anchors(HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in {"href", "src"} and value:
                self.links.append(value)


def check(out: Path) -> int:
    """Refuses a link that leads to no file or no heading of the site; gives how many there are."""
    files = {
        path.relative_to(out).as_posix(): Anchors(path.read_text(encoding="utf-8")) for path in out.rglob("*.html")
    }
    faults = []
    count = 0
    for name, page in files.items():
        # Its links are from wherever it is shown.
        if name in {"404.html", "print.html"}:
            continue
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            count += 1
            path = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(target.path)))
                if target.path
                else name
            )
            if (out / path).is_dir():
                path = posixpath.normpath(f"{path}/index.html")
            if not (out / path).is_file():
                faults.append(f"{name}: {link} leads nowhere")
            elif target.fragment and path in files and unquote(target.fragment) not in files[path].ids:
                faults.append(f"{name}: {link} names no heading there")
    if faults:
        raise Broken("\n".join(faults))
    return count


def help_page(programs: list[str]) -> str:
    """The help of each command of each program, as it prints it."""
    parts = ["# Help of every command\n\nEach program prints this with `--help`; the page is made from it.\n"]

    def add(command: list[str]) -> None:
        shown = [Path(command[0]).name, *command[1:]]
        printed = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
        text = "\n".join(line.rstrip() for line in printed.replace(command[0], shown[0]).splitlines())
        parts.append(f"## `{' '.join(shown)}`\n\n```text\n{text}\n```\n")
        _, _, commands = text.partition("\nCommands:\n")
        for name in re.findall(r"^  ([a-z][a-z-]*)", commands.partition("\n\n")[0], re.MULTILINE):
            if name != "help":
                add([*command, name])

    for program in programs:
        add([program])
    return "\n".join(parts)


def write(
    root: Path, out: Path, source: str | None, programs: list[str], options: Path | None, mermaid: Path | None
) -> str:
    generated = {}
    if programs:
        generated["docs/reference/help.md"] = help_page(programs)
    if options is not None:
        generated["docs/reference/all-nixos-options.md"] = options.read_text(encoding="utf-8")
    pages = Pages(root, generated)
    with tempfile.TemporaryDirectory() as scratch:
        book = Path(scratch)
        here = Path(__file__).parent
        shutil.copy(here / "book.toml", book)
        shutil.copy(here / "diagrams.js", book)
        shutil.copytree(here / "theme", book / "theme")
        # Debian's mdBook links it without writing it.
        shutil.copytree(here / "theme/fonts", book / "src/fonts")
        if mermaid is not None:
            shutil.copy(mermaid, book / "src/mermaid.js")
        contents, placed = summary(pages)

        def picture(path: str) -> None:
            if not (root / path).is_file():
                raise Broken(f"{path} is not there")
            (book / "src" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, book / "src" / path)

        for path in placed:
            file = book / "src" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            text = rewritten(pages, path, source, picture)
            file.write_text(text if mermaid is None else diagrams(text), encoding="utf-8")
        (book / "src/SUMMARY.md").write_text(contents, encoding="utf-8")
        subprocess.run(["mdbook", "build", "--dest-dir", out.absolute(), book], check=True)
    if missing := sorted({path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md")} - {*placed}):
        raise Broken("no page links to " + ", ".join(missing))
    return f"{len(placed)} pages, {check(out)} links"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="an empty folder, or one that is not there")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the repository")
    parser.add_argument(
        "--source", help="address of the repository's files, e.g. https://example.com/wordtally/-/blob/main"
    )
    parser.add_argument(
        "--program", action="append", default=[], help="a program whose help is a page; several are given"
    )
    parser.add_argument("--options", type=Path, help="Markdown with every NixOS option")
    parser.add_argument("--mermaid", type=Path, help="mermaid.js, the whole program in one file")
    given = parser.parse_args()
    try:
        print(write(given.root, given.out, given.source, given.program, given.options, given.mermaid))
    except Broken as fault:
        print(f"write_site: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
