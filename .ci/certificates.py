"""A certificate for 127.0.0.1 and localhost, and the authority that signed it: certificates.py CA CERTIFICATE KEY"""

import datetime
import ipaddress
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = x509.oid.NameOID.COMMON_NAME


def named(name):
    return x509.Name([x509.NameAttribute(NAME, name)])


def sign(subject, key, issuer, by, *extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer)).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


ca, certificate, key = sys.argv[1:]
authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
with open(ca, "wb") as file:
    file.write(sign("tests", authority, "tests", authority, (x509.BasicConstraints(ca=True, path_length=None), True)))
with open(certificate, "wb") as file:
    file.write(sign("localhost", server, "tests", authority, (names, False), (x509.BasicConstraints(False, None), True)))
with open(key, "wb") as file:
    file.write(server.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
