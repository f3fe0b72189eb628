/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Somebody at the terminal to whom polkit can put its questions, for as long as this process
 * lives: pkttyagent, where it is there and neither root nor a desktop needs none. */
void netfil_agent_start(void);
