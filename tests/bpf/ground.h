/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/socket.h>

#include "kernel/kernel.h"

/*
 * A control group and a network namespace of the test's own, with a peer that hears and says
 * nothing: for real sockets, and programs that are attached to the group. There is one, and the
 * test is in it.
 */
#define GROUND_PEER "10.78.0.2"

void ground_new(void);
void ground_free(void);
const char *ground_cgroup(void); /* its path */

/* Into the group, and back to where it was. */
void ground_enter(void);
void ground_leave(void);

/* `type`: SOCK_DGRAM or SOCK_STREAM, of IPv4. */
int ground_socket(int type);
/* A datagram of `size` bytes, 1,024 at most. FALSE: refused. */
gboolean ground_send(int fd, const char *address, guint16 port, guint size);

/* For processes that take turns: memory that they share, zeroed, and a wait until a number in it is
 * reached. */
gpointer ground_share(gsize size);
void ground_wait(gint *turn, gint number);

/* A slot with a limit in total, bytes, and a rule below 64 that matches all. */
void ground_slot(NetfilKernel *kernel, guint32 number, guint32 flags, guint64 limit);
void ground_rule(NetfilKernel *kernel, guint rule, guint32 slot);
