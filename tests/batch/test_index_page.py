"""The page of all clients, and the table of all clients."""

import csv
import io
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from skinprogress.batch.index_page import forget_command, render_index, write_batch_table, write_index
from skinprogress.batch.records import ClientSummary
from skinprogress.records import Rejection

HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "\u202egnp.exe", "a\nb",
    "{{ 7 * 7 }}", "100% #1?", "javascript:alert(1)", "&lt;b&gt;", "=1+1", "Jörg/2026 März", "caf\\udce9",
]  # fmt: skip
REJECTED = Rejection(file="a.jpg", session="", code="blurred", reason="a.jpg is blurred", remedy="hold still")


def _client(name: str, **values: Any) -> ClientSummary:
    known = {
        "status": "compared", "report": f"clients/{name}/report.html", "headline": "Less red on both cheeks.",
        "grade": "B", "n_photos": 4, "n_used": 4, "n_sessions": 2, "first_session": "2026-03-14",
        "last_session": "2026-06-01T16:30",
    }  # fmt: skip
    return ClientSummary(client=name, **(known | values))


class _Page(HTMLParser):
    """Tags, and the text of every element with an id or of a table row."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_wherever_it_stands(name: str) -> None:
    rejection = Rejection(file=name, session="", code="x", reason=name, remedy=name)
    pictures = {name: "ab"}
    plain = render_index([_client(n, thumbnails=("x.jpg",), rejected=(REJECTED,), pictures={"a": "c"},
                                  other_person=("a",), notes=("n",)) for n in "ab"],
                         notes=["n"], strays=["s"], gone=["a"])  # fmt: skip
    hostile = render_index(
        [_client(n, headline=name, thumbnails=(f"{name}.jpg",), rejected=(rejection,), pictures=pictures,
                 other_person=(name,), notes=(name,)) for n in (name, "b")],
        notes=[name], strays=[name], gone=[name],
    )  # fmt: skip
    found, wanted = _Page(hostile), _Page(plain)
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in wanted.tags]
    assert [sorted(attributes) for _, attributes in found.tags] == [sorted(attributes) for _, attributes in wanted.tags]
    # Turned round, a name would look like another. In a headline or a note it is the business of who wrote that.
    names = re.findall(r"<bdi[^>]*>(.*?)</bdi>", re.sub(r"<code>.*?</code>", "", hostile, flags=re.DOTALL), re.DOTALL)
    assert names and not any(set(text) & set("\u202e\n") for text in names)


@pytest.mark.parametrize("name", HOSTILE)
def test_links_lead_to_the_report_whatever_it_is_called(name: str) -> None:
    page = _Page(render_index([_client(name, thumbnails=(f"clients/{name}/thumbnails/first.jpg",))]))
    links = {a["href"] for a in page.all("a")} - {"#clients"}
    assert [unquote(link or "") for link in links] == [f"clients/{name}/report.html"]
    assert not any(set(link or "") & set("<>\"' #?\n:") for link in links)
    (picture,) = page.all("img")
    assert unquote(picture["src"] or "") == f"clients/{name}/thumbnails/first.jpg"
    assert picture["loading"] == "lazy" and picture["alt"] == "first session"


def test_what_needs_attention_stands_at_the_top_and_with_the_client() -> None:
    failed = ClientSummary(
        client="Cleo", status="failed", reason="no photo in Cleo can be used", remedy="take new ones"
    )
    html = render_index(
        [
            failed,
            _client("Anna", pictures={"1.jpg": "aa"}, other_person=("9.jpg",)),
            _client("Bea", pictures={"2.jpg": "aa"}),
            _client("Dora", notes=("dates come from names",), rejected=(REJECTED,), n_rejected=1),
            _client("Fay", grade="F"),
            _client("Gus", status="one session", grade="", n_sessions=1, n_rejected=2),
            _client("Hal", status="one session", grade="", n_sessions=1),
        ],
        notes=["a link was not followed"],
        strays=["lost.jpg"],
        gone=["Bea", "Emil"],
    )
    top, table, below = (_Page(part).text for part in re.split(r"<table|</table>", html))
    top = " ".join(top.split())
    assert "7 clients, 5 to look at" in top
    assert "Cleo No photo in Cleo can be used. Take new ones." in top
    assert "Fay The last photos cannot be compared with the first: the report says why." in top
    assert "Gus One session is left, since 2 photos had to be rejected." in top and "Hal" not in top
    assert "Anna 9.jpg" in top and "Anna 1.jpg, Bea 2.jpg the same file" in top
    assert "Bea skinprogress forget Bea -o OUT" in top and "Emil skinprogress forget Emil -o OUT" in top
    assert "lost.jpg" in top and "A link was not followed." in top
    for words in ("No photo in Cleo can be used.", "1 photo may show another person.", "1 picture also with Bea.",
                  "The folder is gone.", "Failed", "14 March 2026 to 1 June 2026, 16:30"):  # fmt: skip
        assert words in table
    assert "Dates come from names." in below and "A.jpg is blurred. Hold still." in below.replace(
        "a.jpg is", "A.jpg is"
    )
    assert "Nothing." not in top


def test_where_all_is_well_it_says_so_and_hides_faces_behind_a_sign() -> None:
    html = render_index([_client("Anna")])
    assert "Nothing. Every client’s photos went through." in html
    assert "<img" not in html and html.count('href="#i-person"') == 2
    assert "No client yet." in render_index([])


def test_the_same_clients_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    clients = [_client(name) for name in ("Client 10", "client 2", "Client 2", "Anna")]
    strays = ["x.jpg"]
    first = write_index(tmp_path, clients, strays=strays, gone={"Anna", "Client 2"}).read_bytes()
    random.Random(1).shuffle(clients)
    assert write_index(tmp_path, clients, strays=strays, gone={"Client 2", "Anna"}).read_bytes() == first
    names = re.findall(r'<th scope="row" data-key="([^"]*)"', first.decode())
    assert names == ["Anna", "Client 2", "client 2", "Client 10"]


def test_the_table_has_a_row_a_client_and_no_formulas(tmp_path: Path) -> None:
    rejected = tuple(
        Rejection(file=f"{k}.jpg", session="", code=code, reason="r", remedy="m")
        for k, code in enumerate(("no_face", "blurred", "no_face"))
    )
    clients = [_client("=1+1", rejected=rejected, n_rejected=3, other_person=("b.jpg", "c.jpg")), _client("0042")]
    rows = list(csv.DictReader(io.StringIO(write_batch_table(tmp_path, clients).read_text("utf-8"))))
    assert [row["client"] for row in rows] == ["0042", "'=1+1"]
    assert rows[1]["rejected_for"] == "blurred 1; no_face 2"
    assert (rows[1]["n_rejected"], rows[1]["other_person"], rows[0]["rejected_for"]) == ("3", "b.jpg; c.jpg", "")
    assert rows[0]["headline"] == "Less red on both cheeks."


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("Anna", "skinprogress forget Anna -o OUT"),
        ("O'Neil; rm -rf ~", "skinprogress forget 'O'\"'\"'Neil; rm -rf ~' -o OUT"),
        ("-x", "skinprogress forget -o OUT -- -x"),
    ],
)
def test_the_command_to_forget_means_the_client_and_nothing_else(name: str, command: str) -> None:
    assert forget_command(name) == command
