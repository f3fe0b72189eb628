/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "text.h"

/* Which of the two a client would rather have, by its header Accept (NULL: none). One that
 * wants neither gets the text format, as from others. */
NetfilExposition netfil_exposition_accepted(const char *accept);

/* As in the header Content-Type. */
const char *netfil_exposition_content_type(NetfilExposition exposition);
