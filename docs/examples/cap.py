#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Caps a process and all that it starts, waits until the cap is reached or the process is
gone, says what moved, and takes the cap away. As root, with Debian's python3-gi:

    ./cap.py 4711 25M             at netfild's own socket
    ./cap.py --system 4711 25M    over the system bus
"""
import os
import sys

from gi.repository import Gio, GLib

PATH = "/org/netfil/Netfil1"
MANAGER = "org.netfil.Netfil1.Manager"


class Netfil:
    """netfild. Its methods and signals are told in dbus/org.netfil.Netfil1.xml."""

    def __init__(self, system):
        if system:
            self.bus_name = "org.netfil.Netfil1"
            self.bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
        else:
            # Nobody is in between: there are no names.
            self.bus_name = None
            folder = os.environ.get("NETFIL_RUNTIME_DIR") or "/run/netfil"
            self.bus = Gio.DBusConnection.new_for_address_sync(
                "unix:path=" + Gio.dbus_address_escape_value(folder + "/bus"),
                Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT)
            self.bus.set_exit_on_close(False)

    def call(self, method, signature, *arguments):
        return self.bus.call_sync(
            self.bus_name, PATH, MANAGER, method, GLib.Variant(signature, arguments),
            None, Gio.DBusCallFlags.NONE, -1).unpack()

    def on(self, signal, handler):
        self.bus.signal_subscribe(
            self.bus_name, MANAGER, signal, PATH, None, Gio.DBusSignalFlags.NONE,
            lambda *about: handler(*about[5].unpack()))


def cap(netfil, pid, size):
    name = "cap-" + pid
    loop = GLib.MainLoop()
    lost = []

    def on_cap_reached(which, direction, member):
        if which == name:
            print(f"{name}: the cap on bytes {direction} is reached")
            loop.quit()

    def on_second():
        # A filter waits when all its processes have ended; of that there is no signal.
        if netfil.call("Get", "(s)", name)[0]["state"] == "waiting":
            loop.quit()
        return GLib.SOURCE_CONTINUE

    def on_closed(*about):
        lost.append(about)
        loop.quit()

    netfil.on("CapReached", on_cap_reached)
    netfil.bus.connect("closed", on_closed)
    netfil.call("Add", "(sa{sas})", name, {"pid": [pid], "total": [size]})
    print(f"{name}: capped", flush=True)
    GLib.timeout_add_seconds(1, on_second)
    loop.run()
    if lost:
        raise SystemExit("cap.py: netfild went away: the cap holds on")
    try:
        (status,) = netfil.call("Get", "(s)", name)
        used_in, used_out, _ = status["used"]
        refused, _ = status["refused"]
        print(f"{name}: in {used_in}, out {used_out} of {status['spec']['total'][0]} bytes;"
              f" refused {refused}")
    finally:
        netfil.call("Remove", "(as)", [name])


def main(words):
    system = words[:1] == ["--system"]
    if len(words) - system != 2:
        print("usage: cap.py [--system] PID SIZE", file=sys.stderr)
        return 2
    try:
        cap(Netfil(system), *words[system:])
    except GLib.Error as error:
        Gio.DBusError.strip_remote_error(error)
        print(f"cap.py: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
