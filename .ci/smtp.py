"""An SMTP server that keeps what it gets: smtp.py PORT FILE CERTIFICATE KEY [--tls starttls|tls|none]

Takes mail of the user `tailerd` with the password `let me in`, after encryption (without any with `none`). Each message becomes a line
of JSON in FILE, read by Python's own parser: sender, recipients, headers, plain text and HTML. Recipients that begin with `refused` are
refused for good, those that begin with `busy` once. Says `listening on PORT` when it does.
"""

import argparse
import asyncio
import email.policy
import json
import ssl
from email import message_from_bytes

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Keep:
    def __init__(self, file):
        self.file = file
        self.busy = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("busy") and address not in self.busy:
            self.busy.add(address)
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=email.policy.default)
        body = lambda kind: (part := message.get_body((kind,))) and part.get_content()
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None,
            "user": session.auth_data.decode() if session.auth_data else None,
            "headers": {name: str(value) for name, value in message.items()},
            "type": message.get_content_type(),
            "plain": body("plain"),
            "html": body("html"),
        }
        with open(self.file, "a") as kept:
            kept.write(json.dumps(line) + "\n")
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"tailerd", b"let me in")
    # Not handled: the server itself answers 535.
    return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name in ("file", "certificate", "key"):
        parser.add_argument(name)
    parser.add_argument("--tls", choices=("starttls", "tls", "none"), default="starttls")
    asked = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(asked.certificate, asked.key)
    keep = Keep(asked.file)
    if asked.tls == "none":
        make = lambda: SMTP(keep)
    else:
        starttls = asked.tls == "starttls"
        make = lambda: SMTP(
            keep, authenticator=check, auth_required=True, auth_require_tls=starttls, require_starttls=starttls,
            tls_context=context if starttls else None)
    server = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", asked.port, ssl=context if asked.tls == "tls" else None)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
