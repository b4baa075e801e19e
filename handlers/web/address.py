"""Where the pages listen: the port that was asked for, or the next free one."""

from __future__ import annotations

import errno
import socket

from bot.errors import ConfigError

_TRIES = 20
_HIGHEST_PORT = 65_535


def listen(host: str, port: int, *, only_there: bool = False) -> socket.socket:
    """Bind and listen. A busy port gives way to the next free one; port 0 is any free one.

    With `only_there` it does not: others, such as a proxy, look for us at that port.
    """
    for candidate in range(port, min(port + (1 if only_there else _TRIES), _HIGHEST_PORT + 1)):
        if bound := _bind(host, candidate):
            return bound
    if only_there:
        raise ConfigError((("web.listen", f"port {port} on {host} is busy, and others look for this bot there"),))
    raise ConfigError((("web.listen", f"ports {port} to {port + _TRIES - 1} on {host} are all busy"),))


def url_of(host: str, bound: socket.socket) -> str:
    """Write the address that people open."""
    return f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"


def _bind(host: str, port: int) -> socket.socket | None:
    """Take a port; None where somebody else has it."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
        bound.bind((host, port))
        bound.listen()
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise ConfigError((("web.listen", f"cannot listen on {host} port {port}: {error.strerror}"),)) from error
    return bound
