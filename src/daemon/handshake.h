/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/*
 * D-Bus' greeting, the server's part: EXTERNAL alone, no descriptors. In bounded time and
 * memory, unlike GDBus', which reads a line for as long as it goes on. Blocks. FALSE: the
 * peer does not speak it.
 */
gboolean netfil_handshake(GSocket *socket, const char *guid, GCancellable *cancellable);
