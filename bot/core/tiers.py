"""What kind of document this is: a change of policy, a routine notice, one person's case, or press about it.

Order of trust: the publisher's own structured fields, the publisher's kind, anchored phrases in the title. Bare words
decide nothing. Whether a document is about the subject at all is not asked here: topics say that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from bot.core.intake import Standing
from bot.core.links import host_of
from bot.core.model import Document
from bot.core.terms import straighten


class Tier(StrEnum):
    """The kinds. `none` is for a document that no topic finds."""

    POLICY = "policy"
    NOTICE = "notice"
    CASE = "case"
    NEWS = "news"
    NONE = "none"


TOLD: Final = frozenset({Tier.POLICY, Tier.NEWS})  # what a chat is told of by default


class Judgment(NamedTuple):
    """A tier, and by what it was recognized, in words."""

    tier: Tier
    because: str


# Names of agencies say who speaks, not of what: "Customs and Border Protection" is no border.
_AGENCIES: Final = re.compile(
    r"\b(?:U\.?S\.? |United States )?(?:(?:Bureau of )?Customs and Border Protection"
    r"|Immigration and Customs Enforcement|Citizenship and Immigration Services"
    r"|Executive Office for Immigration Review)\b",
    re.IGNORECASE,
)
# What the Federal Register calls a document. "Notice" says nothing: a designation is one, a form is one.
_TYPES: Final[Mapping[str, Tier]] = MappingProxyType(
    dict.fromkeys(("rule", "proposed rule", "presidential document", "prorule", "presdocu"), Tier.POLICY)
)
_ROUTINE: Final = re.compile(
    r"\b(?:information collections?|paperwork reduction|comment request|submission for omb|omb review"
    r"|systems? of records|privacy act|computer matching|(?:advisory|council|committee|commission|board) meeting"
    r"|meeting of|notice of (?:public )?meetings?|public meetings?|listening sessions?|(?:advisory )?committee"
    r"|unified agenda|regulatory agenda|semiannual|technical (?:update|correction|amendment)s?"
    r"|agency forms?|notice of (?:funding|availability)|funding opportunit|request for (?:applicants|nominations)"
    r"|environmental (?:impact|assessment)|form [a-z]+-?\d+[a-z]*, )",
    re.IGNORECASE,
)
_CHANGE: Final = re.compile(
    r"\b(?:(?:re-?)?designat(?:ion|ing|es|ed)|terminat(?:ion|ing|es|ed)|exten(?:sion|ding|ds|ded)"
    r"|vacat(?:ur|es|ed|ing)|res?cission|rescind(?:s|ed|ing)?|suspen(?:sion|ding|ds|ded)"
    r"|(?:re)?instat(?:es|ed|ing|ement)|finding of|invocation|implement(?:ation|ing|s)|restrict(?:ion|ing|s)"
    r"|eligibility|fees?|proclamation|executive order|re-?delegation|delegation of authority|pilot"
    r"|requirements?|wage rates?|registration|waivers?|exercise of (?:time-limited )?authority|final rule"
    r"|proposed rule|interim (?:final )?rule|corrections?|revo(?:cation|kes|ked|king)|policy (?:manual|memo\w*|alert)"
    r"|guidance|clarif(?:ication|ies|ying)|numerical limitation|employment authorization|emergency"
    r"|visas?|certification process|selection process|ratification"
    r"|codification|announces new|new rule|begins? accepting|resum(?:es|ed|ption))\b",
    re.IGNORECASE,
)
# How orders are named: "Securing ...", "Ending ...". Some nouns end so, too.
_ORDER: Final = re.compile(
    r"^(?:presidential memorandum; )?(?!meeting|hearing|listening|filing|funding|training|pricing|processing)\w+ing\b",
    re.IGNORECASE,
)
_PERSON: Final = (
    r"(?:aliens?|noncitizens?|non-citizens?|immigrants?|migrants?|nationals?|citizens?|man|men|woman|women|couple"
    r"|leader|contestant|fugitives?|members?|smugglers?|traffickers?|murder(?:er)?s?|killers?|pedophiles?|rapists?"
    r"|predators?|robbers?|burglars?|kidnappers?|assailants?|truckers?|drivers?)"
)
_DONE_TO: Final = r"(?:arrested|indicted|charged|sentenced|convicted|extradited|apprehended|accused)"
_DOES: Final = (
    r"(?:arrest(?:s|ed|ing)?|indict(?:s|ed)?|charges|sentenc(?:es|ed)|convict(?:s|ed)|extradit(?:es|ed)"
    r"|apprehend(?:s|ed)?|captur(?:es|ed)|nabs?|deport(?:s|ed) (?:more )?(?:dangerous )?(?:criminal|illegal))"
)
_CASE: Final = re.compile(
    rf"\b{_DOES}\b[^.;:]{{0,80}}\b{_PERSON}\b"
    rf"|\b{_PERSON}\b[^.;:]{{0,60}}\b(?:{_DONE_TO}|pleads? guilty|pleaded guilty|found guilty)\b"
    r"|\bworst of the worst\b|\blodges? (?:a )?detainer|\bto not release\b|\bnot to release\b|\bguilty plea\b"
    rf"|\b(?:criminal|dangerous) (?:illegal )?alien\b[^.;:]{{0,60}}\bdeported\b"
    r"|\bcharges? (?:of|against)\b.{0,80}\balien",
    re.IGNORECASE,
)
# A law about convicted people is no case of one.
_LAW: Final = re.compile(
    r"\b(?:bills?|laws?(?! and order)|legislation|act|rules?|policy|policies|executive order|proclamation"
    r"|supreme court|appeals court|injunction)\b",
    re.IGNORECASE,
)


def tier_of(document: Document) -> Judgment:
    """Say what kind a document is, taking it for granted that it is about the subject."""
    title = _AGENCIES.sub("", straighten(document.title))
    if document.number or host_of(document.url).endswith("federalregister.gov"):
        return _in_the_register(document, title)
    if (case := _CASE.search(title)) and not _LAW.search(title):
        return Judgment(Tier.CASE, f'one person\'s case: "{case[0]}"')
    if document.standing is not Standing.OFFICIAL:
        return Judgment(Tier.NEWS, "press")
    if routine := _ROUTINE.search(title):
        return Judgment(Tier.NOTICE, f'routine: "{routine[0]}"')
    if change := _CHANGE.search(title):
        return Judgment(Tier.POLICY, f'an official word of a change: "{change[0]}"')
    return Judgment(Tier.NEWS, "an official release that names no change")


def _in_the_register(document: Document, title: str) -> Judgment:
    """The Federal Register prints no press: what is no change of policy is a notice."""
    if routine := _ROUTINE.search(f"{title}\n{document.facts.get('action', '')}"):
        return Judgment(Tier.NOTICE, f'routine: "{routine[0]}"')
    kind = document.facts.get("type", "")
    if tier := _TYPES.get(kind.lower()):
        return Judgment(tier, f"the Federal Register's type: {kind}")
    if change := _ORDER.search(title) or _CHANGE.search(title):
        return Judgment(Tier.POLICY, f'a change is in the title: "{change[0]}"')
    return Judgment(Tier.NOTICE, "a notice without a change in its title")
