/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/config.h"
#include "hook.h"
#include "mistakes.h"

/* netfil.conf(5), below netfil_config_dir(). Without the file, what it is without. */
void netfil_conf_read(NetfilConfig *config, GPtrArray *mistakes);

/* Who hooks are run as. FALSE: there is no such user. */
gboolean netfil_conf_events_user(const NetfilConfig *config, NetfilHookUser *user);

/* Caller frees. */
char *netfil_conf_path(void);
