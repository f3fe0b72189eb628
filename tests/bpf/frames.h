/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "packet.h"

/* Well-formed frames of every kind, and what is to be read of them. */
typedef struct {
	const char *name;
	void (*build)(Packet *packet);
	guint proto;
	gboolean address; /* is read */
	guint ports;      /* are read of so many bytes of the IP packet; 0: never */
	guint link;       /* header bytes of the frame */
	guint headers;    /* bytes of the IP packet that each segment repeats */
} Frame;

extern const Frame frames[]; /* ends with one that has no name */

const Frame *frame_named(const char *name);
