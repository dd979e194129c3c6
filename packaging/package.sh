#!/usr/bin/env bash
# Makes keynode_VERSION_amd64.deb and keynode-VERSION-1.x86_64.rpm of a built program, and prints their paths.
# usage: packaging/package.sh BINARY DIRECTORY [VERSION [GLIBC]]
# VERSION is Cargo.toml's unless told; GLIBC is the oldest that the program runs with, and is looked up in it unless told.
set -euo pipefail
binary=$(realpath "$1")
out=$2
version=${3:-}
glibc=${4:-}
cd "$(dirname "$0")/.."
mkdir -p "$out"
out=$(realpath "$out")

nfpm=target/package-tools/bin/nfpm
[[ -x $nfpm ]] || { echo "package: $nfpm is missing; packaging/setup.sh package installs it" >&2; exit 1; }
nfpm=$(realpath "$nfpm")
[[ -n $version ]] || version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
[[ -n $glibc ]] || glibc=$(packaging/glibc.sh "$binary")

# The same sources give the same bytes: times are those of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH VERSION=$version GLIBC=$glibc
umask 022
making=$(mktemp -d "$out/.making.XXXXXX")
trap 'rm -rf "$making"' EXIT

strip --strip-all -o "$making/keynode" "$binary"
DESTDIR=$making/root packaging/install.sh "$making/keynode" /usr >&2
documents=$making/root/usr/share/doc/keynode
packaging/third-party.sh | gzip -9n >"$documents/third-party-licences.gz"
gzip -9n "$making/root/usr/share/man/"man?/*

for script in packaging/scripts/{deb,rpm}.*; do
    cat packaging/scripts/common.sh "$script" >"$making/$(basename "$script")"
done
gzip -9n >"$documents/changelog.gz" <<END
keynode ($version) unstable; urgency=medium

  * What changed is told in CHANGELOG.md beside this file.

 -- The keynode authors <keynode@keynode.invalid>  $(date --utc --date="@$SOURCE_DATE_EPOCH" --rfc-email)
END
for packager in deb rpm; do
    # Where zsh looks for the completions of packages: Debian has a directory of its own for them.
    if [[ $packager = rpm ]]; then
        mv "$making/root/usr/share/zsh/vendor-completions" "$making/root/usr/share/zsh/site-functions"
    fi
    find "$making" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    (cd "$making" && "$nfpm" package --config "$OLDPWD/packaging/nfpm.yaml" --packager $packager --target "$out/") >&2
done
ls "$out/keynode_${version}_amd64.deb" "$out/keynode-$version-1.x86_64.rpm"
