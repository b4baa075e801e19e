"""Whether everything that a bot stands on is well."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from bot.cli.asking import with_config, with_json
from bot.clock import SystemClock
from bot.doctor import Finding, Verdict, examine_everything, probe
from config import load


@click.command()
@with_config
@with_json
@click.option("--probe", "probing", is_flag=True, help="Only ask a running bot whether it lives: for health checks.")
def doctor(config: Path | None, *, as_json: bool, probing: bool) -> int:
    """Look at everything the bot stands on, and say what to do where it is not well."""
    settings = load(config, os.environ)
    if probing:
        why = probe(settings.web.listen)
        click.echo(
            json.dumps({"ok": not why, "why": why}) if as_json else why or "alive", err=bool(why) and not as_json
        )
        return 1 if why else 0
    findings = tuple(examine_everything(settings, SystemClock().now()))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        _show(findings)
    return 1 if any(finding.verdict is Verdict.BAD for finding in findings) else 0


def _show(findings: tuple[Finding, ...]) -> None:
    colors = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.BAD: "red"}
    for finding in findings:
        click.echo(
            f"{click.style(f'{finding.verdict:<4}', fg=colors[finding.verdict])}  {finding.what:<16}  {finding.words}"
        )
        if finding.advice:
            click.echo(f"{'':<24}{finding.advice}")
