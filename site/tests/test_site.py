"""The site has every page, each link of it leads somewhere, and a page that would not fit in is refused."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITE_SITE = ROOT / "site/write_site.py"
SOURCE = "https://example.com/-/blob/main"


def write_site(root: Path, out: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(WRITE_SITE), "--root", str(root), *more, str(out)]
    # PyPI's mdbook is beside its Python.
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, env=env, capture_output=True, text=True)


class Links(HTMLParser):
    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == "href" and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of this repository, with the help of the program in WORDTALLY."""
    out = tmp_path_factory.mktemp("site")
    mermaid = os.environ.get("MERMAID", str(ROOT / "site/node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"))
    done = write_site(ROOT, out, "--source", SOURCE, "--program", os.environ["WORDTALLY"], "--mermaid", mermaid)
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_of_docs_is_in_the_site(site: Path) -> None:
    pages = [path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 50
    for page in pages:
        name = "index.html" if page.name == "README.md" else f"{page.stem}.html"
        assert (site / page.parent / name).is_file(), page


def test_the_order_is_that_of_the_list_of_pages(site: Path) -> None:
    contents = [link for link in Links(site / "toc.html").found if link.endswith(".html")]
    assert contents[:2] == ["index.html", "docs/index.html"]
    listed = [
        line.split("](")[1].split(")")[0].replace(".md", ".html")
        for line in (ROOT / "docs/README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("- [") and ".md)" in line and "README" not in line
    ]
    places = [contents.index(f"docs/{path}") for path in dict.fromkeys(listed)]
    assert len(places) > 20 and places == sorted(places)


def test_a_link_to_a_source_file_leads_to_the_repository(site: Path) -> None:
    links = Links(site / "docs/how-to/test-and-measure.html").found
    assert f"{SOURCE}/.ci/run" in links


def test_the_help_is_the_program_s_own(site: Path) -> None:
    page = (site / "docs/reference/help.html").read_text(encoding="utf-8")
    for command in ["wordtally", "wordtally serve", "wordtally standin"]:
        assert f"<code>{command}</code></a></h2>" in page, command
    assert "--max-stale" in page and os.environ["WORDTALLY"] not in page


def test_the_program_that_draws_diagrams_is_in_the_site(site: Path) -> None:
    assert (site / "mermaid.js").stat().st_size > 1_000_000
    assert any("diagrams" in path.name for path in site.glob("*.js"))


README = "# Name\n\n[Documentation](docs/README.md)\n"
CONTENTS = "# Documentation\n\n## How to\n\n- [One](one.md)\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The smallest repository that has a site."""
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "README.md").write_text(README)
    (root / "docs/README.md").write_text(CONTENTS)
    (root / "docs/one.md").write_text(
        "# One\n\n[up](../README.md#name) [`code`](../src/main.rs) [out](https://example.com)\n"
    )
    return root


def test_a_small_site_is_written(small: Path, tmp_path: Path) -> None:
    done = write_site(small, tmp_path / "out")
    assert (done.returncode, done.stdout.splitlines()[-1].split(",")[0]) == (0, "3 pages"), done.stderr
    links = Links(tmp_path / "out/docs/one.html").found
    assert "../index.html#name" in links and "https://example.com" in links
    # Without an address of the repository there is nowhere to lead to.
    assert not any("main.rs" in link for link in links)


@pytest.mark.parametrize("linked", [True, False])
def test_a_folder_without_a_page_has_a_list_if_a_page_links_to_it(small: Path, tmp_path: Path, linked: bool) -> None:
    (small / "docs/more").mkdir()
    (small / "docs/more/two.md").write_text("# Two\n")
    (small / "docs/one.md").write_text(f"# One\n\n[two](more/two.md) {'[all](more/)' if linked else ''}\n")
    done = write_site(small, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/docs/more/index.html").is_file() == linked


def test_code_is_not_rewritten(small: Path, tmp_path: Path) -> None:
    (small / "docs/one.md").write_text("# One\n\n```\n[text](../src/main.rs)\n```\n")
    assert write_site(small, tmp_path / "out").returncode == 0
    assert "[text](../src/main.rs)" in (tmp_path / "out/docs/one.html").read_text()


@pytest.mark.parametrize("drawn", [True, False])
def test_a_diagram_is_drawn_where_the_program_is_there(small: Path, tmp_path: Path, drawn: bool) -> None:
    (small / "docs/one.md").write_text("# One\n\n```mermaid\nflowchart LR\n    a -->|<b>| c\n```\n")
    (tmp_path / "mermaid.js").write_text("")
    more = ["--mermaid", str(tmp_path / "mermaid.js")] if drawn else []
    assert write_site(small, tmp_path / "out", *more).returncode == 0
    page = (tmp_path / "out/docs/one.html").read_text()
    element = '<pre class="mermaid">\nflowchart LR\n    a --&gt;|&lt;b&gt;| c\n</pre>'
    assert (element in page, "language-mermaid" in page) == (drawn, not drawn)


@pytest.mark.parametrize(
    ("page", "text", "fault"),
    [
        ("docs/one.md", "# One\n\n[gone](gone.md)\n", "docs/one.md: gone.md leads nowhere"),
        ("docs/one.md", "# One\n\n[part](README.md#gone)\n", "docs/one.html: index.html#gone names no heading there"),
        ("docs/one.md", "# One\n\n![gone](gone.png)\n", "docs/gone.png is not there"),
        ("docs/one.md", "No title\n", "docs/one.md has no title"),
        ("docs/two.md", "# Two\n", "no page links to docs/two.md"),
        ("docs/README.md", f"{CONTENTS}- [Two](two.md)\n", "docs/README.md: two.md is not a page"),
    ],
)
def test_a_page_that_does_not_fit_in_is_refused(small: Path, tmp_path: Path, page: str, text: str, fault: str) -> None:
    (small / page).write_text(text)
    done = write_site(small, tmp_path / "out")
    assert done.returncode == 1
    assert f"write_site: {fault}" in done.stderr
