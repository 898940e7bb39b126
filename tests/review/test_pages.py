"""The queues and what is decided in them, through the page's own forms."""

import gc
import re
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dedupe.errors import DedupeError
from dedupe.review import deciding, desk, rendering
from dedupe.review.doubts import REASONS


@pytest.fixture
def page(opened: Callable[..., Any], output: Path) -> Any:
    return opened(output)


def acts(page: Any) -> list[str]:
    return [batch.act for batch in page.desk.decisions.batches()]


def members(page: Any, cluster: str) -> list[str]:
    catalog = page.desk.catalog
    found: list[str] = catalog.identities(catalog.members(catalog.place(cluster)))
    return found


def test_the_queue_begins_with_what_most_needs_eyes(page: Any) -> None:
    listed = page.clusters()
    scores = [page.desk.queue._doubts.score[page.desk.catalog.place(cluster)] for cluster in listed]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 1
    text = page.get("/clusters")
    for reason in REASONS:
        count = re.search(rf'title="{re.escape(reason.words)}">{reason.name} <span class="n">(\d+)', text)
        shown = len(page.clusters(f"?reason={reason.name}"))
        assert shown == (int(count[1]) if count else 0)


def test_filters_stand_in_the_address_and_count_beside_each_other(page: Any) -> None:
    whole = page.clusters()
    assert set(page.clusters("?size=2")) < set(whole)
    assert page.clusters("?size=1&state=all")
    found = page.clusters("?q=THE+GLACIER")
    assert found
    assert all("glacier" in page.get(f"/cluster/{cluster}").lower() for cluster in found)
    both = page.clusters("?q=the+glacier&size=2")
    assert set(both) == set(found) & set(page.clusters("?size=2"))
    assert page.clusters("?q=nobody+ever+wrote+this") == []
    assert page.clusters("?reason=nonsense") == []


def test_a_cluster_shows_its_members_why_and_the_difference(page: Any) -> None:
    cluster = next(one for one in page.clusters() if len(members(page, one)) == 4)
    text = page.get(f"/cluster/{cluster}")
    assert text.count("<tr data-article=") == 4
    assert "shingles shared" in text
    assert text.count('class="node') == 4
    assert "<del data-stop" in text
    assert "<ins data-stop" in text
    assert "equal words</summary>" in text
    other = members(page, cluster)[1]
    compared = page.get(f"/cluster/{cluster}?with={other}")
    assert f'name="compared" value="{other}"' in compared
    # Without scripts every member can be reached by its link, and every act is a button of a form.
    assert f'href="/cluster/{cluster}?with={other}"' in text
    for act in ("accept", "not_duplicates", "split", "make_canonical", "skip"):
        assert re.search(rf'<button form="decide" name="act" value="{act}" data-key="\w"', text)


def test_large_clusters_are_paged(page: Any) -> None:
    cluster = max(page.clusters("?state=all"), key=lambda one: len(members(page, one)))
    known = members(page, cluster)
    assert len(known) > 100
    first, second = (page.get(f"/cluster/{cluster}?members={number}") for number in (1, 2))
    shown = re.findall(r'<tr data-article="(\w+)"', first), re.findall(r'<tr data-article="(\w+)"', second)
    assert shown == (known[:100], known[100:200])
    assert "more are not drawn" in first


def test_residue_is_greyed_and_named(page: Any) -> None:
    cluster = next(iter(page.clusters("?state=all&size=several&q=Case+0:")))
    text = "".join(page.get(f"/cluster/{cluster}?with={one}") for one in members(page, cluster)[1:])
    assert re.search(r'class="repair residue"[^>]*title="comment-prompts">\s*<del class="was">\nLeave a Comment</del>', text)


def test_accepting_leads_to_the_next_and_takes_the_cluster_off_the_queue(page: Any) -> None:
    first, second, *_ = before = page.clusters()
    after = page.press(page.get(f"/cluster/{first}"), f"/cluster/{first}/decide", act="accept")
    assert f'action="/cluster/{second}/decide"' in after
    assert "Accepted" in after
    assert page.clusters() == [one for one in before if one != first]
    assert page.clusters("?state=decided") == [first]
    assert "Decided: accepted by" in page.get(f"/cluster/{first}")
    # Back again by one undo.
    page.press(after, "/undo", batch="1")
    assert page.clusters() == before
    assert acts(page) == ["accept", "undo"]


def test_skipping_puts_a_cluster_last(page: Any) -> None:
    first, *rest = page.clusters()
    page.press(page.get(f"/cluster/{first}"), f"/cluster/{first}/decide", act="skip")
    assert page.clusters() == [*rest, first]


def test_splitting_takes_some_and_not_all(page: Any) -> None:
    cluster = next(one for one in page.clusters() if len(members(page, one)) == 4)
    ticked = members(page, cluster)[2:]
    shown = page.get(f"/cluster/{cluster}")
    assert "Split takes some" in page.press(shown, f"/cluster/{cluster}/decide", act="split")
    assert "Split takes some" in page.press(shown, f"/cluster/{cluster}/decide", act="split", ticked=members(page, cluster))
    assert acts(page) == []
    page.press(shown, f"/cluster/{cluster}/decide", act="split", ticked=[*ticked, "0" * 32])
    (batch,) = page.desk.decisions.batches()
    assert batch.facts[0].groups == (tuple(ticked), tuple(members(page, cluster)[:2]))
    assert cluster not in page.clusters()


def test_not_duplicates_and_another_canonical(page: Any) -> None:
    one, other = page.clusters()[:2]
    page.press(page.get(f"/cluster/{one}"), f"/cluster/{one}/decide", act="not_duplicates")
    chosen = members(page, other)[-1]
    page.press(page.get(f"/cluster/{other}?with={chosen}"), f"/cluster/{other}/decide", act="make_canonical")
    first, second = page.desk.decisions.batches()
    assert first.facts[0].groups == tuple((article,) for article in members(page, one))
    assert second.facts[0].groups == ((chosen,), tuple(members(page, other)))


def test_merging_with_what_a_search_finds(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = page.clusters()[:2]
    title = page.desk.catalog.describe(page.desk.catalog.members(page.desk.catalog.place(other))[:1])[0]["title"]
    text = page.get(f"/cluster/{one}/merge?q={title}")
    assert re.search(rf'<input type="checkbox" name="with" value="{other}"', text)
    assert "Nothing is chosen" in page.press(text, f"/cluster/{one}/merge")
    assert ": the first 30 of" not in text
    monkeypatch.setattr(deciding, "_CANDIDATES", 3)
    many = page.get(f"/cluster/{one}/merge?q=the")
    assert many.count('name="with"') == 3
    assert ": the first 3 of" in many
    page.press(text, f"/cluster/{one}/merge", **{"with": other})
    (batch,) = page.desk.decisions.batches()
    assert set(batch.facts[0].articles) == {*members(page, one), *members(page, other)}
    # The next run makes them one; until then neither is asked about again.
    assert page.clusters("?state=again") == []
    assert {one, other} == {*page.clusters("?state=decided")}


def test_a_bulk_accept_is_previewed_counted_and_undone_at_once(page: Any) -> None:
    before = page.clusters()
    few = page.clusters("?size=2")
    text = page.get("/bulk?size=2")
    assert f"Accept {len(few)} clusters, {2 * len(few)} articles?" in text
    # What was asked about is what is accepted: not what has come since.
    page.press(page.get(f"/cluster/{few[0]}"), f"/cluster/{few[0]}/decide", act="skip")
    page.press(page.get(f"/cluster/{few[1]}"), f"/cluster/{few[1]}/decide", act="accept")
    assert "Look at the preview again" in page.press(text, "/bulk")
    assert acts(page) == ["skip", "accept"]
    page.press(page.get("/bulk?size=2"), "/bulk")
    assert set(page.clusters()) == set(before) - set(few)
    batch = page.desk.decisions.batches()[-1]
    assert batch.bulk
    assert len(batch.facts) == len(few) - 1
    page.press(page.get("/clusters"), "/undo", batch=str(batch.batch_id))
    assert set(page.clusters()) == set(before) - {few[1]}


def test_a_form_about_a_cluster_that_has_changed_is_refused(page: Any) -> None:
    cluster = page.clusters()[0]
    assert "has changed" in page.press(
        page.get(f"/cluster/{cluster}"), f"/cluster/{cluster}/decide", act="accept", digest="0" * 32
    )
    assert acts(page) == []


@pytest.fixture
def seeds_page(opened: Callable[..., Any], seeds_output: Path, tmp_path: Path) -> Any:
    return opened(Path(shutil.copytree(seeds_output, tmp_path / "seeds-out")))


def test_repairs_of_spun_text_stand_in_order_of_doubt_and_can_be_undone(seeds_page: Any) -> None:
    page = seeds_page
    text = page.get("/repairs")
    sure = [float(one) for one in re.findall(r'title="how sure the rule is">.*?</svg> (\d\.\d\d)', text)]
    assert len(sure) == 20
    assert sure == sorted(sure)
    # The same words were put in at several places: only the one that is pressed is refused.
    edits = page.desk.catalog.spun_edits.to_pylist()
    words = [(edit["before"], edit["after"]) for edit in edits]
    edit = next(edit for edit, said in zip(edits, words, strict=True) if words.count(said) > 1)
    page.client.post("/repairs/undo", data={"article": edit["article_id"], "seq": str(edit["seq"]), "next": "/repairs"})
    after = "".join(page.get(f"/repairs?page={number}") for number in range(1, 12))
    assert "Repair undone" in after
    assert after.count("refused by") == 1
    (batch,) = page.desk.decisions.batches()
    assert batch.facts[0].articles == (edit["article_id"],)
    assert batch.facts[0].details["before"] == edit["before"]


def test_an_audit_is_drawn_judged_blind_and_counted(page: Any) -> None:
    text = page.get("/audit?size=5&seed=3")
    assert "0 of 5 judged" in text
    assert "Nothing is judged yet" in text
    shown = page.get("/audit/edge?size=5&seed=3&at=1")
    assert "Jaccard" not in shown
    for answer in ("same", "same", "different", "same", "same"):
        shown = page.press(shown, "/audit/edge", act=answer)
    assert "5 of 5 judged" in shown
    assert (shown.count("Audited: the same"), shown.count("Audited: different")) == (8, 2)
    assert "All are judged" in shown
    assert re.search(r'<th scope="row">all</th><td class="num">5</td><td class="num">4</td><td class="num">80.0 %</td>', shown)
    # Another seed is another sample, and the same seed the same.
    assert "5 of 5 judged" in page.get("/audit?size=5&seed=3")
    assert page.desk.sample(5, 3) != page.desk.sample(5, 4)


def test_an_audited_edge_opens_no_cluster_that_it_does_not_make(page: Any) -> None:
    # Of the two articles of one cluster everything is said, of those of a larger one nothing.
    catalog = page.desk.catalog
    seed = next(seed for seed in range(99) if catalog.sizes[catalog.cluster[page.desk.sample(9, seed)]].min() == 2)
    shown = page.get(f"/audit/edge?size=9&seed={seed}&at=1")
    for _ in range(9):
        shown = page.press(shown, "/audit/edge", act="same")
    assert page.clusters("?state=again") == []
    audited = {article for batch in page.desk.decisions.batches() for article in batch.facts[0].articles}
    decided = page.clusters("?state=decided")
    assert any(len(members(page, cluster)) > 2 and audited & {*members(page, cluster)} for cluster in page.clusters())
    assert decided
    assert all(audited.issuperset(members(page, cluster)) for cluster in decided)


def test_stories_show_what_ties_their_articles(seeds_page: Any) -> None:
    page = seeds_page
    story = re.search(r'href="(/story/\w+)"', page.get("/stories"))
    assert story
    text = page.get(story[1])
    assert "articles on one event" in text
    pair = re.search(r'href="(/pair/\w+/\w+)"', text)
    assert pair
    shown = page.get(pair[1])
    assert "story" in shown
    page.press(shown, pair[1] + "/decide", act="merge")
    assert acts(page) == ["merge"]


def test_stories_are_looked_at_one_after_the_other_and_merged(seeds_page: Any) -> None:
    page = seeds_page
    story = re.search(r'href="/story/(s\w+)"', page.get("/stories"))
    assert story
    path = f"/story/{story[1]}"
    text = page.get(path)
    told = re.findall(r'name="ticked" value="(\w+)"', text)
    assert f"<h1>{len(told)} articles on one event</h1>" in text
    assert "Merging takes two" in page.press(text, path, act="merge", ticked=told[:1])
    assert "has changed" in page.press(text, path, act="skip", digest="0" * 32)
    assert "nothing that one can do" in page.press(text, path, act="accept")
    assert acts(page) == []
    after = page.press(text, path, act="skip")
    assert f'href="{path}"' not in page.get("/stories").partition('id="results"')[2].partition("</main>")[0]
    assert f'href="{path}"' in page.get("/stories?state=seen")
    assert "Looked at. It comes back" in page.get(path)
    assert re.search(r'href="/stories"[^>]*>Stories <span class="n">0<', after)
    # A story passed over says nothing of the clusters in it.
    assert not page.desk.progress().skipped.any()
    page.press(after, "/undo", batch="1")
    page.press(page.get(path), path, act="merge", ticked=told[:2])
    assert acts(page) == ["skip", "undo", "merge"]
    assert set(page.desk.decisions.batches()[-1].facts[0].articles) == {*told[:2]}
    figures = page.get("/audit")
    assert re.search(r'<th scope="row">stories</th><td class="num">0</td><td class="num">1</td><td class="num">0</td>', figures)


def test_an_article_without_a_title_is_named_by_how_it_begins(opened: Callable[..., Any], tmp_path: Path) -> None:
    from corpora import paragraphs, random, written

    from dedupe.job import clean

    text = "\n\n".join(paragraphs(random.Random(1), "harbour"))
    rows = [{"text": f"{text} {ending}"} for ending in ("it rained.", "it snowed.")] + [{"title": "A title", "text": "Short."}]
    clean([written(tmp_path / "in.jsonl", rows)], tmp_path / "out", workers=1)
    page = opened(tmp_path / "out")
    (begun,) = re.findall(r'class="opening">(.*?) …<', page.get("/clusters").partition('id="results"')[2])
    assert text.replace("\n\n", " ").startswith(begun + " ")
    assert 70 < len(begun) <= 100
    (cluster,) = page.clusters()
    assert f"<title>{begun[:50]}" in page.get(f"/cluster/{cluster}")
    assert page.desk.catalog.articles["opening"].null_count == 1


def test_a_pair_that_is_settled_leaves_the_queue(page: Any) -> None:
    desk = page.desk
    # Two clusters that an edge ties stand for a flagged pair here: the corpus has none of its own.
    ends = [members(page, cluster)[0] for cluster in page.clusters()[:2]]
    shown = page.get(f"/pair/{ends[0]}/{ends[1]}")
    assert "There is no edge between these two" in shown
    page.press(shown, f"/pair/{ends[0]}/{ends[1]}/decide", act="not_duplicates")
    assert desk.decisions.batches()[0].facts[0].kind == "cannot_link"
    inside = members(page, page.clusters("?state=all")[0])[:2]
    assert "one cluster" in page.get(f"/pair/{inside[0]}/{inside[1]}")


def known(page: Any) -> dict[str, Any]:
    progress = page.desk.progress()
    return {
        **{name: getattr(progress, name).tolist() for name in ("states", "skipped", "pairs", "seen")},
        "verdicts": {place: (verdict.state, verdict.by.who) for place, verdict in progress.verdicts.items()},
        "refused": [(one.article, dict(one.details)) for one in progress.standing.refused],
        "recent": [(one.batch_id, one.act, one.who, one.queue, one.standing, one.facts) for one in progress.recent],
        "judged": progress.judged,
        "tallies": progress.tallies,
    }


def test_decisions_taken_in_by_themselves_are_as_if_all_were_gone_through(
    opened: Callable[..., Any], output: Path, seeds_output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, seeds = opened(output), opened(Path(shutil.copytree(seeds_output, tmp_path / "seeds-out")))
    story = "/story/" + str(seeds.desk.catalog.stories["story_id"][0])
    page.get("/clusters")
    seeds.get("/clusters")
    monkeypatch.setattr(desk, "_MANY", 0)
    computed = desk.Desk._computed
    monkeypatch.setattr(desk.Desk, "_computed", forbidden)
    one, two, three, four = page.clusters()[:4]

    def decide(cluster: str, **fields: Any) -> None:
        page.press(page.get(f"/cluster/{cluster}"), f"/cluster/{cluster}/decide", **fields)

    steps: list[tuple[Any, Callable[[], object]]] = [
        (page, lambda: decide(one, act="accept")),
        (page, lambda: page.press(page.get("/clusters"), "/undo", batch="1")),
        (page, lambda: decide(one, act="not_duplicates")),
        (page, lambda: decide(two, act="skip")),
        (page, lambda: decide(three, act="split", ticked=members(page, three)[:1])),
        (page, lambda: page.press(page.get("/audit/edge?size=9&seed=3&at=1"), "/audit/edge", act="same")),
        (page, lambda: page.press(page.get("/audit/edge?size=9&seed=3&at=1"), "/audit/edge", act="different")),
        (page, lambda: decide(four, act="make_canonical", compared=members(page, four)[1])),
        (page, lambda: page.press(page.get("/bulk?size=2"), "/bulk")),
        (page, lambda: page.client.post("/undo", data={"next": "/clusters"})),
        (seeds, lambda: seeds.press(seeds.get("/repairs"), "/repairs/undo")),
        (seeds, lambda: seeds.press(seeds.get(story), story, act="skip")),
    ]
    for looked_at, step in steps:
        step()
        found = known(looked_at)
        again = opened(looked_at.desk.output.folder)
        with monkeypatch.context() as whole:
            whole.setattr(desk.Desk, "_computed", computed)
            assert found == known(again)
    assert acts(page) == "accept undo not_duplicates skip split audit audit make_canonical accept undo".split()
    assert acts(seeds) == ["undo_repair", "skip"]


def forbidden(*_: object) -> None:
    raise AssertionError("all decisions were gone through")


def test_two_reviewers_are_told_of_their_conflict(opened: Callable[..., Any], output: Path) -> None:
    ada, ben = opened(output, "Ada"), opened(output, "Ben")
    cluster = ada.clusters()[0]
    ada.press(ada.get(f"/cluster/{cluster}"), f"/cluster/{cluster}/decide", act="accept")
    ben.press(ben.get(f"/cluster/{cluster}"), f"/cluster/{cluster}/decide", act="not_duplicates")
    text = ada.get("/conflicts")
    assert "Ada" in text
    assert "Ben" in text
    assert 'href="/conflicts"' in ada.get("/clusters")
    assert cluster in ada.clusters("?state=again")
    # Whoever has thought better of it takes it back there.
    after = ada.press(text, "/undo")
    assert "No decisions contradict one another" in after


def test_a_new_run_is_seen_without_a_restart(page: Any, output: Path) -> None:
    assert "A new run was published" not in page.get("/clusters")
    (output / "manifest.json").touch()
    assert "A new run was published" in page.get("/clusters")
    assert "A new run was published" not in page.get("/clusters")


def test_an_output_that_is_taken_away_is_said(page: Any, output: Path) -> None:
    shutil.move(output, output.with_name("elsewhere"))
    answer = page.client.get("/clusters")
    assert answer.status_code == 503
    assert "holds no output" in answer.text
    shutil.move(output.with_name("elsewhere"), output)
    assert page.client.get("/clusters").status_code == 200


def test_a_table_that_is_damaged_under_the_page_is_said(opened: Callable[..., Any], output: Path) -> None:
    page = opened(output)
    cluster = page.clusters()[0]
    corpus = output / "corpus.parquet"
    whole = corpus.read_bytes()
    pages, _ = page.desk.catalog.texts._groups._excerpts._pages(0, "text")
    for harm in (b"\xff", b"\x00"):
        with open(corpus, "r+b") as file:
            file.seek(pages[0].begin)
            file.write(harm * (pages[0].end - pages[0].begin))
        answer = opened(output).client.get(f"/cluster/{cluster}")
        assert answer.status_code == 409
        assert "corpus.parquet" in answer.text
        corpus.write_bytes(whole)
    assert opened(output).client.get(f"/cluster/{cluster}").status_code == 200


def test_an_output_without_articles_is_shown(opened: Callable[..., Any], tmp_path: Path) -> None:
    from dedupe.job import clean

    (tmp_path / "in.jsonl").write_text('{"text": ""}\n')
    clean([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    page = opened(tmp_path / "out")
    for path in (
        "/clusters",
        "/clusters?size=1",
        "/clusters?q=x",
        "/updates?q=x",
        "/stories?q=x",
        "/repairs?q=x",
        "/audit",
        "/bulk",
    ):
        page.get(path)
    assert "there is nothing to audit" in page.get("/audit")
    assert "No article here has a copy" in page.get("/clusters")
    assert "No two articles are alike but for a fact" in page.get("/updates")
    assert "No pair here holds these words" in page.get("/updates?q=x")
    assert "No story is left to look at" in page.get("/stories")


def test_the_decision_queue_of_no_clusters_says_what_is_next(opened: Callable[..., Any], output: Path) -> None:
    page = opened(output)
    page.press(page.get("/bulk"), "/bulk")
    assert "Nothing is left to decide here" in page.get("/clusters")
    assert "Nothing to accept" in page.get("/bulk")


def test_the_keys_are_those_of_the_buttons_and_of_the_document(page: Any) -> None:
    listed = re.findall(r"<dt>(.*?)</dt>", page.get("/keys").partition("<dialog")[0])
    keys = {key for entry in listed for key in re.findall(r"<kbd>(.*?)</kbd>", entry)}
    document = (Path(__file__).parents[2] / "docs" / "review.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ((?:`\S+` ?)+) \|", document.partition("### Keys")[2], re.M)
    assert keys == {key for entry in table for key in re.findall(r"`(\S+?)`", entry)}
    templates = Path(rendering.__file__).parent / "templates"
    buttons = {
        key for path in templates.glob("*.html") for key in re.findall(r'data-key="(.)"', path.read_text(encoding="utf-8"))
    }
    script = (templates.parent / "static" / "review.js").read_text(encoding="utf-8")
    handled = set(re.findall(r"(\w+): ", script.partition("const special = {")[2].partition("}")[0]))
    assert buttons | {"n", "p", "t", "r"} | {"Enter", "↓", "↑"} == keys
    assert handled == {"n", "p", "t", "r", "ArrowDown", "ArrowUp"}


def test_there_must_be_an_output(tmp_path: Path) -> None:
    from dedupe.review.server import serve

    with pytest.raises(DedupeError) as error:
        serve(tmp_path, browser=False)
    assert error.value.exit_status == 2
    assert not list(tmp_path.iterdir())


def test_a_port_in_use_is_an_error_for_people(output: Path) -> None:
    import socket

    from dedupe.review.server import serve

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(DedupeError, match="cannot be used"):
            serve(output, port=other.getsockname()[1], browser=False)


def test_a_desk_goes_with_its_output(page: Any, output: Path) -> None:
    # What was there at the start is kept from the garbage collector: a ring of references would hold the old files for good.
    page.get(f"/cluster/{page.clusters()[0]}")
    page.get("/audit")
    gc.disable()
    try:
        gone = weakref.ref(page.desk)
        texts = weakref.ref(page.desk.catalog.texts._groups._excerpts)
        (output / "manifest.json").touch()
        page.get("/keys")
        assert gone() is None
        assert texts() is None
    finally:
        gc.enable()
