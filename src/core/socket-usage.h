/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "prefix.h"

/* What a socket moved since somebody began to watch; loopback is left out. */
typedef struct {
	guint64 cookie; /* the kernel's name for the socket, never given again */
	guint32 pid;   /* of the last other process that used it, else of its maker; 0: not known */
	guint64 start; /* of that process, nanoseconds since the machine's: tells a reused number */
	guint32 uid;   /* G_MAXUINT32: not known */
	char *exe;     /* the path of its executable; "": not known */
	NetfilPrefix remote; /* an address, of the last packet's other end */
	guint16 remote_port, local_port;
	guint8 proto;
	guint64 in, out; /* bytes; they only rise */
} NetfilSocketUsage;

/* An array of NetfilSocketUsage that frees them. */
GArray *netfil_socket_usages_new(void);

/* One as (tutusayqqytt), in the order of the fields (remote: 16 bytes). Floating reference. */
#define NETFIL_SOCKET_USAGE_TYPE "(tutusayqqytt)"
GVariant *netfil_socket_usage_to_variant(const NetfilSocketUsage *usage);

/* Appends those of an a(tutusayqqytt). */
void netfil_socket_usages_read(GArray *usages, GVariant *variant);
