#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a screen reader finds on the desktop of a test, through AT-SPI.

    desktop-ask.py APPLICATION tree
    desktop-ask.py APPLICATION wait|gone|click|focus|focused|text|description|left ROLE NAME
    desktop-ask.py APPLICATION count ROLE NAME
    desktop-ask.py APPLICATION unnamed

ROLE is AT-SPI's name of a role ("push button"); NAME a pattern of fnmatch(3) for the
accessible name. All but `tree`, `gone`, `count` and `unnamed` wait until there is one that is showing.
`unnamed` lists what can be focused and has no name: what a screen reader cannot tell.
"""
import fnmatch
import os
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PATIENCE = float(os.environ.get("NETFIL_TEST_PATIENCE", "15"))


def applications(name):
    desktop = Atspi.get_desktop(0)
    for i in range(desktop.get_child_count()):
        child = desktop.get_child_at_index(i)
        if child and child.get_name() == name:
            yield child


def walk(node, depth=0):
    yield node, depth
    for i in range(min(node.get_child_count(), 500)):
        child = node.get_child_at_index(i)
        if child:
            yield from walk(child, depth + 1)


def has(node, state):
    return node.get_state_set().contains(state)


def all_nodes(name):
    for application in applications(name):
        yield from walk(application)


def matching(name, role, pattern):
    for node, _ in all_nodes(name):
        if node.get_role_name() != role or not fnmatch.fnmatchcase(name_of(node), pattern):
            continue
        if has(node, Atspi.StateType.SHOWING):
            yield node


def find(name, role, pattern):
    return next(matching(name, role, pattern), None)


def name_of(node):
    if node.get_name():
        return node.get_name()
    relations = node.get_relation_set()
    for relation in relations:
        if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY:
            return relation.get_target(0).get_name()
    return ""


def attempt(look):
    """Objects come and go while they are looked at."""
    try:
        return look()
    except GLib.Error:
        return None


def wait_for(look, what):
    deadline = time.monotonic() + PATIENCE
    while True:
        found = attempt(look)
        if found:
            return found
        if time.monotonic() > deadline:
            sys.exit("waited in vain for " + what)
        time.sleep(0.05)


def text_of(node):
    if "Text" in node.get_interfaces():
        return Atspi.Text.get_text(node, 0, -1)
    return node.get_name()


def act(verb, node):
    if verb == "click":
        Atspi.Action.do_action(node, 0)
    elif verb == "focus":
        Atspi.Component.grab_focus(node)
    elif verb == "text":
        print(text_of(node))
    elif verb == "left":
        print(Atspi.Component.get_extents(node, Atspi.CoordType.SCREEN).x)
    elif verb == "description":
        print(node.get_description())


def tree(name):
    for node, depth in all_nodes(name):
        if has(node, Atspi.StateType.SHOWING) or depth < 2:
            print("  " * depth + node.get_role_name(), repr(name_of(node)),
                  "*" if has(node, Atspi.StateType.FOCUSED) else "")


def unnamed(name):
    for node, _ in all_nodes(name):
        if has(node, Atspi.StateType.FOCUSABLE) and has(node, Atspi.StateType.SHOWING):
            if not name_of(node) and node.get_role_name() not in CONTAINERS:
                print(node.get_role_name())


# What holds others, and is passed over with them.
CONTAINERS = ("split pane", "scroll pane", "scroll bar", "page tab list", "application", "panel",
              "table cell", "window", "viewport")


def main():
    name, verb = sys.argv[1:3]
    if verb == "tree":
        return tree(name)
    if verb == "unnamed":
        return unnamed(name)
    role, pattern = sys.argv[3:5]
    if verb == "count":
        return print(len(list(matching(name, role, pattern))))
    if verb == "gone":
        wait_for(lambda: not find(name, role, pattern), "no " + role + " " + pattern)
    elif verb == "focused":
        wait_for(lambda: has(find(name, role, pattern), Atspi.StateType.FOCUSED),
                 "the focus on " + role + " " + pattern)
    else:
        act(verb, wait_for(lambda: find(name, role, pattern), role + " " + pattern))


main()
