"""A Redis that speaks nothing but TLS and wants to see a certificate of its clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from client.redis_server import RedisServer, why_no_answer
from redis_place import Address
from tests.configured import complaint
from tests.sentinel_set import MASTER, Sentinel
from tests.system import System, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire

PASSWORD = "hush-hush"  # noqa: S105


class Certificates:
    """Files of an authority, and of a server and a client that it vouches for."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.authority)
        self.server, self.server_key = self._issue(authority, folder / "server", "127.0.0.1")
        self.client, self.client_key = self._issue(authority, folder / "client", "callboard")
        self.other_authority = str(folder / "other-ca.pem")
        trustme.CA().cert_pem.write_to_path(self.other_authority)

    @staticmethod
    def _issue(authority: trustme.CA, path: Path, name: str) -> tuple[str, str]:
        certificate, key = path.with_suffix(".pem"), path.with_suffix(".key")
        issued = authority.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        issued.private_key_pem.write_to_path(str(key))
        return str(certificate), str(key)

    def server_settings(self) -> dict[str, str]:
        """What redis.conf says of them."""
        return {
            "tls-cert-file": self.server,
            "tls-key-file": self.server_key,
            "tls-ca-cert-file": self.authority,
        }

    def options(self, authority: str | None = None) -> str:
        """What the URL of a client ends with."""
        ca = authority or self.authority
        return f"ssl_ca_certs={ca}&ssl_certfile={self.client}&ssl_keyfile={self.client_key}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator["TLSServer"]:
    with TLSServer(certificates) as server:
        yield server


class TLSServer(RedisServer):
    """Has no port but the one for TLS."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        super().__init__("--requirepass", PASSWORD)

    def start(self) -> None:
        """Starts the server."""
        self.url = f"rediss://:{PASSWORD}@127.0.0.1:{self.port}/0?{self._certificates.options()}"
        super().start()

    def _command(self) -> list[str]:
        ports = ["--port", "0", "--tls-port", str(self.port)]
        files = self._certificates.server_settings()
        return [*super()._command(), *ports, *(word for name, path in files.items() for word in (f"--{name}", path))]


class TLSSentinel(Sentinel):
    """The same for a Sentinel."""

    def __init__(self, server: TLSServer, certificates: Certificates) -> None:
        self._certificates = certificates
        settings = certificates.server_settings() | {"tls-replication": "yes", f"sentinel auth-pass {MASTER}": PASSWORD}
        lines = [f"{name} {value}" for name, value in settings.items()]
        super().__init__(Address("127.0.0.1", server.port), "port 0", *lines)

    def start(self) -> None:
        """Starts the Sentinel."""
        self.url = f"rediss://127.0.0.1:{self.port}?{self._certificates.options()}"
        self._lines = (f"tls-port {self.port}", *self._lines)
        super().start()


def test_a_whole_system_works_over_tls(project: Path, server: RedisServer) -> None:
    with System(project, server.url) as system:
        system.start("ingress")
        system.start("worker")
        with Wire(server.url) as wire:
            assert wire.ask("reverse_string", {"text": "abc"})["result"] == {"reversed_text": "cba"}
            assert wire.ask("reverse_string", {"text": "ab" * 50_000})["result"] == {"reversed_text": "ba" * 50_000}


def test_a_wrong_authority_is_told_without_a_secret(
    project: Path, server: RedisServer, certificates: Certificates
) -> None:
    with System(project, with_authority(server, certificates, certificates.other_authority)) as system:
        system.launch("ingress")
        wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in system.log("ingress"), "the ingress says what is wrong")
        assert PASSWORD not in system.log("ingress")


def test_make_run_finds_a_redis_with_tls(server: RedisServer) -> None:
    assert why_no_answer(server.url) is None


def test_make_run_tells_a_wrong_authority_without_a_secret(
    project: Path, server: RedisServer, certificates: Certificates
) -> None:
    url = with_authority(server, certificates, certificates.other_authority)
    ended = run_to_its_end(project, ["-m", "client.run"], environment(url))
    assert ended.returncode == 1
    assert f"no Redis answers at rediss://127.0.0.1:{server.port}/0" in ended.stderr
    assert "certificate verify failed" in ended.stderr
    assert PASSWORD not in ended.stderr


def test_sentinels_are_asked_over_tls_as_well(server: TLSServer, certificates: Certificates) -> None:
    with TLSSentinel(server, certificates) as sentinel:
        url = f"rediss+sentinel://:{PASSWORD}@127.0.0.1:{sentinel.port}/{MASTER}?{certificates.options()}"
        assert wait_until(lambda: why_no_answer(url) is None, "the Sentinel has found the master")


def test_who_shows_no_certificate_is_not_let_in(server: RedisServer, certificates: Certificates) -> None:
    without = f"rediss://:{PASSWORD}@127.0.0.1:{server.port}/0?ssl_ca_certs={certificates.authority}"
    assert why_no_answer(without)


@pytest.mark.parametrize("option", ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile"])
@pytest.mark.parametrize("place", ["rediss://:{}@db/0", "rediss+sentinel://:{}@s1/mymaster", "rediss+cluster://:{}@n1"])
def test_a_file_that_is_not_there_is_named_at_the_start(option: str, place: str) -> None:
    line = complaint({}, REDIS_URL=f"{place.format(PASSWORD)}?{option}=/no/such.pem")
    assert f"{option} cannot be read: '/no/such.pem': No such file" in line
    assert PASSWORD not in line


def with_authority(server: RedisServer, certificates: Certificates, authority: str) -> str:
    return server.url.replace(certificates.authority, authority)
