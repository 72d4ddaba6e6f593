"""`archiver telegram login|whoami|logout|join`."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from archiver.errors import ArchiverError, ConfigError, ExitCode, UsageError
from archiver.home.log import withhold
from spiders.targets import Target, parse_target

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser
    from archiver.home.home import Home
    from spiders.telegram.api.client import Reader

ADVICE = """\
Use an account for this work alone: a number of its own, no contacts, nobody's real name.
  Telegram learns which channels it looks at, from which address, and keeps that.
  The owner of a channel does not see who reads it; members of a group can see who joined it.
  This program only reads. It joins nothing unless you say so: archiver telegram join LINK
api_id and api_hash are those of an application: https://my.telegram.org → API development tools.
"""
QR_SECONDS = 30

EXAMPLE = "archiver telegram login --account field-1"


def add_arguments(parser: Parser) -> None:
    """Add what `archiver telegram` takes."""
    summary = "Log in an account by code or QR; its session is stored encrypted."
    login = parser.add_action("login", summary, (EXAMPLE, "archiver telegram login --qr"))
    _add_account(login, 'if omitted: "default"')
    login.add_argument("--qr", action="store_true", help="Show a QR code to scan with a logged-in phone.")
    secret = "Ask for a passphrase to protect the session."
    login.add_argument("--passphrase", action="store_true", help=secret)
    summary = "Show the accounts, and whether they are still logged in."
    _add_account(parser.add_action("whoami", summary, "archiver telegram whoami"), "default: all")
    summary = "End the session at Telegram, and delete it here."
    _add_account(
        parser.add_action("logout", summary, "archiver telegram logout --account field-1"), "default: the one logged in"
    )
    summary = "Join a channel or group by its link; members can see this."
    join = parser.add_action("join", summary, "archiver telegram join https://t.me/+AbCdEf123")
    _add_account(join, "default: the one logged in")
    join.add_argument("link", metavar="LINK", help="Link of the channel or group, or an invitation.")


def _add_account(parser: Parser, omitted: str) -> None:
    name = f"Pseudonym of the account in this home ({omitted})."
    parser.add_argument("--account", metavar="NAME", help=name)


def run(context: Context) -> int:
    """Carry out one action with an account; what Telegram refuses is told, with an exit code. Raises `ArchiverError`."""
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from spiders.telegram.api.errors import TelegramError

    home = context.recovered_home()
    deed = {"login": _login, "whoami": _whoami, "logout": _logout, "join": _join}[context.arguments.action]
    try:
        return asyncio.run(deed(context, home))
    except TelegramError as trouble:
        context.console.warn(f"{trouble.outcome}: {trouble.reason}")
        context.console.data({"outcome": str(trouble.outcome), "reason": trouble.reason, "telegram": trouble.name})
        return EXIT_BY_OUTCOME[trouble.outcome]


def _answer(context: Context, name: str, prompt: str, secret: bool = False) -> str:
    """From the environment (for unattended use), or asked on the terminal. Raises `ConfigError`."""
    variable = f"ARCHIVER_TELEGRAM_{name}"
    if value := context.environment.get(variable):
        return value.strip()
    if not sys.stdin.isatty():
        raise ConfigError(f"an answer in ${variable}", "none, and no terminal to ask on", f"Set {variable}.")
    try:
        answer = (getpass.getpass(prompt) if secret else input(prompt)).strip()
        withhold(answer)  # one of the environment is known to be secret
        return answer
    except EOFError as error:
        raise ConfigError("an answer", "the end of the input", f"Type one, or set {variable}.") from error


async def _login(context: Context, home: Home) -> int:
    from archiver.telegram.accounts import Account, Accounts, connected, make_client
    from spiders.telegram.api.client import LOGIN

    accounts = Accounts(home)
    name = context.arguments.account or "default"
    path = accounts.path(name)
    if path.exists():
        raise UsageError(
            f"a new account {name!r}", "one of that name", "Log it out first, or choose another --account."
        )
    context.console.say(ADVICE)
    number = _answer(context, "API_ID", "api_id: ")
    if not number.isdigit():
        raise UsageError("an api_id of digits", "another text", "Copy it from https://my.telegram.org.")
    account = Account(name, int(number), _answer(context, "API_HASH", "api_hash: ", secret=True))
    if context.arguments.passphrase:
        account.passphrase = _answer(context, "PASSPHRASE", "Passphrase for the session: ", secret=True)
    client = make_client(home, account, context.network, home.config.proxy, updates=context.arguments.qr)
    await connected(client)
    try:
        with client.permitting(LOGIN):
            me = await (_by_qr(context, client) if context.arguments.qr else _by_code(context, client))
        account.session = client.session.value()
        accounts.save(account)
    finally:
        await client.disconnect()
    context.console.say(f"logged in as {_who(me)}; the session is in {path}, for this user alone, encrypted")
    if me.contact is None and (me.first_name or me.username):
        context.console.say("Others see its name and picture in chats where it is a member.")
    context.console.data({"account": name, "id": me.id})
    return 0


async def _by_code(context: Context, client: Reader) -> Any:
    phone = _answer(context, "PHONE", "Phone number, with country code: ")
    sent = await _tried(client.send_code_request(phone))
    where = type(sent.type).__name__.removeprefix("SentCodeType").lower() if sent is not None else "app"
    context.console.say(f"Telegram has sent a code ({where}).")
    from telethon import errors

    try:
        return await client.sign_in(phone, _answer(context, "CODE", "Code: "))
    except errors.SessionPasswordNeededError:
        return await _second_step(context, client)
    except errors.RPCError as error:
        raise _refused(error) from error


async def _second_step(context: Context, client: Reader) -> Any:
    return await _tried(
        client.sign_in(password=_answer(context, "PASSWORD", "Password of the account (2FA): ", secret=True))
    )


async def _by_qr(context: Context, client: Reader) -> Any:
    from telethon import errors

    found = await _tried(client.qr_login())
    for _ in range(10):
        _shown(context, found.url)
        try:
            return await found.wait(QR_SECONDS)
        except TimeoutError:
            await _tried(found.recreate())
        except errors.SessionPasswordNeededError:
            return await _second_step(context, client)
        except errors.RPCError as error:
            raise _refused(error) from error
    raise UsageError("a phone that scans the code", "none within five minutes", "Run the command again.")


def _shown(context: Context, url: str) -> None:
    import io

    import segno

    drawn = io.StringIO()
    segno.make(url, error="l").terminal(drawn, border=2, compact=True)
    context.console.say("In Telegram on a phone: Settings → Devices → Link Desktop Device, then scan this:")
    context.console.art(drawn.getvalue())
    context.console.data({"qr": url})


async def _tried(work: Coroutine[Any, Any, Any]) -> Any:
    from telethon import errors

    try:
        return await work
    except errors.RPCError as error:
        raise _refused(error) from error


def _refused(error: Any) -> ArchiverError:
    return UsageError(
        "a login that Telegram accepts", str(error).partition(" (caused")[0], "Check what was entered, then try again."
    )


def _who(me: Any) -> str:
    return f"{me.first_name or 'no name'}" + (f" (@{me.username})" if me.username else "") + f", id {me.id}"


async def _whoami(context: Context, home: Home) -> int:
    from archiver.capture.outcomes import EXIT_BY_OUTCOME
    from archiver.telegram.accounts import Accounts, authorised, connected, make_client
    from spiders.telegram.api.errors import TelegramError

    accounts = Accounts(home)
    names = [context.arguments.account] if context.arguments.account else accounts.names()
    if not names:
        context.console.say("No account is logged in. Log one in: archiver telegram login")
        return 0
    code = 0
    for name in names:
        account = accounts.load(name)
        client = make_client(home, account, context.network, home.config.proxy, updates=False)
        try:
            await connected(client)
            me = await client.get_me() if await authorised(client) else None
        except TelegramError as trouble:
            context.console.say(f"{name}: {trouble.outcome}: {trouble.reason}")
            context.console.data({"account": name, "logged_in": None, "reason": trouble.reason})
            code = max(code, EXIT_BY_OUTCOME[trouble.outcome])
            continue
        finally:
            await client.disconnect()
        if me is None:
            context.console.say(f"{name}: logged out, perhaps from another device")
            code = max(code, ExitCode.UNAVAILABLE)
        else:
            context.console.say(f"{name}: {_who(me)}, data centre {client.session.dc_id}")
        context.console.data({"account": name, "logged_in": me is not None, "id": me.id if me else None})
    return code


async def _logout(context: Context, home: Home) -> int:
    from archiver.telegram.accounts import Accounts, connected, make_client
    from spiders.telegram.api.client import LOGIN

    accounts = Accounts(home)
    name = accounts.chosen(context.arguments.account)
    if name is None:
        raise UsageError("an account to log out", "none", "archiver telegram whoami lists them.")
    account = accounts.load(name)
    client = make_client(home, account, context.network, home.config.proxy, updates=False)
    await connected(client)
    try:
        with client.permitting(LOGIN):
            ended = await client.log_out()
    finally:
        if client.session is not None:
            await client.disconnect()
    accounts.forget(name)
    context.console.say(
        f"{name}: {'logged out' if ended else 'was logged out already'}; its session is no longer kept here"
    )
    context.console.data({"account": name, "logged_out": True})
    return 0


async def _join(context: Context, home: Home) -> int:
    """The one act that others can see, on a person's explicit word."""
    from telethon import errors, functions

    from archiver.telegram.accounts import Accounts, authorised, connected, make_client
    from spiders.telegram.api.client import JOIN

    accounts = Accounts(home)
    name = accounts.chosen(context.arguments.account)
    target = parse_target(context.arguments.link)
    if name is None or not isinstance(target, Target) or target.platform != "telegram":
        raise UsageError(
            "an account, and a link of a channel or group", "one or both missing", "Log in, and give a t.me link."
        )
    account = accounts.load(name)
    client = make_client(home, account, context.network, home.config.proxy, updates=False)
    await connected(client)
    try:
        if not await authorised(client):
            raise UsageError(f"{name} to be logged in", "it is not", f"archiver telegram login --account {name}")
        with client.permitting(JOIN):
            if target.kind == "invite":
                await client(functions.messages.ImportChatInviteRequest(target.id))
            else:
                await client(functions.channels.JoinChannelRequest(await client.get_input_entity(target.handle)))
        account.session = client.session.value()
        accounts.save(account)
    except errors.UserAlreadyParticipantError:
        context.console.say(f"{name} is a member already")
        return 0
    except errors.InviteRequestSentError:
        context.console.say(f"{name} has asked to join; an administrator decides")
        return 0
    except (errors.RPCError, ValueError) as error:
        raise _refused(error) from error
    finally:
        await client.disconnect()
    context.console.say(f"{name} is now a member. Members can see that it joined.")
    return 0
