#!/bin/bash
# In the guest: the simulated dongles. They are plugged in over USB/IP.
# usage: dongles.sh serve SERIAL... | plug N | pull N | steer WORD...
#        dongles.sh serve-key
# N: the number of the dongle, in the order of `serve`, or `key` for the security key; what can be said to `steer` is in tests/dongle/usbip.rs.
set -eu
port=3240
orders=/run/dongles.orders
answers=/run/dongles.answers

# The security key has a server of its own.
key_port=3241
port_of() { if [ "$1" = key ]; then echo $key_port; else echo $port; fi; }
bus_of() { if [ "$1" = key ]; then echo 2-1; else echo "1-$1"; fi; }

# until_so COMMAND...: tries until it succeeds; says what the last try said if none does.
until_so() {
    local tries=0
    until said=$("$@" 2>&1); do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "$* in vain: $said" >&2; exit 1; }
        sleep 0.02
    done
}

# Its server takes a moment to see that it was pulled, and until then it is taken.
attach() { usbip --tcp-port "$(port_of "$1")" attach --remote 127.0.0.1 --busid "$(bus_of "$1")"; }

# The state file of its plug, one of usbip's own.
plugs() { grep -ls " $(bus_of "$1")\$" /run/vhci_hcd/port*; }
pulled() {
    local state
    state=$(plugs "$1") || return 0
    usbip detach --port "${state##*port}"
    ! plugs "$1"
}

has_lines() { [ "$(wc -l <$answers)" -gt "$1" ]; }

case $1 in
    serve)
        shift
        rm -f $orders
        mkfifo $orders
        # Both ends are open, so that the last order is not the end of all.
        exec /opt/dongles/dongle --port $port $(printf -- '--dongle %s ' "$@") <>$orders >$answers
        ;;
    serve-key) exec /opt/dongles/security-key --port $key_port ;;
    plug)
        modprobe vhci_hcd
        until_so attach "$2"
        ;;
    pull) until_so pulled "$2" ;;
    steer)
        shift
        until_so grep -s listening $answers
        before=$(wc -l <$answers)
        echo "$*" >$orders
        until_so has_lines "$before"
        tail -n 1 $answers | grep '^ok'
        ;;
esac
