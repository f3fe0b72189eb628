/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "model.h"

/*
 * What the user asks for, wherever in the tray. It is done once netfild says so, and then
 * seen in the model; polkit asks the user in between if it must.
 *
 * Signals:
 *   "failed" (const GError *error)   nothing was changed: what is shown must be as before
 *   "done"   ()
 */
#define NETFIL_TYPE_ACT (netfil_act_get_type())
G_DECLARE_FINAL_TYPE(NetfilAct, netfil_act, NETFIL, ACT, GObject)

NetfilAct *netfil_act_new(NetfilModel *model);

void netfil_act_switch(NetfilAct *act, const char *name, gboolean on);
void netfil_act_switch_all(NetfilAct *act, gboolean on);
void netfil_act_top_up(NetfilAct *act, const char *name, const char *size);
void netfil_act_remove(NetfilAct *act, const char *name);
void netfil_act_reset(NetfilAct *act, const char *name);

/* Adds it, or changes it if it is there (keys not given stay). `values`: an a{sas}, floating. */
void netfil_act_put(NetfilAct *act, const char *name, GVariant *values);

/* The error in words for the user. Caller frees. */
char *netfil_act_explain(const GError *error);
