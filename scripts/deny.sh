#!/usr/bin/env bash
# Licences, bans and sources of every dependency: always, from the lock file alone. Advisories: when their database, which
# lies on the network, can be reached; otherwise it says that they were not checked.
set -euo pipefail

if ! cargo deny --version >/dev/null 2>&1; then
    if [ -n "${CI-}" ]; then
        echo 'error: cargo-deny is not installed (cargo install --locked cargo-deny)' >&2
        exit 1
    fi
    echo 'hint: licences and advisories are not checked: cargo install --locked cargo-deny' >&2
    exit 0
fi

cargo deny --locked check bans licenses sources
if cargo deny --locked fetch db >/dev/null 2>&1; then
    cargo deny --locked check advisories
else
    echo 'warning: advisories were not checked: their database cannot be reached' >&2
fi
