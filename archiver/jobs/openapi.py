"""Describe the HTTP interface in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from archiver import __version__
from archiver.jobs.job import PRIORITIES

LINKS_LIMIT = 1000
_TEXT = r"^[^\x00]*$"
"""No NUL. Halves of characters are refused too, which patterns cannot say."""
STATES = ("waiting", "later", "running", "done", "dead", "cancelled")

Schema = dict[str, Any]
_NULLABLE: Schema = {"type": ["string", "null"]}
_ANYTHING: Schema = {"type": "object"}
_JOB: Schema = {
    "type": "object", "required": ["job", "kind", "link", "state", "attempt", "captures"],
    "properties": {
        "job": {"type": "string"}, "kind": {"type": "string"}, "link": {"type": "string"}, "state": {"type": "string"},
        "attempt": {"type": "integer"}, "outcome": _NULLABLE, "reason": _NULLABLE, "queued": _NULLABLE, "due": _NULLABLE,
        "worker": _NULLABLE, "by": _NULLABLE, "machine": _NULLABLE, "home": _NULLABLE, "captures": {"type": "array", "items": {"type": "string"}},
    },
}  # fmt: skip
_ERROR: Schema = {
    "type": "object", "required": ["expected", "found", "next"],
    "properties": {name: {"type": "string"} for name in ("expected", "found", "next")},
}  # fmt: skip
_LINKS: Schema = {"type": "array", "items": {"type": "object"}}
_QUEUED: Schema = {
    "type": "object", "required": ["queued", "refused"], "properties": {"queued": _LINKS, "refused": _LINKS},
}  # fmt: skip
_FOREIGN: Schema = {
    "type": "object", "required": ["refused", "in_our_queue", "rows"],
    "description": "rows of a workflow that is not archiver's, which are not carried out",
    "properties": {"refused": _NULLABLE, "in_our_queue": {"type": "boolean"}, "rows": {"type": "integer"}},
}  # fmt: skip
_JOBS: Schema = {
    "type": "object", "required": ["jobs", "refused"],
    "properties": {"jobs": {"type": "array", "items": _JOB}, "refused": {"type": "array", "items": _FOREIGN}},
}  # fmt: skip
_ATTEMPTS: Schema = {
    "type": "object", "required": ["attempts"], "properties": {"attempts": {"type": "array", "items": _JOB}},
}  # fmt: skip
_BODY: Schema = {
    "type": "object", "required": ["links"], "additionalProperties": False,
    "properties": {
        "links": {
            "type": "array", "minItems": 1, "maxItems": LINKS_LIMIT,
            "items": {"type": "string", "minLength": 1, "maxLength": 4096, "pattern": _TEXT},
        },
        "case": {"type": "string", "pattern": _TEXT, "description": "one that exists; inbox by default"}, "media": {"type": "boolean"},
        "priority": {"enum": list(PRIORITIES)},
    },
}  # fmt: skip
_ERRORS = {
    400: "not understood", 401: "no token that counts", 404: "no such job or case", 408: "cut short", 409: "it has ended", 413: "too long",
    421: "not our address", 500: "a fault of the program", 503: "the queue does not answer",
}  # fmt: skip
_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
_LIST_QUERY = [
    {"name": "state", "in": "query", "schema": {"enum": list(STATES)}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
]


def openapi() -> dict[str, Any]:
    """Return the description of the interface: what it takes and what it answers (OpenAPI)."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "archiver", "version": __version__},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "servers": [{"url": "/api/v1"}],
        "paths": {**_job_paths(), **_state_paths()},
    }


def _job_paths() -> dict[str, Any]:
    return {
        "/jobs": {
            "post": {
                "summary": "Queue links; a channel, profile or playlist is walked",
                "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
                "responses": {"202": _answer(_QUEUED, "queued"), **_errors(400, 404, 408, 413)},
            },
            "get": {
                "summary": "The newest first", "parameters": _LIST_QUERY,
                "responses": {"200": _answer(_JOBS, "jobs"), **_errors(400)},
            },
        },
        "/jobs/{id}": {
            "get": {
                "summary": "Every attempt", "parameters": _ID,
                "responses": {"200": _answer(_ATTEMPTS, "attempts"), **_errors(404)},
            },
        },
        "/jobs/{id}/cancel": {
            "post": {
                "summary": "Do not begin it", "parameters": _ID,
                "responses": {"200": _answer(_ANYTHING, "done"), **_errors(404, 409)},
            },
        },
    }  # fmt: skip


def _state_paths() -> dict[str, Any]:
    return {
        "/status": {
            "get": {"summary": "How things stand", "responses": {"200": _answer(_ANYTHING, "all of it"), **_errors()}},
        },
        "/health": {
            "get": {
                "security": [], "summary": "Whether a worker is alive",
                "responses": {
                    "200": _answer(_ANYTHING, "yes"), "503": _answer(_ANYTHING, "no"), "421": _answer(_ERROR, _ERRORS[421]),
                    "500": _answer(_ERROR, _ERRORS[500]),
                },
            },
        },
    }  # fmt: skip


def _answer(schema: Schema, what: str) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": schema}}}


def _errors(*codes: int) -> dict[str, Any]:
    """Return the answers of these codes, and of those that every protected path may give."""
    return {str(code): _answer(_ERROR, _ERRORS[code]) for code in (*codes, 401, 421, 500, 503)}
