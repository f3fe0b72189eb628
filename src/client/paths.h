/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * Where an instance lives. NETFIL_RUNTIME_DIR, NETFIL_STATE_DIR, NETFIL_BPFFS_DIR and
 * NETFIL_CONFIG_DIR move a whole instance elsewhere. Each is read once, at the first call, and
 * made absolute then, so that a later chdir() does no harm. The strings live as long as the
 * process.
 */
const char *netfil_runtime_dir(void); /* /run/netfil: socket, lock, log */
const char *netfil_state_dir(void);   /* /var/lib/netfil: the ledger */
const char *netfil_bpffs_dir(void);   /* /sys/fs/bpf/netfil: pins */
const char *netfil_config_dir(void);  /* /etc/netfil: what administrators write */

/* The daemon's socket. NETFIL_ERROR_INVALID if no socket can have that name. */
const char *netfil_bus_socket(GError **error);
