"""The layers of configuration, brought together: environment over secret files over `bot.toml`.

Nothing is judged here but where a value comes from; what it says is judged in `config.loading`.
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_settings import EnvSettingsSource, NestedSecretsSettingsSource, SecretsSettingsSource, SettingsError

from config.not_yet import NOT_YET, keys_of
from config.problems import Problem
from config.settings import Settings

PREFIX = "POLICYBELL_"
PATH_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_PATH = Path("bot.toml")

# Where container engines put secrets; everybody inside the container may read it.
_SYSTEM_SECRETS = Path("/run/secrets")

SECRETS = frozenset(
    {
        "telegram.token",
        "slack.bot_token",
        "slack.app_token",
        "slack.signing_secret",
        "slack.client_secret",
        "web.admin_token",
        "keys.courtlistener",
        "keys.regulations",
        "keys.congress",
    }
)

SECTIONS: Mapping[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}

Tree = dict[str, Any]


def gather(path: Path | None, environ: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    """Return what the layers say together, and what is wrong with where they say it."""
    tree: Tree = {}
    problems: list[Problem] = []
    for layer, wrong in (
        _from_file(path, environ),
        _from_directories(environ),
        _from_secret_files(environ),
        _from_environment(environ),
    ):
        tree = _over(tree, layer)
        problems += wrong
    return tree, problems


def file_of(path: Path | None, environ: Mapping[str, str]) -> Path:
    """Say which file holds the settings: the one that was named, in a call or in the environment, else `bot.toml`."""
    return _named(path, environ) or DEFAULT_PATH


def variable(key: str) -> str:
    """Write a setting's path as the environment has it: `slack.bot_token` is POLICYBELL_SLACK__BOT_TOKEN."""
    return PREFIX + key.upper().replace(".", "__")


def setting_keys() -> frozenset[str]:
    """Every key of a section, as `section.key`: those that something obeys and those that nothing obeys yet."""
    obeyed = {f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields}
    return frozenset(obeyed | {key for key in NOT_YET if "[]" not in key})


def _over(lower: Tree, upper: Tree) -> Tree:
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _from_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    named = _named(path, environ)
    file = named or DEFAULT_PATH
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, [(str(file), "there is no such file")] if named else []
    except OSError as error:
        return {}, [(str(file), f"cannot be read: {error.strerror}")]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [(str(file), f"is not TOML: {error}")]
    return tree, list(_take_out_secrets(tree))


def _named(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    return path or (Path(environ[PATH_VARIABLE]) if environ.get(PATH_VARIABLE) else None)


def _take_out_secrets(tree: Tree) -> Iterator[Problem]:
    for path in sorted(SECRETS):
        section, _, key = path.partition(".")
        table = tree.get(section)
        if isinstance(table, dict) and key in table:
            del table[key]
            yield path, f"does not belong in a file that people share: put it in the environment as {variable(path)}"


def _from_directories(environ: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    """Read files such as `telegram__token` from the directories that a service manager makes for secrets."""
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    places = [_SYSTEM_SECRETS, *([Path(credentials)] if credentials else [])]
    try:
        if credentials and Path(credentials).is_dir():
            next(Path(credentials).iterdir(), None)  # else one that may not be read would count as an empty one
        source = NestedSecretsSettingsSource(
            SecretsSettingsSource(Settings),
            secrets_dir=places,
            secrets_dir_missing="ok",
            secrets_prefix="",  # without this and the next line the files are ignored
            secrets_nested_delimiter="__",
        )
        # Other programs' secrets may lie there too, under any name.
        source.env_vars = {name: text for name, text in source.env_vars.items() if "__" in name}
        return source(), []
    except (SettingsError, OSError, UnicodeDecodeError) as error:
        return {}, [(" or ".join(map(str, places)), f"its secrets cannot be read: {error}")]


def _from_secret_files(environ: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    """Read the files that variables such as POLICYBELL_TELEGRAM__TOKEN_FILE name."""
    tree: Tree = {}
    problems: list[Problem] = []
    for path in sorted(SECRETS):
        section, _, key = path.partition(".")
        name = f"{variable(path)}_FILE"
        if not environ.get(name):
            continue
        try:
            tree = _over(tree, {section: {key: _private_text(Path(environ[name]))}})
        except OSError as error:
            problems.append((name, f"{environ[name]} cannot be read: {error.strerror}"))
        except UnicodeDecodeError:
            problems.append((name, f"{environ[name]} is no text"))
        except ValueError as error:
            problems.append((name, str(error)))
    return tree, problems


def _private_text(file: Path) -> str:
    if file.stat().st_mode & stat.S_IROTH:
        raise ValueError(f"everybody may read {file}. Run: chmod 600 {file}")
    return file.read_text(encoding="utf-8").strip()


def _from_environment(environ: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
    apart = {PATH_VARIABLE, *(f"{variable(path)}_FILE" for path in SECRETS)}
    given = {name: text for name, text in given.items() if name not in apart}
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): text for name, text in given.items()}
    try:
        tree = source()
    except SettingsError as error:
        return {}, [("environment", str(error))]
    problems: list[Problem] = []
    for name, text in given.items():
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        if section in (*SECTIONS, "sources", "topics"):
            continue
        if keys_of(section) and key:
            tree.setdefault(section, {})[key] = text
        else:
            problems += _unknown_variable(name)
    return tree, problems


def _unknown_variable(name: str) -> Iterator[Problem]:
    """Complain of a variable that is written like a setting, or nearly like one; others may have their own use."""
    known = {variable(key).removeprefix(PREFIX): variable(key) for key in setting_keys()}
    close = get_close_matches(name.removeprefix(PREFIX), known, n=1)
    if "__" in name or close:
        yield name, f"not a setting.{f' Did you mean {known[close[0]]}?' if close else ''}"
