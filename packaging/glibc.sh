#!/usr/bin/env bash
# Prints the oldest glibc that a program runs with; fails where that is younger than it may be.
# usage: packaging/glibc.sh PROGRAM [YOUNGEST]
set -euo pipefail
# A weak symbol is asked for at run time and may be absent.
needed=$(objdump -T "$1" | awk '$2 != "w"' | sed -nE 's/.*GLIBC_([0-9.]+).*/\1/p' | sort -uV | tail -n 1)
[[ -n $needed ]] || { echo "glibc: $1 names no symbol of glibc" >&2; exit 1; }
if [[ -n ${2:-} && $(printf '%s\n' "$needed" "$2" | sort -V | tail -n 1) != "$2" ]]; then
    echo "glibc: $1 needs glibc $needed, and may need $2 at most, because of:" >&2
    objdump -T "$1" | grep "GLIBC_$needed" >&2
    exit 1
fi
echo "$needed"
