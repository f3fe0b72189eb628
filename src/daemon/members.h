/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "bus-generated.h"
#include "engine/engine.h"

/* Answers Members and ResetMember; both objects have to outlive each other. */
void netfil_members_serve(NetfilBusManager *manager, NetfilEngine *engine);
