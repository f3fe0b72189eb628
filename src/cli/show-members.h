/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/client.h"
#include "terminal.h"

/* Members of a filter: what `netfil show --members` prints. */

typedef struct {
	GArray *members; /* NetfilMember */
	char *next;      /* NULL: these were the last */
	guint total;     /* how many match, these and those behind them */
} NetfilMembersPage;

void netfil_members_page_clear(NetfilMembersPage *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NetfilMembersPage, netfil_members_page_clear)

/* A line a member, under a line of heads; and how to see more. */
void netfil_print_members(const NetfilStatus *status, const NetfilMembersPage *page,
			  const NetfilTerminal *terminal);

void netfil_print_members_json(const NetfilStatus *status, const NetfilMembersPage *page);
