#!/bin/sh
# Installs what building, testing or measuring keynode needs, and nothing that is there already.
# usage: packaging/setup.sh build|package|test|bench
# Debian packages come through apt, with sudo when not root; what Debian does not have comes from npm and PyPI in the versions
# that this repository names, and lies beside the tests or below target/. Under CI=true a missing tool is a failure instead.
set -eu

# What only root finds without being told where.
PATH=$PATH:/usr/sbin:/sbin

build="cc pkg-config libudev libusb"
# umockdev and udev show described devices to the real libraries; a container and a guest boot a real system.
hardware="umockdev umockdev-headers udev systemd-analyze systemd-nspawn mmdebstrap busybox-static cpio kmod mkfs.ext4 qemu"
# Tokens without hardware, and judges of what is signed and encrypted: each a program that others wrote.
tokens="softhsm2 pkcs11-tool openssl-gost certtool bouncycastle java"
# The console in a real browser, with letters of both its languages; the API against its own description.
browser="chromium fonts node npm python-venv"
pinned="browser-packages schemathesis"
# Judges of the manual and of the shells' completions.
manual="groff bash zsh fish"
# nfpm makes the .deb and the .rpm; zig links against the old glibc that they promise.
packages="make strip python-venv package-tools"
# Judges of the packages, and a builder of images that needs no engine.
installed="lintian buildah ip"
# What judges metrics and alerts, and a Zabbix server with all that it needs, which watches a node.
monitoring="promtool postgresql zabbix_server zabbix-frontend php php-modules"

purpose=${1:-}
case $purpose in
    build) wanted="$build" ;;
    package) wanted="$build $packages" ;;
    test)
        wanted="$build libclang make openssl curl zbarimg $hardware $tokens $browser $pinned $manual $packages $installed $monitoring"
        ;;
    bench) wanted="$build libclang make openssl curl softhsm2 umockdev umockdev-headers" ;;
    *)
        echo "usage: $0 build|package|test|bench" >&2
        exit 2
        ;;
esac

repository=$(cd "$(dirname "$0")/.." && pwd)
# Where npm and PyPI packages go, each with a copy of the list it was installed from.
browser_packages=$repository/tests/browser
openapi_packages=$repository/tests/openapi
schemathesis=$repository/target/schemathesis
package_tools=$repository/target/package-tools

# Each tool is looked for by what it does, not by the name of its package.
has() {
    case $1 in
        # A compiler without the C library's headers is there, and builds nothing.
        cc) echo '#include <stdio.h>' | cc -fsyntax-only -x c - 2>/dev/null ;;
        # The bindings of a security key's file system are made while the tests are built, from C headers.
        libclang) ls /usr/lib/llvm-*/lib/clang/*/include/stdbool.h /usr/lib/*/libclang*.so* >/dev/null 2>&1 ;;
        libudev) pkg-config --exists libudev 2>/dev/null ;;
        libusb) pkg-config --exists libusb-1.0 2>/dev/null ;;
        umockdev) command -v umockdev-run >/dev/null ;;
        umockdev-headers) pkg-config --exists umockdev-1.0 gobject-2.0 2>/dev/null ;;
        udev) command -v udevadm >/dev/null ;;
        # It runs where there is no library: `ldd` has nothing to say of it.
        busybox-static) command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 ;;
        kmod) command -v modprobe >/dev/null && command -v depmod >/dev/null ;;
        softhsm2) command -v softhsm2-util >/dev/null && [ -e /usr/lib/softhsm/libsofthsm2.so ] ;;
        openssl-gost) openssl engine -t gost 2>/dev/null | grep -q '\[ available \]' ;;
        bouncycastle) [ -e /usr/share/java/bcpkix.jar ] && [ -e /usr/share/java/bcprov.jar ] ;;
        # It compiles a source file too: a runtime alone has no compiler.
        java) java --list-modules 2>/dev/null | grep -q '^jdk.compiler@' ;;
        postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && command -v psql >/dev/null ;;
        zabbix_server) command -v zabbix_server >/dev/null && [ -e /usr/share/zabbix-server-pgsql/schema.sql.gz ] ;;
        zabbix-frontend) [ -e /usr/share/zabbix/api_jsonrpc.php ] ;;
        php-modules) [ "$(php -m 2>/dev/null | grep -cxE 'pgsql|mbstring|bcmath|gd|xmlreader')" = 5 ] ;;
        qemu) command -v qemu-system-x86_64 >/dev/null && command -v qemu-img >/dev/null ;;
        fonts) [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] ;;
        # The packages below want this version.
        node) node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null ;;
        python-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        browser-packages) cmp -s "$browser_packages/package-lock.json" "$browser_packages/node_modules/.installed" ;;
        schemathesis) cmp -s "$openapi_packages/requirements.txt" "$schemathesis/.installed" ;;
        package-tools) cmp -s "$repository/packaging/requirements.txt" "$package_tools/.installed" ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}
package_of() {
    case $1 in
        cc) echo gcc libc6-dev ;;
        libclang) echo libclang-dev ;;
        libudev) echo libudev-dev ;;
        libusb) echo libusb-1.0-0-dev ;;
        umockdev-headers) echo libumockdev-dev ;;
        systemd-analyze) echo systemd ;;
        systemd-nspawn) echo systemd-container ;;
        mkfs.ext4) echo e2fsprogs ;;
        pkcs11-tool) echo opensc ;;
        openssl-gost) echo libengine-gost-openssl ;;
        certtool) echo gnutls-bin ;;
        zbarimg) echo zbar-tools ;;
        bouncycastle) echo libbcpkix-java libbcprov-java ;;
        java) echo default-jdk-headless ;;
        promtool) echo prometheus ;;
        zabbix_server) echo zabbix-server-pgsql ;;
        zabbix-frontend) echo zabbix-frontend-php ;;
        php) echo php-cli ;;
        php-modules) echo php-pgsql php-mbstring php-bcmath php-gd php-xml ;;
        qemu) qemu_packages ;;
        fonts) echo fonts-dejavu-core ;;
        node) echo nodejs ;;
        python-venv) echo python3-venv ;;
        strip) echo binutils ;;
        groff) echo groff-base ;;
        ip) echo iproute2 ;;
        browser-packages | schemathesis | package-tools) ;;
        *) echo "$1" ;;
    esac
}
# Exactly the versions of the list, which is copied once all of them are there.
install_pinned() {
    case $1 in
        browser-packages)
            echo "setup: installing what tests/browser/package-lock.json lists"
            (cd "$browser_packages" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund)
            cp "$browser_packages/package-lock.json" "$browser_packages/node_modules/.installed"
            ;;
        schemathesis)
            echo "setup: installing what tests/openapi/requirements.txt lists"
            python3 -m venv --clear "$schemathesis"
            "$schemathesis/bin/pip" install --quiet --no-deps --require-hashes --requirement "$openapi_packages/requirements.txt"
            cp "$openapi_packages/requirements.txt" "$schemathesis/.installed"
            ;;
        package-tools)
            echo "setup: installing what packaging/requirements.txt lists"
            python3 -m venv --clear "$package_tools"
            "$package_tools/bin/pip" install --quiet --no-deps --require-hashes --requirement "$repository/packaging/requirements.txt"
            cp "$repository/packaging/requirements.txt" "$package_tools/.installed"
            ;;
    esac
}
# qemu-utils of another version than the emulator's, as from backports, keeps that from being installed.
qemu_packages() {
    version=$(LC_ALL=C apt-cache policy qemu-system-x86 2>/dev/null | sed -n 's/^  Candidate: //p')
    echo "qemu-system-x86 qemu-utils${version:+=$version}"
}

# rustup installs here; a shell opened before it ran does not know.
if ! command -v cargo >/dev/null 2>&1 && ! [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    cat >&2 <<'END'
setup: cargo is missing. Install Rust, then run this again:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
END
    exit 1
fi

missing=""
for tool in $wanted; do
    has "$tool" || missing="$missing $tool"
done
# The packages of what is missing; apt's lists should be there for it.
packages() {
    for tool in $missing; do
        package=$(package_of "$tool")
        [ -z "$package" ] || printf ' %s' "$package"
    done
}
if [ -z "$missing" ]; then
    echo "setup: $purpose needs $wanted: all there"
    exit 0
fi

echo "setup: missing for $purpose:$missing"
if [ "${CI:-}" = true ]; then
    echo "setup: CI=true: a missing tool is a failure; needed are:$missing" >&2
    exit 1
fi
chosen=$(packages)
install="apt-get install --yes --no-install-recommends --allow-downgrades"
if [ -n "$chosen" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: no apt-get here; install the like of these Debian packages:$chosen" >&2
        exit 1
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1; then
        as_root="sudo"
    else
        echo "setup: neither root nor sudo here. Run this as root, then again what you ran:" >&2
        echo "    apt-get update && $install$chosen" >&2
        exit 1
    fi

    # One line each way: apt says what it does by itself.
    $as_root apt-get update
    echo "setup: installing:$chosen"
    # shellcheck disable=SC2086 # lists of words, to be split
    $as_root env DEBIAN_FRONTEND=noninteractive $install $chosen
fi
for tool in $missing; do
    install_pinned "$tool"
    if ! has "$tool"; then
        echo "setup: $tool is still missing after the installation" >&2
        exit 1
    fi
done
echo "setup: done"
