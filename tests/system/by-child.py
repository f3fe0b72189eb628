#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""by-child.py NAME: asks netfild to remove a filter, over a connection that a child of ours made
which has ended since. Prints the answer's error."""
import os
import socket
import sys

from gi.repository import Gio, GLib

stream = socket.socket(socket.AF_UNIX)
child = os.fork()
if child == 0:
    stream.connect(os.environ["NETFIL_RUNTIME_DIR"] + "/bus")
    stream.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
    assert stream.recv(100).startswith(b"OK")
    stream.sendall(b"BEGIN\r\n")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0

call = Gio.DBusMessage.new_method_call(None, "/org/netfil/Netfil1", "org.netfil.Netfil1.Manager", "Remove")
call.set_body(GLib.Variant("(as)", ([sys.argv[1]],)))
call.set_serial(1)
stream.sendall(call.to_blob(Gio.DBusCapabilityFlags.NONE))
stream.settimeout(15)
answer = b""
while True:
    answer += stream.recv(4096)
    if len(answer) >= 16:
        length = Gio.DBusMessage.bytes_needed(answer)
        if len(answer) >= length:
            break
message = Gio.DBusMessage.new_from_blob(answer[:length], Gio.DBusCapabilityFlags.NONE)
print(message.get_error_name(), message.get_arg0())
