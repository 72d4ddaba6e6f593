"""Sessions of boto3 that share what they read about AWS: a client is then ready in a tenth of the time."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import botocore.session


def new_session(profile: str, credentials: dict[str, str]) -> Any:
    """Make a session of its own, with boto3's usual settings and credentials where none are given.

    Raises `BotoCoreError` for a profile that is not there.
    """
    session: Any = botocore.session.get_session()
    session.register_component("data_loader", _models())
    made = boto3.Session(botocore_session=session, profile_name=profile or None, **credentials)
    _models().search_paths[:] = dict.fromkeys(_models().search_paths)  # each session appends boto3's own folder
    return made


@cache
def _models() -> Any:
    """What botocore says of the services: megabytes of JSON, which each session would otherwise parse again."""
    return botocore.session.get_session().get_component("data_loader")
