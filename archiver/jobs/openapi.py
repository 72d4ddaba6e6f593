"""What the HTTP interface says of itself: its description (OpenAPI 3.1), and the page that its bookmarklet opens."""

from __future__ import annotations

from typing import Any

from archiver import __version__
from archiver.jobs.job import PRIORITIES

LINKS_LIMIT = 1000
STATES = ("waiting", "later", "running", "done", "dead", "cancelled")


def openapi() -> dict[str, Any]:
    """What the interface takes and gives (OpenAPI 3.1)."""
    nullable = {"type": ["string", "null"]}
    job = {
        "type": "object", "required": ["job", "kind", "link", "state", "attempt", "captures"],
        "properties": {
            "job": {"type": "string"}, "kind": {"type": "string"}, "link": {"type": "string"}, "state": {"type": "string"},
            "attempt": {"type": "integer"}, "outcome": nullable, "reason": nullable, "queued": nullable, "due": nullable,
            "worker": nullable, "captures": {"type": "array", "items": {"type": "string"}},
        },
    }  # fmt: skip
    trouble = {
        "type": "object", "required": ["expected", "found", "next"],
        "properties": {name: {"type": "string"} for name in ("expected", "found", "next")},
    }  # fmt: skip

    def said(schema: dict[str, Any], what: str) -> dict[str, Any]:
        return {"description": what, "content": {"application/json": {"schema": schema}}}

    def errors(*codes: int) -> dict[str, Any]:
        words = {
            400: "not understood", 401: "no token, or another", 404: "no such job or case", 409: "it has ended", 413: "too long",
            421: "not our address", 503: "the queue does not answer",
        }  # fmt: skip
        return {str(code): said(trouble, words[code]) for code in (*codes, 401, 421, 503)}

    one = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    body = {
        "type": "object", "required": ["links"], "additionalProperties": False,
        "properties": {
            "links": {
                "type": "array", "minItems": 1, "maxItems": LINKS_LIMIT,
                "items": {"type": "string", "minLength": 1, "maxLength": 4096},
            },
            "case": {"type": "string", "description": "one that exists; inbox by default"}, "media": {"type": "boolean"},
            "priority": {"enum": list(PRIORITIES)},
        },
    }  # fmt: skip
    links = {"type": "array", "items": {"type": "object"}}
    queued = {"type": "object", "required": ["queued", "refused"], "properties": {"queued": links, "refused": links}}
    listed = {"type": "object", "required": ["jobs"], "properties": {"jobs": {"type": "array", "items": job}}}
    tried = {"type": "object", "required": ["attempts"], "properties": {"attempts": {"type": "array", "items": job}}}
    anything = {"type": "object"}
    query = [
        {"name": "state", "in": "query", "schema": {"enum": list(STATES)}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    ]
    free: dict[str, Any] = {"security": []}
    return {
        "openapi": "3.1.0",
        "info": {"title": "archiver", "version": __version__},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": {
            "/jobs": {
                "post": {
                    "summary": "Queue links; a channel, profile or playlist is walked",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                    "responses": {"202": said(queued, "queued"), **errors(400, 404, 413)},
                },
                "get": {"summary": "The newest first", "parameters": query, "responses": {"200": said(listed, "jobs"), **errors(400)}},
            },
            "/jobs/{id}": {
                "get": {"summary": "Every attempt", "parameters": one, "responses": {"200": said(tried, "attempts"), **errors(404)}}
            },
            "/jobs/{id}/cancel": {
                "post": {"summary": "Do not begin it", "parameters": one, "responses": {"200": said(anything, "done"), **errors(404, 409)}}
            },
            "/status": {"get": {"summary": "How things stand", "responses": {"200": said(anything, "all of it"), **errors()}}},
            "/health": {
                "get": {**free, "summary": "Whether a worker is alive", "responses": {
                    "200": said(anything, "yes"), "503": said(anything, "no"), "421": said(trouble, "not our address")}},
            },
        },
    }  # fmt: skip


PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>archiver: save this page</title>
<style nonce="NONCE">
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
 code { overflow-wrap: anywhere; background: #f2f2f0; padding: .1rem .3rem } input { width: 100%; font: inherit; padding: .4rem;
  box-sizing: border-box }
 button, a.mark { font: inherit; padding: .4rem 1rem; border: 1px solid #444; background: #fff; color: inherit;
  text-decoration: none; cursor: pointer }
 #said { font-weight: 600; margin-top: 1rem } label { display: block; margin: 1rem 0 .2rem }
</style></head><body>
<h1>Save this page</h1>
<p id="what">Drag this into your bookmarks: <a class="mark" id="mark" href="#">Save to archiver</a>. On a post or page, click it.</p>
<label for="token">Token (from <code>keys/api-token</code>; kept in this browser for this address only)</label>
<input id="token" type="password" autocomplete="off">
<label for="case">Case</label><input id="case" value="inbox">
<p><button id="save" hidden>Save</button></p><p id="said" role="status"></p>
<script nonce="NONCE">
 const by = (id) => document.getElementById(id);
 by("mark").href = "javascript:void(open('ORIGIN/save#'+encodeURIComponent(location.href),'_blank','noopener,width=640,height=560'))";
 const link = decodeURIComponent(location.hash.slice(1));
 by("token").value = localStorage.getItem("token") || "";
 by("case").value = localStorage.getItem("case") || "inbox";
 if (link) { by("what").textContent = link; by("save").hidden = false; by("save").focus(); }
 by("save").addEventListener("click", async () => {
  localStorage.setItem("token", by("token").value); localStorage.setItem("case", by("case").value);
  by("said").textContent = "…";
  try {
   const answer = await fetch("/jobs", { method: "POST",
     headers: { "Authorization": "Bearer " + by("token").value, "Content-Type": "application/json" },
     body: JSON.stringify({ links: [link], case: by("case").value, priority: "urgent" }) });
   const value = await answer.json();
   if (!answer.ok) by("said").textContent = "Not queued. Expected " + value.expected + ". " + value.next;
   else if (value.refused.length) by("said").textContent = "Not queued: " + value.refused[0].reason + ". " + value.refused[0].next;
   else by("said").textContent = "Queued as " + value.queued[0].job + ". A worker captures it.";
  } catch (error) { by("said").textContent = "archiver does not answer: is `archiver serve --api` running?"; }
 });
</script></body></html>
"""
