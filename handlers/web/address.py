"""Where the pages listen: the port that was asked for, or the next free one."""

from __future__ import annotations

import errno
import socket

from bot.errors import ConfigError

_TRIES = 20


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen. A busy port gives way to the next free one; port 0 is any free one."""
    for candidate in (*range(port, port + _TRIES if port else 1), 0):
        try:
            return _bind(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(
                    (("web.listen", f"cannot listen on {host} port {candidate}: {error.strerror}"),)
                ) from error
    raise ConfigError((("web.listen", f"no free port on {host}"),))


def url_of(host: str, bound: socket.socket) -> str:
    """Write the address that people open."""
    return f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound
