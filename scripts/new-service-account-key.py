#!/usr/bin/env python3
"""Prints a new service-account key, for callers without Google's: new-service-account-key.py ops@example.com > key.json

The form is that of Google's key files. Keep it secret; the server needs only its public half, which
`tailerd service-account add key.json` takes from it. Needs the package cryptography.
"""

import json
import sys
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def main() -> None:
    if len(sys.argv) != 2 or "@" not in sys.argv[1]:
        sys.exit(__doc__)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {
        "type": "service_account",
        "private_key_id": uuid.uuid4().hex,
        "private_key": pem.decode(),
        "client_email": sys.argv[1],
    }
    print(json.dumps(key, indent=2))


if __name__ == "__main__":
    main()
