"""`archiver sync`, `recovery`, `restore`, `triage`, `lock`: what a person asks for, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archiver.copies.destinations import Place, destinations, open_place, store_of
from archiver.copies.locks import checked_mode, policies
from archiver.copies.restore import Restored, destination_of, homes_at, restore, with_keyring
from archiver.copies.sync import Report, sync, total_backlog
from archiver.errors import ExitCode, NotFound, UsageError
from archiver.home.cases import named_captures
from archiver.home.paths import given_path
from archiver.home.people import recovery_keys
from archiver.home.visibility import LEGAL_ROUTE
from archiver.signer.age import identity_in
from archiver.signer.copy_keys import add_recovery_key, drop_recovery_key, new_recovery_key
from archiver.text.plain import many, size
from storage.errors import EvidenceError, LedgerError, StoreError
from storage.events import Event

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.home.home import Home


def commands() -> dict[str, Callable[[Context, Home], int]]:
    """Name → what runs it."""
    return {
        "sync": sync_command,
        "recovery": recovery,
        "triage": triage,
        "lock": lock,
        "fixity": fixity_command,
        "evict": evict_command,
        "dispose": dispose_command,
    }


def sync_command(context: Context, home: Home) -> int:
    """One round at each destination, or those that `--to` names. Exit code 4 where something could not be copied."""
    arguments = context.arguments
    if arguments.source:
        return _from_others(context, home)
    chosen = destinations(home, arguments.to)
    if arguments.status:
        return _status(context, home)
    codes = [0]
    for one in chosen:
        try:
            place = open_place(home, one)
            report = sync(
                home, context.signer(home), place, lambda report: context.console.progress_line(_progress(report))
            )
        except EvidenceError as error:
            if isinstance(error, LedgerError):
                raise
            context.console.warn(f"{one.name}: expected {error.expected}; found {error.found}. {error.next_step}")
            context.console.data({"destination": one.name, "error": type(error).__name__, "found": error.found})
            codes.append(_code(error))
            continue
        _show(context, place, report)
        codes.append(ExitCode.OK if report.good else ExitCode.FAILED)
    return max(codes)


def _from_others(context: Context, home: Home) -> int:
    from archiver.copies.team import bring

    console = context.console
    brought, closed = bring(home, open_place(home, destinations(home, [context.arguments.source])[0], writing=False))
    for one in brought:
        cases = ", ".join(one.cases) or "no case whose key is here"
        console.say(
            f"{one.mark}: {cases}; {many(one.done.captures, 'capture')} brought ({size(one.done.bytes)}), every proof checked"
        )
        console.say(f"  its ledger: {one.done.checkpoint} events, signed by {one.key}")
        console.say(
            f"  compare that key with its owner; look with: archiver check --home {home.path / 'others' / one.mark}"
        )
        for capture, why in one.done.missing:
            console.warn(f"  NOT BROUGHT  {capture}: {why}")
        console.data(
            {"home": one.mark, "cases": one.cases, "captures": one.done.captures, "checkpoint": one.done.checkpoint,
             "key": one.key, "missing": [list(item) for item in one.done.missing]}
        )  # fmt: skip
    if closed:
        console.say(f"{closed} more lie there that no key here opens")
    if not brought and not closed:
        console.say("nobody else keeps anything there")
    return ExitCode.PARTIAL if any(one.done.missing for one in brought) else ExitCode.OK


def _code(error: EvidenceError) -> int:
    from archiver.errors import exit_code

    return exit_code(error)


def _progress(report: Report) -> str:
    return f"{report.destination}: {report.copied} copied, {report.waiting} to go, {size(report.bytes)}"


def _show(context: Context, place: Place, report: Report) -> None:
    console, name = context.console, report.destination
    did = [
        f"{many(report.copied, 'capture')} copied ({size(report.bytes)})" if report.copied else "nothing new to copy"
    ]
    if report.locked:
        did.append(f"{report.locked} locked")
    did.append("encrypted here" if place.vault.encrypted else "as they are: the place is your own")
    console.say(f"{name}: {', '.join(did)}")
    for weak in place.weak:
        console.say(f"  this place {weak}")
    if report.read_back:
        console.say(f"  {report.read_back} of them were read back, every byte; the place stated the rest")
    if report.withheld:
        console.say(f"  {report.withheld} quarantined: not copied anywhere (see `archiver quarantine --help`)")
    for text in report.notes:
        console.warn(f"{name}: not signed by this home, and ignored: {text}")
    for capture, error in report.troubles:
        console.warn(f"{name}: {capture or 'the round stopped'}: expected {error.expected}")
        console.warn(f"{' ' * len(name)}  found {error.found}. {error.next_step}")
    if report.waiting:
        console.warn(f"{name}: {many(report.waiting, 'capture')}: NO COPY there yet. Nothing here was removed.")
    console.data(
        {
            "destination": name, "copied": report.copied, "bytes": report.bytes, "read_back": report.read_back,
            "locked": report.locked, "waiting": report.waiting, "quarantined": report.withheld, "weak": list(place.weak),
            "encrypted": place.vault.encrypted, "troubles": [f"{capture}: {error}" for capture, error in report.troubles],
        }
    )  # fmt: skip


def _status(context: Context, home: Home) -> int:
    names = [one.name for one in home.config.copies.destinations]
    waiting = total_backlog(home, names)
    total = len(home.catalog.captures())
    for name in names:
        copied = len(home.catalog.copies(name))
        context.console.say(f"{name}: {copied} of {total} captures have a copy there, {waiting[name]} wait")
        context.console.data({"destination": name, "copied": copied, "captures": total, "waiting": waiting[name]})
    return ExitCode.PARTIAL if any(waiting.values()) else ExitCode.OK


def after_captures(context: Context, home: Home) -> None:
    """Copies what was just sealed, where the settings say so. What fails is said; the next round does it."""
    copies = home.config.copies
    if not copies.destinations or not copies.after_captures:
        return
    for one in copies.destinations:
        try:
            report = sync(home, context.signer(home), open_place(home, one))
        except EvidenceError as error:
            context.console.warn(f"not copied to {one.name}: {error.found}. {error.next_step}")
            continue
        for _, trouble in report.troubles[:1]:
            context.console.warn(f"not all copied to {one.name}: {trouble.found}. {trouble.next_step}")
        if report.copied:
            context.console.say(f"copied to {one.name}: {many(report.copied, 'capture')}, {size(report.bytes)}")
        context.console.data({"copied_to": one.name, "copied": report.copied, "waiting": report.waiting})


# -- the recovery key ------------------------------------------------------------------------------------


def recovery(context: Context, home: Home) -> int:
    """`archiver recovery new|add|drop|list|check`."""
    arguments, console = context.arguments, context.console
    if arguments.action == "new":
        public = new_recovery_key(home.path, arguments.where)
        console.say(f"recovery key written; its public half is {public}")
        console.say(
            "Keep it where neither this machine nor the copies are, and a second one elsewhere: one key, one place"
        )
        console.say("can be lost. Whoever has it and the copies can read everything. Now: archiver sync")
        console.data({"recovery": public})
        return 0
    if arguments.action == "check":
        return _recovery_check(context, home)
    if arguments.action == "add":
        add_recovery_key(home.path, arguments.key)
        console.say(f"{arguments.key} will open the copies from the next `archiver sync` on")
    elif arguments.action == "drop":
        drop_recovery_key(home.path, arguments.key)
        console.say(f"{arguments.key} opens nothing that is copied from now on. What it opened before it still opens:")
        console.say("if it is in wrong hands, use another place, or dispose of the old keyrings there.")
    for key in recovery_keys(home.path):
        console.say(f"recovery key {key}")
        console.data({"recovery": key})
    if not recovery_keys(home.path):
        console.say(
            "no recovery key: if this machine is lost, encrypted copies cannot be opened. archiver recovery new DIR"
        )
    return 0


def _recovery_check(context: Context, home: Home) -> int:
    """Whether a recovery key that somebody holds would open the copies today."""
    keys = identity_in(context.arguments.file)
    code = ExitCode.OK
    for one in destinations(home, []):
        place = open_place(home, one)
        found, _ = homes_at(place.vault.store, keys)
        mine = [item for item in found if item.mark == place.vault.home]
        ring = bool(mine) and bool(with_keyring(mine[0], keys)[1])
        context.console.say(f"{one.name}: {'opens the copies' if ring else 'does NOT open the copies'}")
        context.console.data({"destination": one.name, "opens": ring})
        code = code if ring else ExitCode.CHECK_FAILED
    return code


# -- restoring -------------------------------------------------------------------------------------------


def restore_command(context: Context) -> int:
    """An empty home out of the copies. Exit code 2 where something did not come back."""
    arguments, console = context.arguments, context.console
    source = arguments.source if "://" in arguments.source else str(given_path(arguments.source))
    place = destination_of(source, arguments.endpoint, arguments.region, arguments.profile)
    store = store_of(place, context.home_path.parent)

    def shown(done: Restored) -> None:
        console.progress_line(f"{many(done.captures, 'capture')}, {size(done.bytes)}")

    done = restore(context.home_path, store, arguments.recovery, arguments.which, shown)
    console.say(
        f"restored into {context.home_path}: {many(done.captures, 'capture')} ({size(done.bytes)}), {many(done.events, 'event')}"
    )
    console.say(f"the ledger goes to event {done.checkpoint}; its signatures and every digest were checked on the way")
    if done.withheld:
        console.say(f"{len(done.withheld)} events have no body there: they were disposed of, or nobody may open them")
    for capture, why in done.missing:
        console.warn(f"NOT RESTORED  {capture}: {why}")
    if done.keyring:
        from archiver.home.home import Home

        home = Home(context.home_path, environment=context.environment)
        home.rebuild_catalog()
        console.say("Next: archiver check. Accounts (Telegram, cookies) are not in the copies: log in again.")
    else:
        console.warn(
            "No keyring was opened: this folder can be checked and read, but not continued. Name --recovery FILE."
        )
    console.data(
        {
            "captures": done.captures, "bytes": done.bytes, "events": done.events, "checkpoint": done.checkpoint,
            "missing": [{"capture": capture, "why": why} for capture, why in done.missing], "keys": done.keyring,
        }
    )  # fmt: skip
    return ExitCode.PARTIAL if done.missing or not done.keyring else ExitCode.OK


# -- triage and locks ------------------------------------------------------------------------------------


def triage(context: Context, home: Home) -> int:
    """Says that somebody looked at captures and that they may be locked. A signed event."""
    arguments, console = context.arguments, context.console
    rules = policies(home)
    captures = [capture for capture in named_captures(home, arguments.what) if capture not in rules.triaged]
    hidden = [capture for capture in captures if capture in rules.quarantined]
    captures = [capture for capture in captures if capture not in rules.quarantined]
    for start in range(0, len(captures), 500):
        detail: dict[str, Any] = {"captures": captures[start : start + 500]}
        if arguments.words:
            detail["text"] = " ".join(arguments.words)
        context.signer(home).append([Event("triaged", home.clock(), detail)])
    home.project()
    console.say(
        f"{many(len(captures), 'capture')} looked at by {context.signer(home).author.pseudonym}: `archiver sync` locks their copies"
    )
    if hidden:
        console.say(f"{len(hidden)} are quarantined and stay unlocked")
    console.data({"triaged": captures, "quarantined": hidden})
    return 0


def lock(context: Context, home: Home) -> int:
    """The lock policy of a case, and its legal hold. A signed event; `archiver sync` carries it out."""
    arguments, console = context.arguments, context.console
    if not any(case["name"] == arguments.case for case in home.catalog.cases()):
        raise NotFound(f"the case {arguments.case!r}", "none", "See `archiver case list`.")
    wanted = checked_mode(arguments.mode, arguments.days)
    if arguments.hold is not None:
        wanted["hold"] = arguments.hold
    if not wanted:
        raise UsageError("a mode, --days, --hold or --no-hold", "none", "Say what is to be locked how.")
    if wanted.get("mode") == "compliance" and not arguments.yes:
        raise UsageError(
            "--yes beside compliance",
            "none",
            "Nobody can remove such copies before their time, whatever turns out to be in them. Say --yes if that is meant.",
        )
    detail = {"case": arguments.case, **wanted, "text": arguments.because}
    sealed = context.signer(home).append([Event("lock-policy", home.clock(), detail)])[0]
    home.project()
    console.say(f"lock policy of {arguments.case} set by event {sealed.seq}: {_policy_words(home, arguments.case)}")
    console.say("`archiver sync` carries it out; captures that nobody has looked at stay unlocked (archiver triage).")
    console.data({"event": sealed.seq, **detail})
    return 0


def _policy_words(home: Home, case: str) -> str:
    rule = policies(home).by_case.get(case, {})
    days = rule.get("days") or home.config.copies.days
    return f"{rule.get('mode') or 'governance'} for {days} days{', legal hold' if rule.get('hold') else ''}"


# -- fixity, eviction, disposal --------------------------------------------------------------------------


def mended_first(context: Context) -> Any:
    """`archiver fixity --repair`: a damaged ledger is made whole before the home is opened, which needs it. The report so far."""
    from archiver.copies import fixity

    report, arguments = fixity.Report(), context.arguments
    if arguments.repair and not arguments.remote:
        home = context.home()
        fixity.ledger_mended(home, context.signer(home), report)
    return report


def fixity_command(context: Context, home: Home) -> int:
    """Reads back what is asked for; 5 where something is damaged, 6 where a place did not answer."""
    from archiver.copies import fixity

    arguments, console = context.arguments, context.console
    captures = named_captures(home, arguments.what) if arguments.what else None
    rows = fixity.chosen(home, captures, arguments.older_than, arguments.sample)
    everything = captures is None and arguments.older_than is None and arguments.sample is None
    report = context.mended or fixity.Report()
    report.captures = len(rows)
    places: list[Place] = []
    if not arguments.remote:
        fixity.read_home(home, rows, report)
        if everything:
            fixity.read_events(home, report)
            fixity.read_ledger(home, context.signer(home), report)
    wanted = home.config.copies.destinations and not (arguments.local and not arguments.repair)
    for one in destinations(home, arguments.to) if wanted else ():
        try:
            places.append(open_place(home, one, writing=arguments.repair))
            if not arguments.local:
                fixity.read_place(home, places[-1], rows, report, everything)
        except StoreError as error:
            report.unread.append((one.name, error.found))
    seq = fixity.tell_result(home, context.signer(home), report, rows, everything)
    if arguments.repair:
        fixity.repair(home, context.signer(home), places, report)
    console.say(
        f"{many(report.captures, 'capture')}: {many(report.files, 'file')} here and {many(report.objects, 'object')} at copies read back"
    )
    console.say(
        f"{size(report.bytes)} in all; the result is event {seq}, signed by {context.signer(home).author.pseudonym}"
    )
    if report.evicted:
        console.say(f"{report.evicted} files are not here: they were evicted, and lie at the copies")
    for bad in report.damaged:
        mended = f"  REPAIRED from {bad.repaired}" if bad.repaired else ""
        console.say(f"DAMAGED  {bad.where}  {bad.capture or 'ledger'}  {bad.name}: {bad.found}{mended}")
        console.data({"damaged": bad.line(), "repaired_from": bad.repaired})
    for name, why in report.unread:
        console.warn(f"{name} did not answer: {why}")
    if report.left and not arguments.repair:
        console.say("`archiver fixity --repair` brings back what another copy has; the damaged file is put aside")
    verdict = "damaged" if report.left else "cannot tell: a place did not answer" if report.unread else "intact"
    console.say(f"\n{verdict}")
    console.data(
        {
            "captures": report.captures, "files": report.files, "objects": report.objects, "bytes": report.bytes,
            "damaged": len(report.damaged), "left": len(report.left), "unread": [name for name, _ in report.unread],
            "event": seq, "verdict": verdict,
        }
    )  # fmt: skip
    if report.left:
        return ExitCode.CHECK_FAILED
    return ExitCode.CANNOT_TELL if report.unread else ExitCode.OK


def evict_command(context: Context, home: Home) -> int:
    """Frees or fetches back large files. Exit code 4 where some had to stay."""
    from archiver.copies.evict import CopiesFetch, evict

    arguments, console = context.arguments, context.console
    captures = [capture for what in arguments.what for capture in named_captures(home, what)]
    if arguments.back:
        fetched = CopiesFetch(home).bring_back(captures)
        console.say(f"fetched back and checked: {size(fetched)}")
        console.data({"fetched": fetched})
        return 0
    places = [open_place(home, one, writing=False) for one in destinations(home, [])]
    report = evict(home, context.signer(home), places, captures, max(1, arguments.copies))
    console.say(
        f"{many(report.files, 'file')} of {many(report.captures, 'capture')} freed: {size(report.bytes)}; each was read back first"
    )
    for capture, why in report.kept:
        console.warn(f"kept here: {capture}: {why}")
    console.data(
        {
            "captures": report.captures,
            "files": report.files,
            "bytes": report.bytes,
            "kept": [list(one) for one in report.kept],
        }
    )
    return ExitCode.FAILED if report.kept else ExitCode.OK


def dispose_command(context: Context, home: Home) -> int:
    """The first person asks, the second confirms; then keys and bytes go, here and at the copies."""
    from archiver.copies import dispose

    arguments, console = context.arguments, context.console
    if arguments.id is None:
        return _carry_out(context, home)
    capture = home.resolve_capture(arguments.id)
    row = home.catalog.capture(capture) or {}
    if not arguments.confirm:
        if not arguments.basis:
            raise UsageError("--basis TEXT: the legal basis", "none", "It stays in the ledger, for good.")
        console.say(LEGAL_ROUTE)
        seq = dispose.request(home, context.signer(home), capture, arguments.basis, arguments.with_notes)
        console.say(
            f"\nasked for by {context.signer(home).author.pseudonym} as event {seq}. Nothing is removed yet. Another person:"
        )
        console.say(f"  archiver --as NAME dispose {capture} --confirm")
        console.data({"event": seq, "capture": capture, "state": "requested"})
        return 0
    places = home.catalog.copies(capture=capture)
    console.say(f"{capture}, captured {row.get('opened', '')[:19]}Z, cases {', '.join(home.catalog.cases_of(capture))}")
    console.say(f"copies at: {', '.join(item['destination'] for item in places) or 'none'}")
    if not arguments.yes:
        raise UsageError("--yes", "none", "This cannot be undone. Say --yes once you have read what will be destroyed.")
    tombstone = dispose.confirm(home, context.signer(home), capture)
    console.say(f"disposed of by {context.signer(home).author.pseudonym}: event {tombstone['event']} is the tombstone")
    console.data({"event": tombstone["event"], "capture": capture, "state": "disposed"})
    return _carry_out(context, home)


def _carry_out(context: Context, home: Home) -> int:
    from archiver.copies import dispose

    console, code = context.console, ExitCode.OK
    for capture in dispose.destroy_here(home):
        console.say(f"removed here: {capture}")
    for one in home.config.copies.destinations:
        try:
            done = dispose.destroy_there(home, context.signer(home), open_place(home, one, writing=False))
        except EvidenceError as error:
            console.warn(f"NOT removed at {one.name}: {error.found}. `archiver dispose` (or sync) tries again.")
            code = ExitCode.FAILED
            continue
        for item in done:
            console.say(f"removed at {item.destination}: {many(item.objects, 'object')} of {item.capture}")
            for left in item.remains:
                until = f" until {left.lock.until:%Y-%m-%d}" if left.lock and left.lock.until else ""
                readable = "nobody can read it: its key was destroyed" if item.unreadable else "IT CAN STILL BE READ"
                console.warn(f"  remains, locked{until}: {left.key} ({readable})")
            code = max(code, ExitCode.PARTIAL if item.remains else ExitCode.OK)
            console.data(
                {"destination": item.destination, "capture": item.capture, "objects": item.objects,
                 "remains": len(item.remains), "unreadable": item.unreadable}
            )  # fmt: skip
    return code
