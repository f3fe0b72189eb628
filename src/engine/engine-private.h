/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the files of the engine share, and nobody else sees. */

#include "core/error.h"
#include "engine.h"
#include "filter.h"
#include "kernel/device.h"

struct _NetfilEngine {
	GObject parent;
	NetfilKernel *kernel;
	NetfilDevices *devices;
	NetfilRules *rules;
	NetfilLedger *ledger; /* NULL: none */
	gboolean pinned;
	gboolean resuming; /* not all filters are there yet */
	GHashTable *filters; /* name -> NetfilFilter * */
	NetfilFilter *by_slot[NETFIL_SLOTS_MAX];
	guint next_slot;
	gint64 next_id; /* without a ledger */
	guint checkpoint_source;
	guint reset_source;
};


/* engine.c */
guint netfil_slot_take(NetfilEngine *e, NetfilFilter *filter, GError **error);
void netfil_slot_give_back(NetfilEngine *e, guint slot);
gboolean netfil_apply_interfaces(NetfilEngine *e, GError **error);
gboolean netfil_is_frame_filter(const NetfilSpec *spec);
gboolean netfil_install(NetfilEngine *e, NetfilFilter *filter, int rule, gboolean seed,
			gboolean lenient, GError **error);
void netfil_emit_cap_reached(NetfilEngine *e, const NetfilFilter *filter, guint direction);

/* cap.c: what happens at the cap. */
void netfil_cap_event(const struct netfil_event *event, gpointer engine);

/* Has ready what the cap will need. Interfaces are to be applied after it. */
gboolean netfil_cap_prepare(NetfilEngine *e, NetfilFilter *filter, GError **error);

/* Takes back what netfil_cap_prepare() and the cap did. */
void netfil_cap_dismiss(NetfilEngine *e, NetfilFilter *filter);

/* After a cap or the policy changed, or netfild was away: does what is due now, and no
 * more what was due before. */
void netfil_cap_follow(NetfilEngine *e, NetfilFilter *filter);

/* record.c: the engine's filters in the ledger; without a ledger, nothing. */

/* Writes the filter's row, and gives a new filter its id. */
gboolean netfil_record(NetfilEngine *e, NetfilFilter *filter, GError **error);
gboolean netfil_record_all(NetfilEngine *e, GError **error);

/* A GSourceFunc: writes the usage that changed. */
gboolean netfil_record_checkpoint(gpointer engine);

/* Takes up the ledger's filters, and their counters where the kernel kept them. */
gboolean netfil_record_resume(NetfilEngine *e, GError **error);
