import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

TOKEN = "the-token-of-the-tests"
PORT = 8765


@pytest.fixture(scope="session")
def hostile_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of articles that mean harm, shown as they came: nothing is repaired."""
    from corpora import hostile, written

    from dedupe.config import Config
    from dedupe.job import clean

    folder = tmp_path_factory.mktemp("hostile")
    clean([written(folder / "in.jsonl", hostile())], folder / "out", Config(clean=False, stories=False), workers=1)
    return folder / "out"


@pytest.fixture(scope="session")
def plain_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of a few clusters, with a scraper's residue, and a large cluster among them."""
    from corpora import family, generated, random, written

    from dedupe.job import clean

    folder = tmp_path_factory.mktemp("plain")
    rows = generated(12)
    rows[0]["text"] += "\n\nLeave a Comment"
    rows += family(random.Random(3), 900, 140)
    clean([written(folder / "in.jsonl", rows)], folder / "out", workers=1)
    return folder / "out"


@pytest.fixture(scope="session")
def seeds_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the five articles that the project ships: a story, a spun article, no duplicates."""
    from dedupe.job import clean

    folder = tmp_path_factory.mktemp("seeds")
    clean([Path(__file__).parents[2] / "seeds"], folder / "out", workers=1)
    return folder / "out"


@pytest.fixture
def output(plain_output: Path, tmp_path: Path) -> Path:
    """The plain output, for one test alone: decisions are kept beside it."""
    return Path(shutil.copytree(plain_output, tmp_path / "out"))


@pytest.fixture(scope="session")
def opened() -> Callable[..., "Page"]:
    """Open the review of an output, as a browser that holds the token."""

    def start(folder: Path, who: str = "Ada") -> Page:
        from starlette.testclient import TestClient

        from dedupe.review.app import Room, make_app

        room = Room(folder, who)
        client = TestClient(make_app(room, TOKEN, PORT), base_url=f"http://127.0.0.1:{PORT}", follow_redirects=True)
        client.headers["origin"] = f"http://127.0.0.1:{PORT}"
        assert client.get("/", params={"token": TOKEN}).status_code == 200
        return Page(client, room)

    return start


class Page:
    """Look at pages and press their buttons."""

    def __init__(self, client, room) -> None:  # type: ignore[no-untyped-def]
        self.client, self.room = client, room

    @property
    def desk(self):  # type: ignore[no-untyped-def]
        return self.room.desk()[0]

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[-300:])
        return str(answer.text)

    def press(self, page: str, action: str, **fields: str | list[str]) -> str:
        """Send the form of a page whose address is `action`, with its hidden fields and those given."""
        form = next(
            found
            for found in re.findall(r"<form.*?</form>", page, re.S)
            if 'method="post"' in found and f'action="{action}' in found
        )
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        hidden |= dict(re.findall(r'<input type="hidden" form="decide" name="(\w+)" value="([^"]*)"', page))
        address = re.search(r'action="([^"]*)"', form)
        assert address
        answer = self.client.post(
            address[1].replace("&amp;", "&"), data={name: str(v).replace("&amp;", "&") for name, v in hidden.items()} | fields
        )
        assert answer.status_code in (200, 409), (answer.status_code, answer.text[:300])
        return str(answer.text)

    def clusters(self, query: str = "") -> list[str]:
        """The IDs of the clusters that a page of the queue lists, in its order."""
        listed = self.get(f"/clusters{query}").partition('<ol class="list"')[2].partition("</ol>")[0]
        return re.findall(r'href="/cluster/(c[0-9a-f]+)', listed)
