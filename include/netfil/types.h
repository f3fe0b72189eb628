/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every part of netfil, and who uses libnetfil, calls the same: errors, states and
 * directions. Include <netfil/netfil.h>.
 */
#ifndef NETFIL_TYPES_H
#define NETFIL_TYPES_H

#include <glib.h>

G_BEGIN_DECLS

/* What libnetfil exports; all else of it is hidden. */
#define NETFIL_API __attribute__((visibility("default")))

/* The errors that netfil raises. Messages read "what went wrong: what to do", in one line,
 * so that a program can print them as they are. More codes may come. */
#define NETFIL_ERROR (netfil_error_quark())

typedef enum {
	NETFIL_ERROR_FAILED,      /* the system refused */
	NETFIL_ERROR_INVALID,     /* the caller's words are wrong */
	NETFIL_ERROR_NOT_FOUND,   /* no such filter, process, file; no netfild */
	NETFIL_ERROR_EXISTS,      /* the name is taken */
	NETFIL_ERROR_DENIED,      /* not root, or not allowed */
	NETFIL_ERROR_UNSUPPORTED, /* the kernel lacks it */
	NETFIL_ERROR_BUSY,        /* another instance holds it */
	NETFIL_ERROR_FULL,        /* a fixed limit is reached */
} NetfilError;

NETFIL_API GQuark netfil_error_quark(void);

typedef enum {
	NETFIL_STATE_OFF, /* it neither counts nor refuses */
	NETFIL_STATE_ON,
	NETFIL_STATE_EXHAUSTED, /* a single segment did not fit */
	NETFIL_STATE_WAITING, /* on, but nothing there to match: no such unit, interface, process …
			       */
} NetfilState;

/* "off", "on", "exhausted", "waiting". Not to be freed. */
NETFIL_API const char *netfil_state_name(NetfilState state);

/* A filter and where it stands at one moment. */
typedef struct _NetfilStatus NetfilStatus;

NETFIL_API NetfilStatus *netfil_status_copy(const NetfilStatus *status); /* caller frees */
NETFIL_API void netfil_status_free(NetfilStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilStatus, netfil_status_free)

G_END_DECLS

#endif
