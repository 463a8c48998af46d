"""What the record of consent allows."""

from datetime import date

import pytest

from skinprogress.outputs.composing.consent import rule_on_consent
from skinprogress.records import Consent

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("consent", "purpose", "says"),
    [
        (Consent(publish=False), "", "publish = false"),
        (Consent(publish=False, scope=("web",)), "web", "publish = false"),
        (Consent(publish=True, until=date(2026, 5, 31)), "", "31 May 2026"),
        (Consent(until=date(2026, 5, 31)), "", "31 May 2026"),
        (Consent(publish=True, given=date(2026, 6, 2)), "", "2 June 2026"),
        (Consent(publish=True, scope=("web", "print")), "Instagram", "web and print, not for Instagram"),
    ],
)
def test_refusals_name_the_reason_and_a_remedy(consent: Consent, purpose: str, says: str) -> None:
    ruling = rule_on_consent(consent, purpose=purpose, today=TODAY)
    assert not ruling.allowed
    assert says in ruling.text and "course.toml" in ruling.remedy


@pytest.mark.parametrize(
    ("consent", "purpose", "text"),
    [
        (Consent(), "web", "consent not recorded: ask before you show this picture"),
        (Consent(scope=("web",)), "Web ", "consent not recorded: ask before you show this picture"),
        (Consent(publish=True), "anything", "consent recorded for anything"),
        (Consent(publish=True, scope=(" ",)), "", "consent recorded"),
        (Consent(publish=True, scope=("web", "print")), "", "consent recorded for web and print only"),
        (Consent(publish=True, scope=("Web  site",)), "web site", "consent recorded for web site"),
        (Consent(publish=True, given=TODAY, until=TODAY), "", "consent recorded, until 1 June 2026"),
    ],
)
def test_what_is_allowed_says_how_far(consent: Consent, purpose: str, text: str) -> None:
    ruling = rule_on_consent(consent, purpose=purpose, today=TODAY)
    assert ruling.allowed and ruling.text == text and not ruling.remedy


def test_where_consent_is_needed_what_is_not_recorded_is_no() -> None:
    ruling = rule_on_consent(Consent(), today=TODAY, need_consent=True)
    assert not ruling.allowed and "not recorded" in ruling.text and "course.toml" in ruling.remedy
    assert rule_on_consent(Consent(publish=True), today=TODAY, need_consent=True).allowed
