"""The settings that something obeys, one frozen model per section of `bot.toml`.

A key stands here from the day something obeys it; those of the contract that wait for their day are in
`config.not_yet`. Defaults are here alone: `bot.toml` shows them, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.core.added import Added
from bot.core.intake import Relevance, SourceSpec, Standing
from bot.core.model import Chat, Topic
from bot.core.office import CLOCKS, Spell
from bot.core.retention import Ages
from config.brisk import read_brisk
from config.dockets import cases_of
from config.not_yet import KINDS_NOT_YET
from config.units import Duration, Share, Size, between, duration_between
from config.words import (
    Address,
    Enabled,
    read_address,
    read_chats,
    read_docket_number,
    read_enabled,
    read_header,
    read_id,
    read_ids,
    read_key,
    read_line,
    read_people,
    read_secret_url,
    read_time_of_day,
    read_url,
    read_who,
    read_zone,
)

Url = Annotated[str, AfterValidator(read_url)]
Line = Annotated[str, AfterValidator(read_line)]
Key = Annotated[SecretStr, AfterValidator(read_key)]
DocketNumber = Annotated[str, AfterValidator(read_docket_number)]


class Section(BaseModel):
    """What every section has in common: frozen, and no key that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Bot(Section):
    name: Annotated[Line, Field(min_length=1, max_length=64)] = "Policybell"
    timezone: Annotated[str, AfterValidator(read_zone)] = "America/New_York"
    language: Literal["en"] = "en"
    data_dir: Path = Path("data")
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Literal["auto", "debug", "info", "warning", "error"] = "auto"
    contact: Annotated[str, AfterValidator(read_header)] = ""


class Fetch(Section):
    tick: Annotated[Duration, duration_between("100ms", "1h")] = timedelta(seconds=15)
    every: Duration = timedelta(minutes=10)
    jitter: Share = 0.2
    concurrency: Annotated[int, AfterValidator(between(1, 64))] = 8
    per_host_delay: Annotated[Duration, duration_between("0s", "1h")] = timedelta(seconds=2)
    timeout: Annotated[Duration, duration_between("1s", "5m")] = timedelta(seconds=20)
    max_bytes: Annotated[Size, AfterValidator(between(1024, 64 * 1024**2))] = 5 * 1024**2
    backoff_max: Annotated[Duration, duration_between("1s", "7d")] = timedelta(hours=6)
    respect_robots: bool = True
    allow_private_addresses: bool = False

    @property
    def least_every(self) -> timedelta:
        """The shortest allowed time between two polls of a source."""
        return timedelta(seconds=1 if self.allow_private_addresses else 60)


class Delivery(Section):
    max_age: Annotated[Duration, duration_between("1s", "30d")] = timedelta(hours=24)
    retry_for: Annotated[Duration, duration_between("1s", "30d")] = timedelta(hours=72)


class Telegram(Section):
    enabled: Annotated[Enabled, BeforeValidator(read_enabled)] = Enabled.AUTO
    token: SecretStr = SecretStr("")
    api_url: Url = "https://api.telegram.org"

    @property
    def is_on(self) -> bool:
        return self.enabled is not Enabled.NO and bool(self.token)

    @model_validator(mode="after")
    def _token_is_there(self) -> Self:
        if self.enabled is Enabled.YES and not self.token:
            raise ValueError("is enabled, and has no token. Set POLICYBELL_TELEGRAM__TOKEN in the environment.")
        return self


class Slack(Section):
    enabled: Annotated[Enabled, BeforeValidator(read_enabled)] = Enabled.AUTO
    mode: Literal["socket", "http"] = "socket"
    bot_token: SecretStr = SecretStr("")
    app_token: SecretStr = SecretStr("")
    signing_secret: SecretStr = SecretStr("")
    client_id: Line = ""
    client_secret: SecretStr = SecretStr("")
    api_url: Url = "https://slack.com/api/"
    command: Annotated[str, Field(pattern=r"^/[a-z0-9_-]{1,31}$")] = "/policybell"
    who: Annotated[Literal["members", "admins"] | tuple[str, ...], BeforeValidator(read_who)] = "members"

    @property
    def is_on(self) -> bool:
        return self.enabled is not Enabled.NO and bool(self.bot_token or self.client_id)

    @property
    def is_for_many(self) -> bool:
        """Whether workspaces install the app by themselves, through OAuth."""
        return bool(self.client_id or self.client_secret)

    @model_validator(mode="after")
    def _tokens_are_there(self) -> Self:
        needed = (
            ("client_id", "client_secret") if self.is_for_many else ("bot_token",),
            ("app_token",) if self.mode == "socket" else ("signing_secret",),
        )
        names = [name for group in needed for name in group]
        wanted = self.enabled is Enabled.YES or self.bot_token or self.app_token or self.is_for_many
        missing = [f"POLICYBELL_SLACK__{name.upper()}" for name in names if not getattr(self, name)]
        if self.enabled is Enabled.NO or not wanted:
            return self
        if missing:
            what = " and ".join(_TOKENS[name] for name in names)
            raise ValueError(f"{self.mode} mode needs {what}. Set {' and '.join(missing)}.")
        if self.is_for_many and self.bot_token:
            raise ValueError("has a bot token, for one workspace, and a client id, for several. Keep one of them.")
        if self.is_for_many and isinstance(self.who, tuple) and not all("/" in person for person in self.who):
            raise ValueError("serves several workspaces: in who, write each person with theirs, such as T0123/U0456.")
        return self


_TOKENS = {
    "bot_token": "a bot token",
    "app_token": "an app token",
    "signing_secret": "a signing secret",
    "client_id": "a client id",
    "client_secret": "a client secret",
}


class Web(Section):
    listen: Annotated[Address, NoDecode, BeforeValidator(read_address)] = Address("127.0.0.1", 8080)
    chat: bool = True
    metrics: bool = True


class Backup(Section):
    """`at` is None where no backups are wanted; an empty `dir` is `backups` in the data directory."""

    at: Annotated[time | None, BeforeValidator(read_time_of_day)] = time(3, 30)
    keep: Annotated[int, AfterValidator(between(1, 365))] = 7
    dir: Line = ""


class Ops(Section):
    operators: Annotated[tuple[Chat, ...], NoDecode, BeforeValidator(read_people)] = ()
    notify: Annotated[tuple[Chat, ...], NoDecode, BeforeValidator(read_chats)] = ()
    ping_url: Annotated[SecretStr, AfterValidator(read_secret_url)] = SecretStr("")
    source_failing_after: Annotated[Duration, duration_between("1m", "30d")] = timedelta(hours=6)
    backup: Backup = Backup()


class Retention(Section):
    items: Annotated[Duration, duration_between("30d", "3650d")] = timedelta(days=400)
    deliveries: Annotated[Duration, duration_between("7d", "3650d")] = timedelta(days=180)
    inactive_chats: Annotated[Duration, duration_between("1d", "365d")] = timedelta(days=30)
    audit: Annotated[Duration, duration_between("1d", "3650d")] = timedelta(days=180)


class Keys(Section):
    """What some interfaces ask to be shown with every request. A source that needs one it has not is not read."""

    courtlistener: Key = SecretStr("")
    regulations: Key = SecretStr("")
    congress: Key = SecretStr("")

    def by_kind(self) -> dict[str, str]:
        """The keys that there are, by the kind of source that shows them."""
        return {kind: key for kind in NEEDS_KEY if (key := getattr(self, kind).get_secret_value())}


NEEDS_KEY = tuple(Keys.model_fields)  # kinds of sources


class Catalogue(Section):
    enabled: Annotated[Literal["default"] | tuple[str, ...], BeforeValidator(read_ids)] = "default"
    from_chats: bool = False


class Source(Section):
    """One `[[sources]]` item. `every` falls back to `fetch.every`, `brisk` to what is usual for the kind."""

    id: Annotated[str, AfterValidator(read_id)]
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    kind: str
    url: Url
    every: Duration | None = None
    brisk: Annotated[tuple[Spell, ...] | None, BeforeValidator(read_brisk)] = None
    standing: Standing = Standing.NEWS
    agency: Line = ""
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en"
    relevance: Relevance = Relevance.FILTER
    select: dict[str, Line] = Field(default_factory=dict)
    cases: dict[DocketNumber, Line] = Field(default_factory=dict)
    elsewhere: Line = ""


def _cases(source: Source) -> Mapping[str, str]:
    return cases_of(source.url, source.cases) if source.kind == "docket" else {}


class Settings(BaseSettings):
    """Everything an operator has decided. Made by `config.load` alone, which brings the layers together."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="POLICYBELL_",
        env_nested_delimiter="__",
    )

    bot: Bot = Bot()
    fetch: Fetch = Fetch()
    delivery: Delivery = Delivery()
    telegram: Telegram = Telegram()
    slack: Slack = Slack()
    web: Web = Web()
    retention: Retention = Retention()
    ops: Ops = Ops()
    catalogue: Catalogue = Catalogue()
    keys: Keys = Keys()
    sources: tuple[Source, ...] = ()
    topics: tuple[Topic, ...] = ()
    not_yet: tuple[tuple[str, str], ...] = ()
    """What was set and nothing obeys yet, as (path, why in words); to be warned of once logs are set up."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else: `config.layers` reads the environment that it is handed."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    def source_specs(self) -> tuple[SourceSpec, ...]:
        """The sources that are polled: those that nothing is missing for."""
        return tuple(
            SourceSpec(
                id=source.id,
                kind=source.kind,
                name=source.name,
                url=source.url,
                every=source.every or self.fetch.every,
                brisk=CLOCKS.get(source.kind, ()) if source.brisk is None else source.brisk,
                standing=source.standing,
                agency=source.agency,
                language=source.language,
                relevance=source.relevance,
                select=source.select,
                elsewhere=source.elsewhere,
                only=_cases(source),
            )
            for source in self.sources
            if not self._waits(source)
        )

    def all_sources(self, added: Iterable[Added]) -> tuple[SourceSpec, ...]:
        """The sources that are polled, with those that people added; of chats only where that is let to them."""
        wanted = (one for one in added if one.chat is None or self.catalogue.from_chats)
        return (*self.source_specs(), *(one.spec(self.fetch.every) for one in wanted))

    def not_yet_sources(self) -> tuple[tuple[str, str, str], ...]:
        """The sources that wait for something, as (id, name, why in words)."""
        return tuple((s.id, s.name, why) for s in self.sources if (why := self._waits(s)))

    def _waits(self, source: Source) -> str:
        """Say what a source waits for; "" where it can be read."""
        if source.kind in NEEDS_KEY and source.kind not in self.keys.by_kind():
            return f"it needs a key: set POLICYBELL_KEYS__{source.kind.upper()}"
        if source.kind == "docket" and not _cases(source):
            return "no case of this court is listed: name some under cases"
        return KINDS_NOT_YET.get(source.kind, "")

    def backups_dir(self) -> Path:
        """Where backups are put."""
        return Path(self.ops.backup.dir) if self.ops.backup.dir else self.bot.data_dir / "backups"

    def ages(self) -> Ages:
        """For how long each thing is kept."""
        kept = self.retention
        backups = timedelta(days=self.ops.backup.keep)
        return Ages(kept.items, kept.deliveries, kept.inactive_chats, kept.audit, backups)

    def secrets(self) -> frozenset[str]:
        """Every secret value, for the redaction of logs."""
        slack = self.slack
        kept = (
            self.telegram.token,
            self.ops.ping_url,
            slack.bot_token,
            slack.app_token,
            slack.signing_secret,
            slack.client_secret,
            self.keys.courtlistener,
            self.keys.regulations,
            self.keys.congress,
        )
        return frozenset(secret.get_secret_value() for secret in kept if secret)
