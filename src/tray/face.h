/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "core/status.h"

/* What the icon says of all filters together: the worst that there is. */
typedef enum {
	NETFIL_FACE_OFF, /* no filter is on */
	NETFIL_FACE_ON,
	NETFIL_FACE_WARNED,  /* a warning was given in this cycle */
	NETFIL_FACE_REACHED, /* a cap is reached, be it one of many members' */
	NETFIL_FACE_AWAY,    /* netfild is not there, or in trouble */
} NetfilFace;

/* statuses: of const NetfilStatus. */
NetfilFace netfil_face(gboolean is_up, const char *trouble, const GPtrArray *statuses);

/* The icon's name in the theme. */
const char *netfil_face_icon(NetfilFace face);
