#!/usr/bin/env python3
"""Fails when `make demo` and `make test` would compile a dependency twice.

Cargo compiles a crate once for each set of its features. The program alone (`make demo`) and the whole workspace with what only tests
need (`make test`, `make lint`) must therefore ask for the same features of everything that both use: what a dev-dependency switches
on, the ordinary dependency of the workspace switches on too. Nobody sees it when that breaks, but every newcomer waits twice.
"""

import subprocess
import sys


def features(*of):
    """Of every crate and version, the features that are on."""
    command = ["cargo", "tree", "--locked", "--prefix", "none", "--no-dedupe", "--format", "{p}|{f}", *of]
    tree = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = {}
    for line in tree.splitlines():
        crate, _, on = line.removesuffix(" (*)").partition("|")
        found.setdefault(" ".join(crate.split()[:2]), set()).update(on.split(",") if on else ())
    return found


program = features("-p", "tailerd", "--edges", "normal,build")
everything = features("--workspace", "--edges", "normal,build,dev")
wrong = [
    f"error: {crate} is compiled twice: only tests switch on {', '.join(sorted(more))}"
    for crate, on in sorted(program.items()) if (more := everything.get(crate, on) - on)]
if wrong:
    print("\n".join(wrong), "hint: name these features in [workspace.dependencies] of Cargo.toml", sep="\n", file=sys.stderr)
    sys.exit(1)
