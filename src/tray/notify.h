/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "act.h"
#include "model.h"

/* Notifications of warnings, caps that are reached and new cycles, each once: see told.h. */
typedef struct NetfilNotify NetfilNotify;

/* `open` shows the window. */
NetfilNotify *netfil_notify_new(NetfilModel *model, NetfilAct *act, void (*open)(gpointer data),
				gpointer data);
void netfil_notify_free(NetfilNotify *notify);

/* What was asked for was not done. */
void netfil_notify_problem(NetfilNotify *notify, const GError *error);
