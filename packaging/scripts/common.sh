#!/bin/sh
# What the scripts of every package share; packaging/package.sh puts it before each of them. Nothing here needs a running
# systemd: a package may be installed in a chroot or while an image is made.
set -eu

systemd_runs() {
    [ -d /run/systemd/system ]
}

# The users, and the rights on the settings. An image without systemd has neither of its tools.
accounts_and_rights() {
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers keynode.conf
    else
        for user in keynode keynode-centre; do
            getent passwd "$user" >/dev/null ||
                useradd --system --user-group --home-dir "/var/lib/$user" --no-create-home \
                    --shell /usr/sbin/nologin "$user"
        done
        usermod --append --groups keynode keynode-centre
    fi
    # It refuses, for example, where /etc/keynode belongs to somebody else than root: no reason to leave a package half done.
    if ! command -v systemd-tmpfiles >/dev/null || ! systemd-tmpfiles --create keynode.conf; then
        chown root:keynode /etc/keynode /etc/keynode/keynode.toml
        chmod 0750 /etc/keynode
        chmod 0640 /etc/keynode/keynode.toml
    fi
}

# Keys that are plugged in already get their group now, not at the next replug.
udev_looks_again() {
    if [ -e /run/udev/control ]; then
        udevadm control --reload || echo "keynode: udev could not be told of its rules; replug the keys" >&2
        udevadm trigger --subsystem-match=usb --subsystem-match=hidraw || true
    fi
}

# starts COMMAND...: starts the node, or starts it again, by this command. One that the administrator masked is left alone,
# which is no failure.
starts() {
    case $(systemctl is-enabled keynode.service 2>/dev/null) in
        masked*)
            echo "keynode: keynode.service is masked and left as it is; this version runs after:" \
                "systemctl unmask keynode && systemctl restart keynode"
            ;;
        *) "$@" || echo "keynode: it does not start; its reason: journalctl -u keynode" >&2 ;;
    esac
}

first_words() {
    cat <<'END'
keynode serves on this computer only, until others may reach it: programs at http://127.0.0.1:9099,
people at http://127.0.0.1:9098/console/
    keynode user passwd admin        # instead of the initial password admin; or at the first login there
    listen = "0.0.0.0:9099"          # in /etc/keynode/keynode.toml, then: systemctl restart keynode
    keynode doctor                   # whether all is well
END
}
