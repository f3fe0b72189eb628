/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/* The bytes of a connected socket as GDBus is to see them: the stream fails where a message
 * begins that says to be longer than `message_max`, before there is memory for it. Works on
 * descriptors of its own. NULL: there are none left. */
GIOStream *netfil_frames_new(GSocket *socket, guint32 message_max);
