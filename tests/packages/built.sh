#!/usr/bin/env bash
# Makes the packages of a program in two versions, 1.0.0 and 1.0.1, and prints the directory they are in. Made once for the
# same program: the directory's name holds a hash of it and of all that goes in.
# usage: tests/packages/built.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/guest/cache.sh
. "$here/../guest/cache.sh"
cd "$here/../.."

need sha256sum flock strip
inputs=(packaging systemd udev docs src/settings/sample.toml {CHANGELOG,CONTRIBUTING,README,README.ru,SECURITY}.md LICENSE "$program")
[[ ! -d monitoring ]] || inputs+=(monitoring)
entry=built-$(find "${inputs[@]}" -type f | sort | xargs -d '\n' sha256sum | hash_of)
enter built
if ! there "$entry"; then
    making=$cache/built.making.$$
    for version in 1.0.0 1.0.1; do
        packaging/package.sh "$program" "$making" "$version" >"$making.log" 2>&1 || { cat "$making.log" >&2; exit 1; }
        rm "$making.log"
    done
    mv "$making" "$cache/$entry"
fi
forget built "$entry"
echo "$cache/$entry"
