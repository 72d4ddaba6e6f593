"""How Facebook says that something is not to be had, in boxes of its own. Data."""

from __future__ import annotations

from spiders.availability import Wording, Wordings
from spiders.posts import Outcome

LEFT_OPEN = "deleted, or not shared with everybody"
"""What Facebook's words leave open. It says them of what is deleted and of what is shared with few."""

BOXES = Wordings(
    place="the page's title, heading, login form and alerts (`BOX_PATHS`)",
    source="www.facebook.com in English; of these only the login wall is held by a recording",
    rows=(
        Wording("you must log in", Outcome.REFUSED, "login required"),
        Wording("log in or sign up to view", Outcome.REFUSED, "login required"),
        Wording("temporarily blocked", Outcome.BLOCKED, "rate limit"),
        Wording("going too fast", Outcome.BLOCKED, "rate limit"),
        Wording("security check", Outcome.BLOCKED, "bot wall"),
        Wording("confirm that you're not a robot", Outcome.BLOCKED, "bot wall"),
        Wording("not available in your", Outcome.REFUSED, "geo-blocked"),
        Wording("due to legal requirements", Outcome.REFUSED, "withheld for legal reasons"),
        Wording("no longer available", Outcome.UNAVAILABLE, LEFT_OPEN),
        Wording("currently unavailable", Outcome.UNAVAILABLE, LEFT_OPEN),
        Wording("isn't available", Outcome.UNAVAILABLE, LEFT_OPEN),
        Wording("page not found", Outcome.UNAVAILABLE, "not found"),
        Wording("may have been removed", Outcome.UNAVAILABLE, LEFT_OPEN),
    ),
)

BOX_PATHS = (
    "//title",
    "//h1",
    "//h2",
    "//*[@id='login_form']/..//*[contains(@class,'_50f6')]",
    "//*[contains(@class,'uiHeaderTitle') or contains(@class,'_585r') or contains(@class,'_4-do')]",
    "//*[@id='login_error_box' or @role='alert']",
)
"""XPath of the boxes. Elements that hold a post's words are not among them."""

WORDINGS = (BOXES,)
