/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "face.h"

#include "show/level.h"

static NetfilFace face_of(const NetfilStatus *status)
{
	switch (netfil_level(status)) {
	case NETFIL_LEVEL_OFF:
		return NETFIL_FACE_OFF;
	case NETFIL_LEVEL_BAD:
		return NETFIL_FACE_REACHED;
	default:
		if (status->members_at_cap)
			return NETFIL_FACE_REACHED;
		return status->warned->len ? NETFIL_FACE_WARNED : NETFIL_FACE_ON;
	}
}

NetfilFace netfil_face(gboolean is_up, const char *trouble, const GPtrArray *statuses)
{
	NetfilFace face = NETFIL_FACE_OFF;

	if (!is_up || *trouble)
		return NETFIL_FACE_AWAY;
	for (guint i = 0; i < statuses->len; i++)
		face = MAX(face, face_of(statuses->pdata[i]));
	return face;
}

const char *netfil_face_icon(NetfilFace face)
{
	static const char *const names[] = {
	    [NETFIL_FACE_OFF] = "netfil-tray-off",
	    [NETFIL_FACE_ON] = "netfil-tray-on",
	    [NETFIL_FACE_WARNED] = "netfil-tray-warned",
	    [NETFIL_FACE_REACHED] = "netfil-tray-reached",
	    [NETFIL_FACE_AWAY] = "netfil-tray-away",
	};

	return names[face];
}
