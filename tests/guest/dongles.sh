#!/bin/bash
# In the guest: the simulated dongles. They are plugged in over USB/IP.
# usage: dongles.sh serve SERIAL... | plug N | pull N | steer WORD...
# N: the number of the dongle, in the order of `serve`; what can be said to `steer` is in tests/dongle/usbip.rs.
set -eu
port=3240
orders=/run/dongles.orders
answers=/run/dongles.answers

case $1 in
    serve)
        shift
        rm -f $orders
        mkfifo $orders
        # Both ends are open, so that the last order is not the end of all.
        exec /opt/dongles/dongle --port $port $(printf -- '--dongle %s ' "$@") <>$orders >$answers
        ;;
    plug)
        modprobe vhci_hcd
        usbip --tcp-port $port attach --remote 127.0.0.1 --busid "1-$2"
        ;;
    pull)
        for state in /run/vhci_hcd/port*; do
            read -r _ _ bus_id <"$state"
            [ "$bus_id" != "1-$2" ] || usbip detach --port "${state##*port}"
        done
        ;;
    steer)
        shift
        until grep -q listening $answers; do sleep 0.02; done
        said=$(wc -l <$answers)
        echo "$*" >$orders
        until [ "$(wc -l <$answers)" -gt "$said" ]; do sleep 0.02; done
        tail -n 1 $answers | grep '^ok'
        ;;
esac
