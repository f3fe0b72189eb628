#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A terminal at the end of a slow line.

    slow-line.py BYTES-A-SECOND STEP... -- COMMAND...

STEP is TEXT=KEYS: once TEXT has come over the line since the step before, KEYS are typed.
Prints how many bytes came; the exit status is the command's, or 1 if a text did not come.
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time

PATIENCE = float(os.environ.get("NETFIL_TEST_PATIENCE", "15")) * 2
SLICES = 10  # a second


def come(terminal, size):
    try:
        return os.read(terminal, size)
    except OSError:  # the command has ended
        return b""


def set_line(terminal):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    settings = termios.tcgetattr(terminal)
    settings[4] = settings[5] = termios.B2400
    termios.tcsetattr(terminal, termios.TCSANOW, settings)


def main():
    at = sys.argv.index("--")
    rate, steps, command = int(sys.argv[1]), sys.argv[2:at], sys.argv[at + 1:]
    child, terminal = pty.fork()
    if child == 0:
        set_line(0)
        os.execvp(command[0], command)
    text, total, deadline = b"", 0, time.monotonic() + PATIENCE
    while piece := come(terminal, rate // SLICES):
        total += len(piece)
        text += piece
        plain = re.sub(rb"\x1b(\[[0-9;?]*[a-zA-Z]|[()].)", b"", text)
        if steps and steps[0].split("=")[0].encode() in plain:
            os.write(terminal, steps.pop(0).split("=")[1].encode())
            text, deadline = b"", time.monotonic() + PATIENCE
        if time.monotonic() > deadline:
            sys.exit("waited in vain for " + (steps[0] if steps else "the end"))
        time.sleep(1 / SLICES)
    print(total)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or len(steps) > 0)


main()
