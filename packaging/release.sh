#!/usr/bin/env bash
# Builds keynode so that it runs with an old glibc, and makes packages of it; prints their paths.
# usage: packaging/release.sh DIRECTORY [PROFILE]
# zig is the C compiler and the linker: it has the symbols of every glibc, whatever is installed here. libusb and libudev
# are Debian's, and only linked with: which version there will be is up to where the package is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
profile=${2:-release}
glibc=2.28 # Astra Linux 1.7, RED OS 7.3, RHEL 8
target=x86_64-unknown-linux-gnu

PATH=$PWD/target/package-tools/bin:$PATH
export PKG_CONFIG_ALLOW_CROSS=1 CARGO_TARGET_DIR=$PWD/target/package-build
# These two and no others: with the whole of the system's directory in the search path, a static library of the system
# would be taken where one that is built along, SQLite, is meant.
libraries=$CARGO_TARGET_DIR/libraries
mkdir -p "$libraries"
for library in libusb-1.0 libudev; do
    ln -sf "$(pkg-config --variable=libdir "$library")/$library.so" "$libraries/"
done
# They were linked with a younger glibc; what they need of it is no concern of the program.
export RUSTFLAGS="-L native=$libraries -C link-arg=-Wl,--allow-shlib-undefined"
# The same program wherever it is built: the places of the sources are in what a panic says.
RUSTFLAGS+=" --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/keynode"
cargo zigbuild --locked --profile "$profile" --bin keynode --target "$target.$glibc"
binary=$CARGO_TARGET_DIR/$target/$profile/keynode
needed=$(packaging/glibc.sh "$binary" "$glibc")
echo "release: needs glibc $needed, and $glibc is promised" >&2
packaging/package.sh "$binary" "$out" "" "$glibc"
