#!/usr/bin/env python3
"""Prints a bearer token signed with a service account's key: google-jwt-generator.py your-credentials.json

The token is for the audience in TAILERD_AUDIENCE (default http://127.0.0.1:8080) and lasts an hour. Needs the package
google-auth. The key may be Google's or one of new-service-account-key.py; the server must trust it:
tailerd service-account add your-credentials.json --account 000110 --role operator
"""

import json
import os
import sys
import time

from google.auth import crypt, jwt


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        key = json.load(file)
    now = int(time.time())
    email = key["client_email"]
    claims = {
        "iss": email,
        "sub": email,
        "email": email,
        "aud": os.environ.get("TAILERD_AUDIENCE", "http://127.0.0.1:8080"),
        "iat": now,
        "exp": now + 3600,
    }
    print(jwt.encode(crypt.RSASigner.from_service_account_info(key), claims).decode())


if __name__ == "__main__":
    main()
