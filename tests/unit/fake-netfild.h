/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

#include "core/status.h"

/* A netfild of which a test says what it has and tells, on a socket or a bus. */
typedef struct FakeNetfild FakeNetfild;

FakeNetfild *fake_netfild_on_socket(const char *path);
FakeNetfild *fake_netfild_on_bus(const char *address);
void fake_netfild_free(FakeNetfild *fake); /* goes away, and its connections with it */

/* Tells each: Added if it is new, Changed else. */
void fake_netfild_put(FakeNetfild *fake, const NetfilStatus *status);

/* Tells its object's properties alone, as netfild does of usage. */
void fake_netfild_use(FakeNetfild *fake, const char *name, guint64 in, guint64 out);
void fake_netfild_remove(FakeNetfild *fake, const char *name);
void fake_netfild_trouble(FakeNetfild *fake, const char *what);

/* Calls that change are refused by this error and counted. */
guint fake_netfild_refused(FakeNetfild *fake);
gboolean fake_netfild_may_ask(FakeNetfild *fake); /* the last of them let the user be asked */
