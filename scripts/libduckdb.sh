#!/usr/bin/env bash
# Puts libduckdb.so in place, once per machine, and prints nothing when it is there already.
#
#   scripts/libduckdb.sh            puts it in place
#   scripts/libduckdb.sh --where    prints the folder, without touching anything
#
# DuckDB's C++ takes over half an hour to compile on two cores; its authors publish the compiled library in an npm package.
# The package comes through the npm client (so npm's own settings for mirrors and proxies hold), its SHA-512 is checked
# against the one below, and the library appears by one rename. DUCKDB_LIB_DIR, when set, is used as it is.
set -euo pipefail

package=@duckdb/node-bindings-linux-x64
version=1.5.6-r.1
sha512=IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tailerd
default=$cache/libduckdb-$version
folder=${DUCKDB_LIB_DIR:-$default}

if [ "${1-}" = --where ]; then
    printf '%s\n' "$folder"
    exit 0
fi

fail() {
    {
        printf 'error: libduckdb %s cannot be put in place: %s\n' "$version" "$1"
        printf 'hint: DUCKDB_LIB_DIR=<folder with libduckdb.so %s> make ...  uses a library that you have\n' "${version%-*}"
        printf 'hint: make FEATURES=bundled ...  compiles DuckDB from source, without its functions over TIMESTAMP (see CONTRIBUTING.md)\n'
    } >&2
    exit 1
}

[ -e "$folder/libduckdb.so" ] && exit 0
[ "$folder" = "$default" ] || fail "DUCKDB_LIB_DIR is $folder, which holds no libduckdb.so"
case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) ;;
    *) fail "no compiled library is known for $(uname -s) on $(uname -m)" ;;
esac
command -v npm >/dev/null || fail "npm is not installed (Debian: apt-get install npm)"

mkdir -p "$cache"
exec 9>"$cache/libduckdb.lock"
flock 9
[ -e "$default/libduckdb.so" ] && exit 0 # another make was faster

work=$(mktemp -d "$cache/libduckdb.XXXXXX")
trap 'rm -rf "$work"' EXIT
printf 'libduckdb %s: fetching it once (about 25 MB) into %s\n' "$version" "$default" >&2
# In the empty folder, so that no package.json of a project around it has a say.
(cd "$work" && npm pack --silent --pack-destination "$work" "$package@$version" >/dev/null) ||
    fail "npm could not fetch $package@$version (no network?)"
tarball=$(find "$work" -name '*.tgz' -print -quit)
[ -n "$tarball" ] || fail "npm fetched no package"
expected=$(printf '%s' "$sha512" | base64 -d | od -An -v -tx1 | tr -d ' \n')
printf '%s  %s\n' "$expected" "$tarball" | sha512sum --check --status ||
    fail "the checksum of $package@$version is not the expected one"
mkdir "$work/unpacked"
tar -xzf "$tarball" -C "$work/unpacked" --strip-components=1 package/libduckdb.so package/LICENSE ||
    fail "the package holds no libduckdb.so"
rm -rf "$default"
mv -T "$work/unpacked" "$default"
