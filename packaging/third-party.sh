#!/usr/bin/env bash
# Prints the licences of the libraries that are built into keynode, from their sources: whoever passes the program on
# passes these on with it. A text that many share is printed once, below all their names.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
declare -A names files
while read -r name version _; do
    [[ $name != keynode ]] || continue
    crate=$name-${version#v}
    found=""
    for file in "$sources"/*/"$crate"/{LICEN[CS]E*,COPYING*,NOTICE*}; do
        [[ -f $file ]] || continue
        found=yes
        sum=$(sha256sum <"$file")
        names[$sum]+=" $crate"
        files[$sum]=$file
    done
    # Some say their licence in Cargo.toml alone.
    if [[ -z $found ]]; then
        licence=$(sed -n 's/^license = "\(.*\)"/\1/p' "$sources"/*/"$crate"/Cargo.toml | head -n 1)
        echo "$crate: ${licence:?"$crate has no licence"}"
    fi
done < <(cargo tree --locked --offline --edges normal,no-proc-macro --prefix none --no-dedupe | sort -u)
for sum in $(printf '%s\n' "${!names[@]}" | sed 's/ .*//' | sort); do
    printf '\n==== %s\n\n' "$(tr ' ' '\n' <<<"${names["$sum  -"]}" | sort -u | xargs)"
    cat "${files["$sum  -"]}"
done
