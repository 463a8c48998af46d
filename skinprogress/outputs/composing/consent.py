"""Whether a client's pictures may be shown, by what was recorded of their consent."""

from dataclasses import dataclass
from datetime import date

from skinprogress.comparison.sentences import session_text
from skinprogress.outputs.wording import listed
from skinprogress.records import Consent
from skinprogress.settings import OutputOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRuling:
    """What the record of consent says about making a picture to show.

    Attributes
    ----------
    allowed : bool
    text : str
        What is known of the consent, in words that may stand after "Consent to publish: " or alone.
    remedy : str
        What to do where the picture may not be made; empty where it may.
    """

    allowed: bool
    text: str
    remedy: str = ""


def rule_on_consent(consent: Consent, *, purpose: str = "", today: date, need_consent: bool = False) -> ConsentRuling:
    """Decide whether a picture may be made to be shown.

    Parameters
    ----------
    consent : Consent
    purpose : str
        What it is for, held against the consent's scope without regard to case; empty: nobody said.
    today : date
    need_consent : bool
        Refuse where no consent is recorded.

    Returns
    -------
    ConsentRuling
        Missing consent is "not recorded", never yes: where none is needed the picture is made, and the words say to
        ask. An empty scope is every purpose. Where there is a scope and nobody said what the picture is for, the words
        name the scope.
    """
    again = "ask the client again, and write the answer into [consent] of course.toml"
    if consent.publish is False:
        return _refused("the client does not consent to publishing (publish = false in course.toml)", again)
    if consent.until is not None and consent.until < today:
        return _refused(f"the client's consent to publish ended on {_day(consent.until)}", again)
    if consent.given is not None and consent.given > today:
        reason = f"the client's consent to publish is given from {_day(consent.given)} on, and today is {_day(today)}"
        return _refused(reason, "wait until then, or correct given in [consent] of course.toml")
    scope = [" ".join(entry.split()) for entry in consent.scope if entry.strip()]
    wanted = " ".join(purpose.split())
    if scope and wanted and wanted.casefold() not in {entry.casefold() for entry in scope}:
        reason = f"the client's consent to publish is for {listed(scope)}, not for {wanted}"
        return _refused(reason, "ask the client, and add the purpose to scope in [consent] of course.toml")
    if consent.publish is None and need_consent:
        remedy = "ask the client, and write the answer into [consent] of course.toml"
        return _refused("the client's consent to publish is not recorded", remedy)
    if consent.publish is None:
        return ConsentRuling(allowed=True, text="consent not recorded: ask before you show this picture")
    until = f", until {_day(consent.until)}" if consent.until else ""
    where = f" for {wanted}" if wanted else f" for {listed(scope)} only" if scope else ""
    return ConsentRuling(allowed=True, text=f"consent recorded{where}{until}")


def rule_for_outputs(consent: Consent, options: OutputOptions | None) -> ConsentRuling:
    """Decide today, as :func:`rule_on_consent`, whether a run may make pictures to show."""
    return rule_on_consent(consent, today=date.today(), need_consent=options is not None and options.need_consent)


def _refused(text: str, remedy: str) -> ConsentRuling:
    return ConsentRuling(allowed=False, text=text, remedy=remedy)


def _day(day: date) -> str:
    return session_text(day.isoformat())
