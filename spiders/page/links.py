"""Any other link, as a page. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from spiders.link_forms import LinkForms, Target

TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|twclid|ttclid|yclid|ysclid|igshid|igsh|mc_cid|mc_eid|ref_src|ref_url"
    r"|_ga|_gl|__tn__|__cft__.*|mibextid"
)
"""Fields that say who shared a link and where, on any site. `s`, `t`, `si` and `feature` mean that on single sites only."""


def page(url: str, tracking: str | None = None) -> Target:
    """Make the target of any link as a page: fragment dropped; the key also drops tracking parameters.

    The page is asked for as the link was given: on some sites a field that looks like tracking chooses what is shown,
    and what was asked for is what the answer is about. `tracking`: pattern of further such fields.
    """
    parts = urlsplit(url)
    plain = urlunsplit((parts.scheme.lower(), parts.netloc, parts.path or "/", parts.query, ""))
    fields = parse_qsl(parts.query, keep_blank_values=True)
    kept = [
        (key, value) for key, value in fields if not TRACKING.fullmatch(key) and not re.fullmatch(tracking or "", key)
    ]
    query = urlencode(kept) if len(kept) != len(fields) else parts.query
    host = _one_spelling(parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    key = urlunsplit((parts.scheme.lower(), host, parts.path or "/", query, ""))
    return Target("page", "page", key, plain)


def _one_spelling(host: str) -> str:
    """A host; an IPv6 address in brackets and as RFC 5952 writes it, so that no port is taken for a part of it."""
    if ":" not in host:
        return host
    try:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    except ValueError:
        return f"[{host}]"


FORMS = LinkForms(owns=lambda host: False, read=lambda link: page(link.text), post_id=lambda target: None)
"""A page is what no platform owns: `spiders.targets` comes to it last."""
