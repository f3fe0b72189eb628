/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The errors that every part of netfil raises. Messages read "what went wrong:
 * what to do", so that a program prints them after "netfil: " as they are. */
#define NETFIL_ERROR (netfil_error_quark())

typedef enum {
	NETFIL_ERROR_FAILED,	  /* the system refused */
	NETFIL_ERROR_INVALID,	  /* the caller's words are wrong (exit status 2) */
	NETFIL_ERROR_NOT_FOUND,	  /* no such filter, process, file */
	NETFIL_ERROR_EXISTS,	  /* the name is taken */
	NETFIL_ERROR_DENIED,	  /* not root, or not allowed */
	NETFIL_ERROR_UNSUPPORTED, /* the kernel lacks it */
	NETFIL_ERROR_BUSY,	  /* another instance holds it */
	NETFIL_ERROR_FULL,	  /* a fixed limit is reached */
} NetfilError;

GQuark netfil_error_quark(void);
