"""A certificate authority of one world, so that clients can speak TLS to names that nobody else can certify.

Its own certificate is for `--cacert`, a test's trust store, or a browser's; each name gets a leaf when it is first
asked for. The key stays in the world's state folder, readable by its owner alone. Whoever makes their whole system
trust this authority trusts everybody who can read that file: better to hand it to the one client that needs it.
"""

from __future__ import annotations

import collections
import datetime
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from globule.host.clock import Clock

AUTHORITY_FILE = "authority.pem"
_KEY_FILE = "authority.key"
_AUTHORITY_DAYS = 3650
# Browsers refuse leaves that are valid for more than 398 days.
_LEAF_DAYS = 390
# Clocks of containers and hosts differ a little.
_BACKDATED = datetime.timedelta(days=1)
# Names in use at once; making a leaf again takes a millisecond or two.
_CONTEXTS = 256
# For clients that do not say which name they want.
_DEFAULT_NAME = "localhost"
# The common name of a subject has room for this many characters; the full name is in the extension.
_COMMON_NAME_CHARACTERS = 64


class CertificateAuthority:
    """`open` loads or makes it."""

    def __init__(
        self, folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, clock: Clock
    ) -> None:
        self._folder = folder
        self._key = key
        self._certificate = certificate
        self._clock = clock
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: collections.OrderedDict[str, ssl.SSLContext] = collections.OrderedDict()

    def __repr__(self) -> str:
        return f"<CertificateAuthority {self.file} contexts={len(self._contexts)}>"

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> CertificateAuthority:
        """From a folder, which it makes. Raises OSError, or ValueError where the files there are damaged."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            key = serialization.load_pem_private_key((folder / _KEY_FILE).read_bytes(), None)
            certificate = x509.load_pem_x509_certificate((folder / AUTHORITY_FILE).read_bytes())
        except FileNotFoundError:
            return cls(folder, *_make_authority(folder, clock), clock)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{folder / _KEY_FILE} is not a key of this authority")
        return cls(folder, key, certificate, clock)

    @property
    def file(self) -> Path:
        """The authority's certificate, for clients to trust."""
        return self._folder / AUTHORITY_FILE

    def server_context(self) -> ssl.SSLContext:
        """For a server of any name: the certificate is chosen by what the client asks for (SNI)."""
        context = self._context_for(_DEFAULT_NAME)

        def choose(tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: Any) -> int | None:
            if not name:
                return None
            try:
                tls.context = self._context_for(name.lower())
            except ValueError:  # not a host name that a certificate can hold
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            return None

        context.sni_callback = choose
        return context

    def _context_for(self, name: str) -> ssl.SSLContext:
        context = self._contexts.get(name)
        if context is None:
            context = self._contexts[name] = self._make_context(name)
            if len(self._contexts) > _CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(name)
        return context

    def _make_context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        pem = serialization.Encoding.PEM
        chain = self._make_leaf(name).public_bytes(pem) + self._certificate.public_bytes(pem) + _pem(self._leaf_key)
        # OpenSSL reads certificates from files only; this one is the owner's alone, and gone at once.
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".pem") as file:
            file.write(chain)
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _make_leaf(self, name: str) -> x509.Certificate:
        now = _now(self._clock)
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_COMMON_NAME_CHARACTERS])]))
            .issuer_name(self._certificate.subject)
            .public_key(self._leaf_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + datetime.timedelta(days=_LEAF_DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usages, critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _make_authority(folder: Path, clock: Clock) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = _now(clock)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Globule, the world in {folder.parent.name}"[:64])])
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment"), False)
    usage |= dict.fromkeys(("data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / _KEY_FILE, _pem(key), mode=0o600)
    _write(folder / AUTHORITY_FILE, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return key, certificate


def _write(path: Path, data: bytes, *, mode: int) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    partial.replace(path)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _now(clock: Clock) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(clock.now(), datetime.UTC)
