/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"

/* The cap of one `netfil run`, and who keeps it: an engine of this process's own, which takes
 * root, or netfild. */
typedef struct NetfilRunCap NetfilRunCap;

typedef struct {
	void (*reached)(gpointer data);
	void (*warned)(const NetfilStatus *status, guint percent, guint direction, gpointer data);
	gpointer data;
} NetfilRunCapHandler;

/* In force when they return; `spec` is copied, and names the command by its pid. */
NetfilRunCap *netfil_run_cap_own(const NetfilSpec *spec, const NetfilRunCapHandler *handler,
				 GError **error);
NetfilRunCap *netfil_run_cap_lent(const NetfilSpec *spec, const NetfilRunCapHandler *handler,
				  GError **error);

/* Numbers of this instant, or the last that are known. Caller frees. */
NetfilStatus *netfil_run_cap_status(NetfilRunCap *cap, GError **error);

/* When all processes have ended: waits for what they left in sockets' buffers, and gives the
 * last numbers. Caller frees. */
NetfilStatus *netfil_run_cap_end(NetfilRunCap *cap, GError **error);

void netfil_run_cap_free(NetfilRunCap *cap);

/* For those who keep it. */
struct NetfilRunCap {
	NetfilStatus *(*status)(NetfilRunCap *cap, GError **error);
	NetfilStatus *(*end)(NetfilRunCap *cap, GError **error);
	void (*free)(NetfilRunCap *cap);
	NetfilRunCapHandler handler;
};
