"""What stands in the place of a page, by its structure and by what it says of itself. Pure and total.

Only a page that has hardly anything to say is looked at: where an article is, its words and its form decide nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult

from lxml import etree

from spiders.availability import absence
from spiders.html import one_line, text_of
from spiders.links import safe_join, safe_split
from spiders.posts import Absence, Availability, Outcome
from spiders.walls.pages import CONSENT_HOSTS, login_wall
from spiders.walls.prose import Piece, pieces, prose
from spiders.walls.wordings import Said, said_by

SHORT = 600
"""A page with more article than this, in characters, says something, whatever its title is."""
_EXPLAINED = 1500
"""Characters in which a wall explains itself, at most."""
HARDLY = 40
"""Characters of text that a page shows while its scripts load: "Loading…", a name."""
NOTE = 300
"""Characters of a page that says one thing only."""
_UNSEEN = frozenset({"script", "style", "noscript", "template", "title", "svg", "select", "option", "textarea"})
_AROUND = frozenset({*_UNSEEN, "nav", "header", "footer", "aside"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_A_HEADLINE = 16
"""Characters of a heading that says what a page is about; the name of a site or a person is mostly shorter."""
_A_BRIEF = 80
"""Characters of the shortest news."""
_CHALLENGE = re.compile(
    r"_cf_chl_opt|/cdn-cgi/challenge-platform/\S*orchestrate|captcha-delivery\.com|_Incapsula_Resource|px-captcha|"
    r"/\.well-known/ddos-guard/|check\.ddos-guard\.net|AwsWafIntegration|awsWafCookieDomainList|/showcaptcha|"
    r"smartcaptcha\.yandexcloud|arkoselabs\.com/fc|/_guard/|arvancloud\S*challenge|"
    r"\"entry_data\"\s*:\s*\{\s*\"Challenge\""
)
_WIDGET = re.compile(r"(?:g-recaptcha|h-captcha|cf-turnstile|smart-captcha|frc-captcha)\b")
_CONSENT_PATH = re.compile(r"/(?:collect-?consent|save-?consent|cookie-?consent|consent)(?:[/?.]|$)", re.IGNORECASE)
_GONE_CLASS = re.compile(
    r"(?:^|\s)(?:error-?404|404-?error|page-?404|err-?404|http-?404|page-?not-?found|not-?found-?page)(?:\s|$)",
    re.IGNORECASE,
)
_GONE_PATH = re.compile(r"(?:error[-_]?)?404(?:\.\w{3,5})?|(?:page[-_]?)?not[-_]?found(?:\.\w{3,5})?", re.IGNORECASE)
_ROOTS = frozenset({
    "root", "app", "__next", "__nuxt", "react-root", "app-root", "main-app", "app-mount", "application", "q-app", "svelte",
    "___gatsby", "ember-app", "mount",
})  # fmt: skip
"""Ids of the element that an app of scripts fills."""
EMPTY_SHELL = "an empty shell of scripts: the page shows nothing without a browser"
EMPTY = "an empty page: no text, no picture and no frame is in it"
UNKNOWN_WORDING = "wording not known"
DOUBT = "perhaps a notice in place of the page"


@dataclass(frozen=True)
class Standing:
    """What stands in the place of a page. `said`: the page's own words, where it has any."""

    outcome: Outcome
    reason: str
    absence: Absence

    @property
    def keeps_post(self) -> bool:
        """Whether what little the page says of the thing is still worth keeping, as a part."""
        return self.reason.startswith((EMPTY_SHELL, EMPTY, UNKNOWN_WORDING, DOUBT))


class Shape:
    """The parts of a page by which it is told what it is."""

    def __init__(self, document: Any, url: str | None, article: str, says_article: bool) -> None:
        """`article`: the text that a finder of articles found; `says_article`: the page says that it is one."""
        self.document, self.url, self.article, self.says_article = document, url, article, says_article

    @cached_property
    def title(self) -> str:
        """The title as it stands in the head."""
        return next((one_line(node) for node in self.document.xpath("//title[not(ancestor::svg)]")), "")

    @cached_property
    def body(self) -> Any:
        """The body, or the whole document where there is none."""
        return next(iter(self.document.xpath("//body")), self.document)

    @cached_property
    def main(self) -> str:
        """The visible text without what stands around it on every page of a site."""
        return text_of(self.body, _AROUND)

    @cached_property
    def visible(self) -> str:
        """All visible text."""
        return text_of(self.body, _UNSEEN)

    @cached_property
    def shows_article(self) -> bool:
        """Whether the article is shown: a finder also takes what stands in `<noscript>`."""
        seen = " ".join(self.visible.split())
        return any(words and words in seen for words in (" ".join(line.split()) for line in self.article.split("\n")))

    @cached_property
    def main_is_empty(self) -> bool:
        """Whether the page marks a part as its main content, and nothing is in it or anywhere but around it."""
        marked = self.body.xpath(".//main | .//*[@role='main'] | .//*[@id='content' or @id='main']")
        return bool(marked) and not self.main and not self.media and len(self.visible) <= SHORT

    @cached_property
    def frames(self) -> list[str]:
        """Links of the frames that the page shows."""
        found = self.document.xpath("//frame[@src] | //iframe[@src][not(ancestor::noscript or ancestor::template)]")
        return [node.get("src") for node in found if not _hidden(node)]

    @cached_property
    def headings(self) -> list[str]:
        """Headings that stand in no article; the smaller ones only where the page says little."""
        levels = "self::h1 or self::h2 or self::h3" if len(self.main) <= SHORT else "self::h1"
        found = self.document.xpath(
            f"//*[{levels}][not(ancestor::article or ancestor::noscript or ancestor::template)]"
        )
        return [text for node in found[:20] if (text := one_line(node))]

    @cached_property
    def is_short(self) -> bool:
        """Whether the page has hardly an article."""
        return len(self.article) <= SHORT

    @cached_property
    def told(self) -> str:
        """The article without its headings: a headline alone tells nothing."""
        found = " ".join(self.article.split())
        for node in self.document.xpath("//h1 | //h2"):
            found = found.replace(one_line(node), "", 1)
        return found.strip()

    @cached_property
    def prose(self) -> str:
        """The main text without links and without teasers of other pages: what the page itself has to say."""
        return prose(self.body, _AROUND)

    @cached_property
    def headline(self) -> str | None:
        """A heading by which the page has a subject of its own; None where it has none, or the heading is a notice."""
        found = self.document.xpath("//*[self::h1 or self::h2][not(ancestor::form or ancestor::noscript)]")
        text = next((text for node in found[:1] if (text := one_line(node))), "")
        return text if len(text) >= _A_HEADLINE and said_by("heading", text) is None else None

    @cached_property
    def is_dated(self) -> bool:
        """Whether the page states a time or an author of what it says, as news do and notices do not."""
        return bool(
            self.document.xpath(
                "//article//time | //*[@itemprop='datePublished' or @itemprop='author' or @rel='author'] | "
                "//meta[@property='article:published_time']"
            )
        )

    @cached_property
    def marks_itself(self) -> bool:
        """Whether the page has the class that themes give their page for what is not found, or an address of that name."""
        last = safe_split(self.url or "").path.rstrip("/").rpartition("/")[2]
        nodes = [self.body, *self.document.xpath("//h1/ancestor-or-self::*[@class or @id]")]
        return bool(_GONE_PATH.fullmatch(last)) or any(
            _GONE_CLASS.search(f"{node.get('class') or ''} {node.get('id') or ''}") for node in nodes
        )

    @cached_property
    def is_noindex(self) -> bool:
        """Whether the page asks not to be indexed."""
        named = "translate(@name, 'ROBTS', 'robts')='robots'"
        return "noindex" in " ".join(str(one) for one in self.document.xpath(f"//meta[{named}]/@content")).lower()

    @cached_property
    def names_front_page(self) -> bool:
        """Whether a page below the front page names that as its own address."""
        named = self.own_canonical
        return named is not None and not named.path.strip("/") and not named.query

    @cached_property
    def own_canonical(self) -> SplitResult | None:
        """The address on the same host that a page below the front page names as its own."""
        link = next((str(one) for one in self.document.xpath("//link[@rel='canonical']/@href")), None)
        if link is None or self.url is None:
            return None
        own, named = safe_split(self.url), safe_split(safe_join(self.url, link) or "")
        is_front = own.path.strip("/") in ("", "index.html", "index.php")
        return None if is_front or own.hostname != named.hostname else named

    @cached_property
    def media(self) -> int:
        """How many pictures, films and frames the page shows. A picture of one pixel is none, nor what moves while it loads."""
        nodes = self.body.xpath(
            ".//*[self::img or self::video or self::audio or self::iframe or self::embed or self::object or self::picture]"
            "[not(ancestor::noscript or ancestor::template or ancestor::picture)]"
            "[not(ancestor-or-self::*[contains(@id,'splash') or contains(@class,'splash') or contains(@id,'loading') or contains(@class,'loading')])]"
        )
        nodes += self.document.xpath("//frame")
        return sum(not _hidden(node) for node in nodes)

    @cached_property
    def scripts(self) -> int:
        """How many scripts the page has, those that only hold data among them."""
        return len(self.document.xpath("//script"))

    @cached_property
    def forms(self) -> list[Any]:
        """Forms that a visitor can fill."""
        return [node for node in self.document.xpath("//form") if not _hidden(node)]


def standing(shape: Shape) -> Standing | None:
    """Return what stands in the place of the page; None where the page itself does."""
    host = (safe_split(shape.url).hostname or "") if shape.url else ""
    if host.startswith(CONSENT_HOSTS):
        return _wall(Outcome.BLOCKED, "consent wall", f" in place of the page ({host})", shape.title)
    if not shape.is_short or (shape.says_article and len(shape.article) > NOTE):
        return _beside_much(shape)
    for look in (
        _challenge,
        _consent_form,
        _worded,
        _login_form,
        _gone_by_class,
        _canonical_elsewhere,
        _shell,
        _unknown,
        _beside_much,
    ):
        if (found := look(shape)) is not None:
            return found
    return None


def _wall(outcome: Outcome, kind: str | None, how: str, said: str | None) -> Standing:
    return Standing(outcome, f"{kind or 'an error'}{how}", absence(kind, said or None))


def _quoted(words: str) -> str:
    """Put a page's own words between marks, cut to what a line holds."""
    return f"“{words[:100]}”"


def _doubt(how: str, said: str | None) -> Standing:
    return Standing(Outcome.PARTIAL, f"{DOUBT}: {how}", Absence(Availability.UNKNOWN, said=said or None))


def _beside_much(shape: Shape) -> Standing | None:
    """A notice above links to other pages, or one that explains itself at length: said twice, or said and marked."""
    title, heading = said_by("title", shape.title), _first_said(shape)
    said, place = (title, "title") if title else (heading, "heading")
    if not (said or shape.marks_itself or shape.names_front_page):
        return None
    little = len(shape.prose) <= SHORT
    if title and heading and title.row.outcome is heading.row.outcome:
        explained = len(shape.article) <= _EXPLAINED and not shape.document.xpath("//article")
        if not shape.says_article and (little or explained):
            return _by(title, place)
        if little or not (shape.says_article or shape.document.xpath("//article")):
            return _doubt(
                f"the page's title and heading are {_quoted(title.words)}, and it has more to say", title.words
            )
    if not little or shape.says_article:
        return None
    if said and said.row.outcome is Outcome.UNAVAILABLE:
        if shape.marks_itself or shape.is_noindex or shape.names_front_page:
            return _by(said, place)
        return _doubt(f"the page's {place} is {_quoted(said.words)}, above links to other pages", said.words)
    if shape.marks_itself:
        return _marked(shape)
    if shape.names_front_page and len(shape.prose) <= NOTE:
        return _front_page(shape)
    return None


def _first_said(shape: Shape) -> Said | None:
    """What a heading at the top says: of the first ones, or of smaller ones where the site's name is the first."""
    for level, other in (("h1", "ancestor::article"), ("h2", "ancestor::article or ancestor::a or .//a")):
        for node in shape.document.xpath(f"//{level}[not({other} or ancestor::noscript or ancestor::template)]")[:3]:
            if (found := said_by("heading", one_line(node))) is not None:
                return found
    return None


def _challenge(shape: Shape) -> Standing | None:
    """Scripts and widgets of services that test whether a person asks."""
    if len(shape.main) > SHORT:
        return None
    source = " ".join(
        f"{node.get('src') or ''} {node.get('id') or ''} {node.text or ''}"
        for node in shape.document.xpath("//script | //iframe | //*[@id='px-captcha'] | //form")
    )
    if _CHALLENGE.search(source):
        return _wall(Outcome.BLOCKED, "bot wall", " in place of the page (scripts of a challenge)", shape.title)
    for form in shape.forms:
        widget = form.xpath(".//*[@class]")
        fields = form.xpath(
            ".//textarea | .//input[not(@type) or @type='text' or @type='email' or @type='password' or @type='search']"
        )
        if not fields and any(_WIDGET.search(node.get("class")) for node in widget):
            return _wall(
                Outcome.BLOCKED,
                "bot wall",
                " in place of the page (a form with a captcha and nothing else)",
                shape.title,
            )
    return None


def _consent_form(shape: Shape) -> Standing | None:
    """A form that sends a consent, on a page that has little else."""
    if len(shape.main) > 4 * SHORT or shape.says_article:
        return None
    for form in shape.forms:
        action = safe_split(safe_join(shape.url or "", form.get("action") or "") or form.get("action") or "")
        asks = (action.hostname or "").startswith(CONSENT_HOSTS) or _CONSENT_PATH.search(action.path)
        if asks and (len(text_of(form, _UNSEEN)) * 2 >= len(shape.main) or len(shape.article) <= NOTE):
            return _wall(
                Outcome.BLOCKED, "consent wall", " in place of the page (a form that asks for consent)", shape.title
            )
    return None


def _worded(shape: Shape) -> Standing | None:
    """Words of the table, where the page speaks for itself."""
    tries = [("title", Piece(shape.title)), *(("heading", Piece(text)) for text in shape.headings)]
    if len(shape.main) <= SHORT and not shape.says_article:
        tries += [("text", piece) for piece in pieces(shape.body, _AROUND | {"article"})]
    said = [(found, place, piece) for place, piece in tries if piece.text and (found := said_by(place, piece.text))]
    # "Error" in a title says less than what a sentence below it says.
    first = next((one for one in said if one[0].row.kind), next(iter(said), None))
    if first is None or _is_around(shape, first[0]):
        return None
    found, place, piece = first
    if place == "title" and _is_brief(shape):
        return (
            None
            if shape.is_dated
            else _doubt(f"the page's title is {_quoted(found.words)}, and so is that of its article", found.words)
        )
    among = not piece.begins or (shape.headline and len(shape.prose) - len(found.words) >= _A_BRIEF)
    if place != "title" and found.row.kind != "needs scripts" and among:
        # A page with a subject of its own may speak of such words: it is not sure whose they are.
        return _doubt(f"{_quoted(found.words)} stands among other text of the page", found.words)
    return _by(found, place)


def _is_brief(shape: Shape) -> bool:
    """Whether the page has an article of some sentences below a heading, be it a short one."""
    for article in shape.document.xpath("//article[.//h1 or .//h2][not(.//input)]"):
        if len(prose(article, _AROUND | _HEADINGS)) >= _A_BRIEF and not shape.marks_itself:
            return True
    return False


def _is_around(shape: Shape, said: Said) -> bool:
    """Whether the words stand beside a picture, a film or a frame that the page is about: "Log in" above an album.

    A film is often put there by scripts: then the head names it.
    """
    film = bool(shape.document.xpath("//meta[@property='og:video' or starts-with(@property, 'og:video:')]"))
    return said.row.kind == "login required" and (shape.media > 3 or film)


def _by(said: Said, place: str) -> Standing:
    row, words = said
    if row.kind == "needs scripts":
        return Standing(Outcome.PARTIAL, EMPTY_SHELL, Absence(Availability.UNKNOWN, said=words))
    where = {"title": "the page's title is", "heading": "the page's heading is", "text": "the page says"}[place]
    return _wall(row.outcome, row.kind, f": {where} {_quoted(words)}", words)


def _login_form(shape: Shape) -> Standing | None:
    """A field for a password, and little else. A page that was asked for as a login page is what was asked for."""
    around = "ancestor::header or ancestor::nav or ancestor::aside or ancestor::footer"  # on every page of a site
    asks = ".//input[translate(@type, 'PASWORD', 'pasword')='password']"
    bare = f"{asks[1:]}[not(ancestor::form)]"  # scripts send what is typed there
    for form in shape.document.xpath(f"//form[{asks}][not({around})] | {bare}[not({around})]"):
        rest = len(shape.main) - len(text_of(form, _AROUND))
        if not shape.says_article and rest <= SHORT and len(shape.article) <= NOTE and not shape.media > 3:
            if login_wall(shape.url) and not safe_split(shape.url or "").query:
                return None
            if len(prose(shape.body, _AROUND | {"form"} | _HEADINGS)) >= _A_BRIEF:
                if any(len(prose(one, _AROUND | {"form"})) >= _A_BRIEF for one in shape.document.xpath("//article")):
                    return None
                if shape.headline:
                    return _doubt("a form with a password stands beside a short text", shape.title)
            return _wall(
                Outcome.REFUSED, "login required", " in place of the page (a field for a password)", shape.title
            )
    return None


def _gone_by_class(shape: Shape) -> Standing | None:
    """A page that marks itself as one for what is not found, in any language: `error404` of WordPress and others."""
    return _marked(shape) if len(shape.main) <= SHORT and shape.marks_itself else None


def _marked(shape: Shape) -> Standing:
    said = next(iter(shape.headings), shape.title)
    return _wall(Outcome.UNAVAILABLE, "not found", f": the page marks itself as an error page {_quoted(said)}", said)


def _canonical_elsewhere(shape: Shape) -> Standing | None:
    """A page that names the front page, or a login page, as its own address, and has nothing of its own."""
    if shape.own_canonical is None or len(shape.main) > SHORT:
        return None
    if login_wall(shape.own_canonical.geturl()) and not login_wall(shape.url):
        return _wall(Outcome.REFUSED, "login required", ": the page names a login page as its own address", shape.title)
    if shape.names_front_page and not shape.says_article and not shape.article:
        return _front_page(shape)
    return None


def _front_page(shape: Shape) -> Standing:
    why = f"{UNKNOWN_WORDING}: the page names the site's front page as its own address"
    return Standing(Outcome.PARTIAL, why, Absence(Availability.UNKNOWN, said=shape.title or None))


def _shell(shape: Shape) -> Standing | None:
    """Nothing to read and nothing to see, where a script may show something."""
    fields = shape.body.xpath(
        ".//input[not(@type='hidden')] | .//textarea | .//button | .//frameset"
    ) + shape.document.xpath("//frameset")
    if shape.scripts and not fields and (shape.main_is_empty or said_by("whole", shape.main)):
        return Standing(Outcome.PARTIAL, EMPTY_SHELL, Absence(Availability.UNKNOWN, said=shape.title or None))
    if shape.shows_article:
        return None
    rooted = any((node.get("id") or "").lower() in _ROOTS for node in shape.document.xpath("//*[@id]")) or bool(
        shape.document.xpath("//app-root")
    )
    rooted = rooted and bool(shape.scripts)
    if len(shape.visible) > (HARDLY if rooted else 0) or shape.media > (1 if rooted else 0) or fields:
        return None
    if shape.scripts:
        return Standing(Outcome.PARTIAL, EMPTY_SHELL, Absence(Availability.UNKNOWN, said=shape.title or None))
    return Standing(Outcome.PARTIAL, EMPTY, Absence(Availability.UNKNOWN, said=shape.title or None))


def _unknown(shape: Shape) -> Standing | None:
    """A short page that promises an article, or asks not to be indexed, and says something that the table lacks."""
    said = next(iter(shape.headings), shape.title)
    unknown = Absence(Availability.UNKNOWN, said=said or None)
    if shape.says_article and len(shape.told) < HARDLY and len(shape.main) <= SHORT and not shape.media:
        return Standing(
            Outcome.PARTIAL,
            f"{UNKNOWN_WORDING}: the page says that it is an article, and has none: {_quoted(said)}",
            unknown,
        )
    listing = shape.body.xpath(".//pre | .//table | .//dl") or len(shape.body.xpath(".//li")) > 5
    if shape.is_noindex and len(shape.main) <= NOTE and not shape.media and not listing and shape.headings:
        why = f"{UNKNOWN_WORDING}: a short page that asks not to be indexed: {_quoted(said)}"
        return Standing(Outcome.PARTIAL, why, unknown)
    return None


def _hidden(node: etree._Element) -> bool:
    """Whether an element shows nothing by its own attributes: a picture that counts visitors, a frame of a tracker."""
    style = (node.get("style") or "").replace(" ", "").lower()
    sizes = {node.get("width"), node.get("height")}
    return (
        node.get("hidden") is not None or "display:none" in style or "visibility:hidden" in style or bool(sizes & {"0", "1", "0px", "1px"})
        or (node.tag == "img" and not node.get("src") and not node.get("srcset") and not node.get("data-src"))
    )  # fmt: skip
