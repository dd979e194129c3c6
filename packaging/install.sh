#!/bin/sh
# Installs a built keynode below $DESTDIR: units, udev rules, a settings file, manual pages, completions, documents and
# templates for monitoring. The one list of what goes where: packages are made from what this puts into a directory.
# usage: DESTDIR=DIR packaging/install.sh BINARY PREFIX
# Settings that are there already are kept. Starts nothing: without DESTDIR it says what to run next.
set -eu
# Whatever the mask of who installs is: all may read manual pages and completions.
umask 022

binary=$1
prefix=$2
root=${DESTDIR:-}
cd "$(dirname "$0")/.."

# put MODE TARGET SOURCE: installs a file; a unit and a rule name the program where it really is.
put() {
    mode=$1 target=$root$2 source=$3
    install -d -m 0755 "$(dirname "$target")"
    rm -f "$target"
    sed "s|/usr/bin/keynode|$prefix/bin/keynode|" "$source" >"$target"
    chmod "$mode" "$target"
    echo "install: $target"
}

install -D -m 0755 "$binary" "$root$prefix/bin/keynode"
echo "install: $root$prefix/bin/keynode"
for unit in systemd/*.service; do
    put 0644 "$prefix/lib/systemd/system/$(basename "$unit")" "$unit"
done
put 0644 "$prefix/lib/sysusers.d/keynode.conf" systemd/sysusers.d/keynode.conf
put 0644 "$prefix/lib/tmpfiles.d/keynode.conf" systemd/tmpfiles.d/keynode.conf
put 0644 "$prefix/lib/udev/rules.d/70-keynode.rules" udev/70-keynode.rules

# The program tells its manual pages and completions itself, so that they are those of this program.
manual=$root$prefix/share/man
install -d -m 0755 "$manual/man1" "$manual/man5"
"$binary" man --dir "$manual/man1" >/dev/null
mv "$manual/man1/"*.5 "$manual/man5/"
echo "install: $manual/man1/keynode*.1"
completions() {
    install -d -m 0755 "$(dirname "$root$2")"
    "$binary" completions "$1" >"$root$2"
    chmod 0644 "$root$2"
    echo "install: $root$2"
}
completions bash "$prefix/share/bash-completion/completions/keynode"
completions zsh "$prefix/share/zsh/vendor-completions/_keynode"
completions fish "$prefix/share/fish/vendor_completions.d/keynode.fish"

documents=$root$prefix/share/doc/keynode
# With what they lead to, at the places where they look for it.
for document in README.md README.ru.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE docs/*.md \
    docs/screenshots/overview.png docs/screenshots/overview-ru.png \
    $(find packaging/ansible -type f | sort); do
    install -D -m 0644 "$document" "$documents/$document"
done
install -m 0644 packaging/copyright "$documents/copyright"
echo "install: $documents"
if [ -d monitoring ]; then
    find monitoring -type f -print | while read -r template; do
        install -D -m 0644 "$template" "$root$prefix/share/keynode/$template"
    done
    ln -sfn ../../keynode/monitoring "$documents/monitoring"
    echo "install: $root$prefix/share/keynode/monitoring"
fi

settings=$root/etc/keynode/keynode.toml
if [ -e "$settings" ]; then
    echo "install: $settings is kept"
else
    install -d -m 0750 "$root/etc/keynode"
    # Said outright, so that the commands of every user mean the service's state.
    sed 's|^#   state_dir = |state_dir = |' src/settings/sample.toml >"$settings"
    chmod 0640 "$settings"
    echo "install: $settings"
fi

[ -z "$root" ] || exit 0
cat <<'END'

Installed. Next, as root:
    systemd-sysusers && systemd-tmpfiles --create keynode.conf    # the user keynode, and its rights
    udevadm control --reload && udevadm trigger                   # licence keys that are plugged in already
    keynode user passwd admin                                     # instead of the initial password
    systemctl daemon-reload && systemctl enable --now keynode
    keynode doctor                                                # whether all is well
END
