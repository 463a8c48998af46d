"""Several records of one client's consent, as one."""

from collections.abc import Iterable
from functools import reduce

from skinprogress.records import Consent


def strictest(consents: Iterable[Consent]) -> Consent:
    """What all records of consent allow together; nothing is recorded where one of them records nothing.

    Examples
    --------
    >>> strictest([Consent(publish=True, scope=("web", "print")), Consent(publish=True, scope=("Web",))]).scope
    ('web',)
    >>> strictest([Consent(publish=True), Consent()]).publish is None
    True
    """
    records = tuple(consents)
    return reduce(_both, records) if records else Consent()


def _both(one: Consent, other: Consent) -> Consent:
    known = {entry.casefold() for entry in other.scope}
    scope = one.scope or other.scope
    if one.scope and known:
        scope = tuple(entry for entry in one.scope if entry.casefold() in known)
    # No purpose that both allow; an empty scope would be every purpose.
    refused = one.publish is False or other.publish is False or bool(one.scope and known and not scope)
    return Consent(
        publish=False if refused else True if one.publish and other.publish else None,
        scope=scope,
        given=max((c.given for c in (one, other) if c.given), default=None),
        until=min((c.until for c in (one, other) if c.until), default=None),
    )
