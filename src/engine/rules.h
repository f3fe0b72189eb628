/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "kernel/device.h"
#include "selectors.h"

/*
 * The rules in the kernel: which bit of every set stands for which filter's
 * selectors. A rule that is added matches nothing until it is enabled; so maps may
 * be written one after the other under traffic.
 */
typedef struct NetfilRules NetfilRules;

typedef struct {
	guint number;
	guint slot;
	NetfilSelectors *selectors;
	gboolean removed;  /* gathered: it only keeps its number */
	gboolean reserved; /* not there yet: it only has lists */
	gboolean leaving;  /* it keeps its number until the map of prefixes has it no more */
} NetfilRule;

/* Takes in what an earlier engine left; nothing is written before
 * netfil_rules_thaw(). */
NetfilRules *netfil_rules_new(NetfilKernel *kernel);
void netfil_rules_free(NetfilRules *rules);

/* All rules are there: writes the maps, and switches off rules that nobody added. */
gboolean netfil_rules_thaw(NetfilRules *rules, GError **error);

/* number -1: any; else one that an earlier engine gave. `beside`: a rule whose place
 * it will take (netfil_rules_replace). `seed`: look for processes and sockets that
 * exist already. Takes `selectors` over in any case. */
NetfilRule *netfil_rules_add(NetfilRules *rules, NetfilSelectors *selectors, guint slot, int number,
			     const NetfilRule *beside, gboolean seed, GError **error);
void netfil_rules_remove(NetfilRules *rules, NetfilRule *rule);

void netfil_rules_enable(NetfilRules *rules, const NetfilRule *rule, gboolean on);

/* Enables `new` and disables `old` in one store: each packet meets one of them. */
void netfil_rules_replace(NetfilRules *rules, const NetfilRule *old, const NetfilRule *new);

/* Many changes at once. From gather to settle maps are not written; a rule that is switched on
 * matches nothing yet, and the number of one that is removed is not given again. write
 * writes the maps, once; settle then switches on what is to be, or does not. */
void netfil_rules_gather(NetfilRules *rules);
gboolean netfil_rules_write(NetfilRules *rules, GError **error);
void netfil_rules_settle(NetfilRules *rules, gboolean on);

/* Long lists are put into the kernel before the rule that names them is there: a number is
 * reserved for it, and netfil_rules_fill() called until all is done or it is this monotonic time.
 * `beside` may be NULL. -1: lists that are short, or are its own already, or no room. A rule with
 * these lists then takes the number, or nobody does. */
int netfil_rules_reserve(NetfilRules *rules, GPtrArray *lists, const NetfilRule *beside);
void netfil_rules_unreserve(NetfilRules *rules, guint number);
gboolean netfil_rules_fill(NetfilRules *rules, gint64 until, gboolean *done, GError **error);

/* Whether a rule that is to replace this one can be put beside it. */
gboolean netfil_rules_have_room(const NetfilRules *rules, const NetfilRule *beside);

/* A filter with members is there, or no longer: the programs look for members while there are. */
void netfil_rules_key(NetfilRules *rules, gboolean on);

/* Has sockets' use by others noticed as long as owners matter: a rule asks about them,
 * applications are counted or sockets watched. After any of these changes but a rule. */
gboolean netfil_rules_follow(NetfilRules *rules, GError **error);

/* Voids all cached verdicts. After anything that they depend on. */
void netfil_rules_bump(NetfilRules *rules);

/* A frame filter: it has a slot on each interface that its globs name. */
typedef struct {
	const GPtrArray *globs;
	gboolean loopback;
	guint slot;
	const NetfilRule *rule; /* one that is never enabled: the addresses that it leaves
				   out are left out here. NULL: none */
	gboolean on;
	gboolean present; /* out: names an interface that is there */
} NetfilFrameFilter;

/* Writes the map "interfaces" for the devices that are there, for rules that name
 * interfaces and for these frame filters (of NetfilFrameFilter *), and attaches and
 * detaches the programs. NETFIL_ERROR_FULL where an interface has too many. */
gboolean netfil_rules_interfaces(NetfilRules *rules, const GPtrArray *devices, GPtrArray *frames,
				 GError **error);
