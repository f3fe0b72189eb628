/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who a task is, in the terms that rules ask in. */
#pragma once

#include "maps.h"

/* What follows a pointer that is NULL reads as 0. */
static __always_inline void exe_of_inode(struct inode *inode, struct netfil_exe *exe)
{
	exe->inode = inode->i_ino;
	exe->device = inode->i_sb->s_dev;
	exe->generation = inode->i_generation;
}

static __always_inline void exe_of(struct task_struct *task, struct netfil_exe *exe)
{
	exe_of_inode(task->mm->exe_file->f_inode, exe);
}

static __always_inline __u64 start_of(struct task_struct *task)
{
	return task->group_leader->start_boottime;
}

/* The process's rules, if it is under any. */
static __always_inline struct netfil_process *process_find(__u32 tgid, __u64 start)
{
	struct netfil_process *process = bpf_map_lookup_elem(&processes, &tgid);

	return process && process->start == start ? process : NULL;
}

/*
 * Makes the task the owner. Packets are matched meanwhile, without a lock: so each field goes
 * from the old to the new in one store, and no packet meets an owner that is nobody.
 */
static __always_inline void owner_fill(struct netfil_owner *owner, struct task_struct *task)
{
	owner->tgid = task->tgid;
	owner->start = start_of(task);
	owner->uid = task->cred->uid.val;
	owner->cgroup = task->cgroups->dfl_cgrp->kn->id;
	exe_of(task, &owner->exe);
}

/* Puts the task's process rules into those of a tag's owner. Not `keep`: in place of what
 * they were. */
static __always_inline void owner_rules(struct netfil_set *rules, struct netfil_process *process,
					bool keep)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < NETFIL_SET_WORDS; i++) {
		__u64 word = keep ? rules->words[i] : 0;

		if (process)
			word |= process->rules.words[i];
		WRITE_ONCE(rules->words[i], word);
	}
}
