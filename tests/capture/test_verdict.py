"""The verdict on a capture: a pure function of its inventory and its exchanges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.inventory import Ending, Inventory
from archiver.capture.verdict import WHOLE, Statement, at_best, by_mirror, stop_reason, verdict
from archiver.recorder.exchange import ExchangeDone
from spiders.link_forms import Form, Target
from spiders.platform import ONE_POST, Needed, Promise
from spiders.posts import Census, Outcome

CAPTURED, PARTIAL, SKIPPED = Outcome.CAPTURED, Outcome.PARTIAL, Outcome.SKIPPED
FAILED, BLOCKED, REFUSED, UNAVAILABLE = Outcome.FAILED, Outcome.BLOCKED, Outcome.REFUSED, Outcome.UNAVAILABLE
PROMISE = Promise(first_tags=("embed", "page"))
READ = Statement(answer=(CAPTURED, None))


class Lines(list[dict[str, Any]]):
    """An inventory's file that is a list."""

    def inventory(self, line: dict[str, Any], /) -> None:
        self.append(line)


def inventory(
    posts: dict[str, Ending] | None = None,
    required: dict[str, Ending] | None = None,
    files: dict[str, Ending] | None = None,
) -> Inventory:
    """One that is about `posts`, not whole without `required`, with `files` of its pages."""
    made = Inventory(Lines())
    for key, ending in {**(posts or {}), **(required or {}), **(files or {})}.items():
        made.discover(key, "thing", None, None)
        made.end(key, *ending)
    made.subjects += posts or {}
    for key in required or {}:
        made.require(key)
    return made


def judged(
    things: Inventory, statement: Statement = READ, stop: Ending | None = None, **by_tag: ExchangeDone
) -> tuple[str, str | None]:
    outcome, reason = verdict(things, by_tag, statement, stop, PROMISE)
    return str(outcome), reason


WHOLE_POST = {"post a/1": (CAPTURED, None)}


@pytest.mark.parametrize(
    ("things", "said"),
    [
        (inventory(), ("captured", None)),
        (inventory(WHOLE_POST), ("captured", None)),
        (inventory({"post a/1": (SKIPPED, "by a rule")}), ("captured", None)),
        (inventory({"post a/1": (PARTIAL, "no film")}), ("partial", "no film")),
        (
            inventory({**WHOLE_POST, "post a/2": (PARTIAL, "no film"), "post a/3": (FAILED, "no sound")}),
            ("partial", "2 of 3 posts incomplete: no film"),
        ),
        (
            inventory({"post a/1": (PARTIAL, "no film")}, {"comments": (BLOCKED, "rate limit")}),
            ("partial", "a page of it: rate limit"),
        ),
        (inventory(WHOLE_POST, {"comments": (SKIPPED, "there are none")}), ("captured", None)),
        (
            inventory(WHOLE_POST, files={"requisite a": (FAILED, "reset"), "requisite b": (REFUSED, "forbidden")}),
            ("partial", "1 files of the page not kept: reset"),
        ),
        (inventory(WHOLE_POST, files={"requisite b": (UNAVAILABLE, "not found")}), ("captured", None)),
        (inventory(WHOLE_POST, files={"preview": (FAILED, "reset")}), ("captured", None)),
    ],
)
def test_what_is_missing_of_a_target_that_is_there(things: Inventory, said: tuple[str, str | None]) -> None:
    assert judged(things) == said


@pytest.mark.parametrize("need", [Needed.POST, Needed.FILES, Needed.PARTS, Needed.COUNTS, Needed.SHOWN_WITH])
def test_what_a_link_does_not_promise_is_not_missed(need: Needed) -> None:
    """Each need is looked at where the kind of the link has it, and only there."""
    bad = (PARTIAL, "x")
    things = {
        Needed.POST: inventory(), Needed.FILES: inventory({"post a/1": bad}), Needed.PARTS: inventory(WHOLE_POST, {"comments": bad}),
        Needed.COUNTS: inventory(WHOLE_POST), Needed.SHOWN_WITH: inventory(WHOLE_POST, files={"requisite a": bad}),
    }[need]  # fmt: skip
    if need is Needed.COUNTS:
        things.census([Census("posts", 3, 1)], "page 1")
    assert verdict(things, {}, READ, None, PROMISE, [need])[0] is PARTIAL
    others = [one for one in Needed if one is not need]
    said = verdict(things, {}, READ, None, PROMISE, others)
    assert said == (CAPTURED, None) or (need is Needed.POST and said[0] is CAPTURED)


def test_an_answer_without_the_post_is_not_the_post() -> None:
    """A server said 200, and nothing went wrong: what the link names is not there."""
    said = verdict(inventory(), {}, READ, None, PROMISE, ONE_POST)
    assert said == (PARTIAL, "the answer was read, and the post that the link names is not in it")


def test_a_required_part_without_an_outcome_is_not_whole() -> None:
    things = inventory(WHOLE_POST)
    things.require("comments")
    assert judged(things) == ("partial", "a page of it: ended without an outcome")


def test_counts_that_do_not_agree() -> None:
    things = inventory(WHOLE_POST)
    things.census([Census("posts", 3, 1), Census("films", 1, 1)], "page 1")
    assert judged(things) == ("partial", "counts differ: posts: 3 in the bytes, 1 read (page 1)")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (Statement((UNAVAILABLE, "gone")), ("unavailable", "gone")),
        (Statement((UNAVAILABLE, "gone"), (REFUSED, "login wall")), ("refused", "login wall")),
        (Statement((CAPTURED, None), (PARTIAL, "only the head")), ("partial", "only the head")),
        (Statement(None, (BLOCKED, "not asked")), ("blocked", "not asked")),
    ],
)
def test_what_was_said_of_the_target_itself(statement: Statement, said: tuple[str, str | None]) -> None:
    assert judged(inventory(WHOLE_POST), statement) == said


def test_a_conclusion_that_all_is_there_does_not_make_it_whole() -> None:
    things = inventory({"post a/1": (PARTIAL, "no film")})
    assert judged(things, Statement(None, (CAPTURED, None))) == ("partial", "no film")


def test_a_fault_of_ours_weighs_more_than_what_was_said() -> None:
    things = inventory(WHOLE_POST)
    things.fault("ValueError: bad")
    things.fault("our parser failed: KeyError on https://a.example/")
    assert judged(things, Statement((UNAVAILABLE, "gone"))) == ("partial", "a fault of ours: ValueError: bad")


@pytest.mark.parametrize(
    ("exchange", "said"),
    [
        (ExchangeDone("page", "https://a.example/", 404), ("unavailable", "not found (HTTP 404)")),
        (ExchangeDone("page", "https://a.example/", 200), ("partial", "the answer was recorded but could not be read")),
        (
            ExchangeDone("page", "https://a.example/", 302),
            ("failed", "more than ten redirects, or a redirect that leads nowhere"),
        ),
        (
            ExchangeDone("page", "ftp://a.example/", None, problem="unsupported link"),
            ("failed", "a link that cannot be asked for"),
        ),
        (
            ExchangeDone("page", "https://a.example/", None, problem="name not found"),
            ("failed", "no site was found under this name"),
        ),
    ],
)
def test_where_no_answer_was_read_the_exchange_says_why(exchange: ExchangeDone, said: tuple[str, str | None]) -> None:
    assert judged(inventory(), Statement(), page=exchange) == said
    assert judged(inventory(), Statement(), other=exchange) == ("failed", "no request was answered")


def test_the_most_telling_request_counts() -> None:
    by_tag = {
        "page": ExchangeDone("page", "https://a.example/", 403),
        "embed": ExchangeDone("embed", "https://a.example/1", 404),
    }
    assert judged(inventory(), Statement(), **by_tag) == ("unavailable", "not found (HTTP 404)")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((False, None, None, 0), None),
        ((True, "full", "limit", 3), (PARTIAL, "interrupted by the person")),
        ((False, "no space", "limit", 3), (PARTIAL, "the disk failed: no space")),
        ((False, None, "capture limit reached", 3), (PARTIAL, "capture limit reached")),
        ((False, None, "capture limit reached", 0), (FAILED, "capture limit reached")),
    ],
)
def test_what_stopped_a_capture(arguments: tuple[bool, str | None, str | None, int], said: Ending | None) -> None:
    assert stop_reason(*arguments) == said


ENDINGS = st.tuples(st.sampled_from(list(Outcome)), st.none() | st.text(max_size=5))
KEYED = st.dictionaries(st.sampled_from([f"post a/{n}" for n in range(6)]), ENDINGS)
PARTS = st.dictionaries(st.sampled_from(["comments", "page 2", "topics"]), ENDINGS)


@given(
    posts=KEYED, required=PARTS, answer=st.none() | ENDINGS, conclusion=st.none() | ENDINGS,
    stop=st.none() | ENDINGS.filter(lambda ending: ending[0] is not CAPTURED), faults=st.lists(st.text(max_size=5), max_size=2),
    agrees=st.booleans(),
)  # fmt: skip
def test_captured_is_never_said_where_a_required_thing_is_not_whole(
    posts: dict[str, Ending],
    required: dict[str, Ending],
    answer: Ending | None,
    conclusion: Ending | None,
    stop: Ending | None,
    faults: list[str],
    agrees: bool,
) -> None:
    things = inventory(posts, required)
    for fault in faults:
        things.fault(fault)
    things.census([Census("posts", 1, 1 if agrees else 2)], "page")
    outcome, _ = verdict(things, {}, Statement(answer, conclusion), stop, PROMISE)
    if outcome is CAPTURED:
        assert all(how in WHOLE for how, _ in (*posts.values(), *required.values()))
        assert stop is None
        assert not faults
        assert agrees
        assert (conclusion or answer or (FAILED, None))[0] is CAPTURED


def test_a_link_is_entered_without_its_password() -> None:
    lines = Lines()
    Inventory(lines).discover("video", "video", "https://user:hunter2@cdn.example/a.mp4", None)
    assert [line["url"] for line in lines] == ["https://withheld@cdn.example/a.mp4"]


# -- the form of the link --------------------------------------------------------------------------------------------


def of_form(form: Form) -> str | None:
    return at_best(Target("x", "page", "https://x.com/a/b/c", "https://x.com/a/b/c", form=form, what="a Space of X"))


def test_every_form_but_the_known_one_has_a_limit_of_its_own() -> None:
    assert of_form(Form.KNOWN) is None
    limits = [of_form(form) for form in Form if form is not Form.KNOWN]
    assert all(limits)
    assert len(set(limits)) == len(limits)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((CAPTURED, None), ("partial", "a page only")),
        ((PARTIAL, "empty body"), ("partial", "a page only; empty body")),
        ((UNAVAILABLE, "gone"), ("unavailable", "gone")),
        ((REFUSED, "login required"), ("refused", "login required")),
        ((BLOCKED, "bot wall"), ("blocked", "bot wall")),
    ],
)
def test_a_limit_bounds_what_is_kept_and_hides_nothing_else(answer: Ending, said: tuple[str, str]) -> None:
    assert judged(inventory(), Statement(answer, None, "a page only")) == said


def test_a_copy_of_a_mirror_never_outdoes_the_original() -> None:
    gone = (UNAVAILABLE, "deleted")
    assert by_mirror(gone, (PARTIAL, "a copy")) == (PARTIAL, "a copy; the original: unavailable, deleted")
    assert by_mirror(gone, (REFUSED, "forbidden")) == (UNAVAILABLE, "deleted; the mirror: refused, forbidden")
    assert by_mirror((BLOCKED, None), (FAILED, "reset")) == (BLOCKED, "blocked; the mirror: failed, reset")
