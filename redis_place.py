"""Where the Redis is, as its URL says: one server, or the Sentinels or the Cluster nodes that know the right one.

    redis://[user:password@]host[:port][/db]                                       one server
    redis+sentinel://[user:password@]host[:port][,host[:port]...]/master[/db]      the master that these Sentinels name
    redis+cluster://[user:password@]host[:port][,host[:port]...]                   the node that has Callboard's slot

With `rediss` in place of `redis` everything is TLS; `unix:///path` is one server, too. User, password and the options
after a question mark are for Redis; Sentinels that want credentials get `sentinel_username` and `sentinel_password`.
"""

import re
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

SENTINEL_PORT = 26379
NODE_PORT = 6379

#: All keys of a deployment go into one slot of a cluster, the one of this hash tag: a script, a blocking move and a
#: transaction may touch no other. Source: the Redis Cluster specification, "Hash tags".
CLUSTER_KEY_PREFIX = "{callboard}:"

#: A password is known by so many of its first characters, where no more of it stands between two quotation marks.
RECOGNIZED = 4

_MANY = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>sentinel|cluster)://(?:(?P<user>[^/?#]*)@)?(?P<hosts>[^/?#@]+)"
    r"(?:/(?P<path>[^?#]*))?(?:\?(?P<options>[^#]*))?"
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_MASTER = re.compile(r"([A-Za-z0-9._-]+)(?:/([0-9]+))?")


class Address(NamedTuple):
    """A TCP host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class RedisPlace:
    """What a URL says, taken apart.

    Attributes:
        location: the URL without user, password and options, for log lines and messages.
        server_url: what redis-py reads. The host is that of the server only when there is nobody to ask for it.
        master: what the Sentinels call it.
    """

    location: str
    server_url: str = field(repr=False)
    sentinels: tuple[Address, ...] = ()
    master: str = ""
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    nodes: tuple[Address, ...] = ()

    @property
    def secrets(self) -> frozenset[str]:
        """The passwords, as they are sent to a server."""
        parts = urlsplit(self.server_url)
        given = (unquote(parts.password or ""), dict(parse_qsl(parts.query)).get("password"), self.sentinel_password)
        return frozenset(filter(None, given))


def without_secrets(text: str, secrets: frozenset[str]) -> str:
    """What Redis has said, with each of its passwords hidden: a Redis that does not know AUTH, which can be renamed,
    quotes its arguments in the error."""
    for secret in secrets:
        for quote in "'`\"":
            text = _without(text, secret, quote)
    return text


def _without(text: str, secret: str, quote: str) -> str:
    # Redis quotes 128 bytes, and so at times no more than the beginning of a password.
    beginning, rest = secret[:RECOGNIZED], secret[RECOGNIZED:]
    before, *pieces = text.split(quote + beginning)
    for piece in pieces:
        alike = takewhile(lambda two: two[0] == two[1], zip(piece, rest, strict=False))
        quoted = sum(1 for _ in alike)
        is_secret = piece[quoted : quoted + 1] == quote
        before += f"{quote}***{piece[quoted:]}" if is_secret else quote + beginning + piece
    return before


def read_place(url: str) -> RedisPlace:
    """What the URL says.

    Raises:
        ValueError: when it has none of the forms above. Of one server's URL the options are not looked at.
    """
    if not re.match(r"rediss?\+", url):
        parts = urlsplit(url)
        return RedisPlace(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", url)
    if not (parts_of_many := _MANY.fullmatch(url)):
        raise ValueError("malformed URL")
    scheme, kind, user, hosts, path, query = parts_of_many.groups(default="")
    options = dict(parse_qsl(query, strict_parsing=bool(query)))
    if kind == "cluster":
        return _cluster(scheme, user, hosts, path, options)
    return _sentinels(scheme, user, hosts, path, options)


def read_address(text: str, default_port: int) -> Address:
    """`host:port`, `[IPv6 address]:port`, or one of them without the port.

    Raises:
        ValueError: when it is something else.
    """
    if not (parts := _HOST.fullmatch(text)) or not 1 <= (port := int(parts[2] or default_port)) <= 65535:
        raise ValueError("malformed address")
    host = parts[1].strip("[]")
    check_host(host)
    return Address(host, port)


def check_host(host: str) -> None:
    """Python looks no name up that has an empty part, or one of more than 63 characters, and fails in its own way.

    Raises:
        ValueError: when it is such a one.
    """
    host.encode("idna")


def _sentinels(scheme: str, user: str, hosts: str, path: str, options: dict[str, str]) -> RedisPlace:
    addresses = tuple(read_address(host, SENTINEL_PORT) for host in hosts.split(","))
    if not (parts := _MASTER.fullmatch(path)):
        raise ValueError("no name of a master")
    return RedisPlace(
        location=f"{scheme}+sentinel://{hosts}/{path}",
        sentinels=addresses,
        master=parts[1],
        sentinel_username=options.pop("sentinel_username", None),
        sentinel_password=options.pop("sentinel_password", None),
        server_url=_server_url(scheme, user, addresses[0], parts[2] or "0", options),
    )


def _cluster(scheme: str, user: str, hosts: str, path: str, options: dict[str, str]) -> RedisPlace:
    addresses = tuple(read_address(host, NODE_PORT) for host in hosts.split(","))
    if path not in {"", "0"} or options.get("db", "0") != "0":
        raise ValueError("a cluster has no other database than 0")
    return RedisPlace(
        location=f"{scheme}+cluster://{hosts}",
        nodes=addresses,
        server_url=_server_url(scheme, user, addresses[0], "0", options),
    )


def _server_url(scheme: str, user: str, address: Address, database: str, options: dict[str, str]) -> str:
    return f"{scheme}://{user}{'@' if user else ''}{address}/{database}{'?' if options else ''}{urlencode(options)}"
