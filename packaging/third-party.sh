#!/usr/bin/env bash
# Prints the licences of the libraries that are built into keynode, from their sources: whoever passes the program on
# passes these on with it. A text that many share is printed once, below all their names.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
shopt -s nullglob
texts=()
while read -r name version _; do
    [[ $name != keynode ]] || continue
    crate=$name-${version#v}
    found=("$sources"/*/"$crate"/{LICEN[CS]E*,COPYING*,NOTICE*})
    texts+=("${found[@]}")
    # Some say their licence in Cargo.toml alone.
    if ((${#found[@]} == 0)); then
        licence=$(sed -n 's/^license = "\(.*\)"/\1/p' "$sources"/*/"$crate"/Cargo.toml | head -n 1)
        echo "$crate: ${licence:?"$crate has no licence"}"
    fi
done < <(cargo tree --locked --offline --edges normal,no-proc-macro --prefix none --no-dedupe | sort -u)

declare -A crates first
while read -r sum text; do
    crates[$sum]+=" $(basename "$(dirname "$text")")"
    : "${first[$sum]:=$text}"
done < <(for text in "${texts[@]}"; do [[ ! -f $text ]] || printf '%s\0' "$text"; done | xargs -0 sha256sum)
for sum in $(printf '%s\n' "${!first[@]}" | sort); do
    printf '\n====%s\n\n' "${crates[$sum]}"
    cat "${first[$sum]}"
done
