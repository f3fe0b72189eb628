/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/signalfd.h>

/* The signals of `netfil run`, taken one by one in its main loop. */

/* Holds back what netfil_run_signals_watch() will deliver, in this thread and
 * those to come; `before` gets the mask for the command. */
void netfil_run_signals_block(sigset_t *before);

typedef void (*NetfilSignalFunc)(const struct signalfd_siginfo *signal, gpointer data);

gboolean netfil_run_signals_watch(NetfilSignalFunc func, gpointer data, GError **error);

/* TRUE if the terminal sent it: then the whole foreground process group has it,
 * the command included. */
gboolean netfil_run_signal_is_from_terminal(const struct signalfd_siginfo *signal);

/* Does what SIGTSTP does; returns when we are continued. */
void netfil_run_signals_suspend(void);
