/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "model.h"

/*
 * News of the members of filters with `each`, of which there may be very many at once: the
 * first is told at once, and those that follow within `quiet_ms` together at its end.
 */
typedef struct NetfilMemberNews NetfilMemberNews;

/* `percent` of the cap, 0: all of it. `members`: the first few of the `count`, as text that can
 * be shown. */
typedef void (*NetfilMemberTell)(const char *name, guint percent, const GPtrArray *members,
				 guint count, gpointer data);

NetfilMemberNews *netfil_member_news_new(NetfilModel *model, guint quiet_ms, NetfilMemberTell tell,
					 gpointer data);
void netfil_member_news_free(NetfilMemberNews *news);

/* Whether members of this filter reached their cap, and were told by name or will be, since
 * this was asked last. */
gboolean netfil_member_news_heard(NetfilMemberNews *news, const char *name);
