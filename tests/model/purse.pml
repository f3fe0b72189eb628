/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The purses of bpf/slot.h and bpf/charge.h, and their readers of src/kernel/slot.c, for spin: one slot, two
 * CPUs with a purse each, and an interrupt on CPU 0. Each atomic of the C code is one step, in
 * the same order; the names are those of the C code. run.bash has the scenes (sizes, limits,
 * who takes part) and the mutants: promises broken on purpose, which spin has to find.
 *
 * Ghosts, which only the assertions read:
 *   charged[]  used[] less all credit, also credit that is on its way
 *   passed[]   what was admitted for good
 *   bound[]    what passed[] may be: the limit, or what was charged when it was lowered
 *   unfit[c]   the packet of context c did not fit at some instant of its run
 */
#define IN 0
#define OUT 1
#define TOTAL 2
#define NO_LIMIT 250

#ifndef TRIES
#define TRIES 1 /* CHARGE_TRIES */
#endif
#ifndef LEND_ROOM
#define LEND_ROOM 200
#endif
#ifndef CHUNK
#define CHUNK 1 /* of a limited slot */
#endif
#ifndef CHUNK_UNLIMITED
#define CHUNK_UNLIMITED 20
#endif
#ifndef PACKETS_0 /* of CPU 0, of the interrupt on it, of CPU 1 */
#define PACKETS_0 1
#endif
#ifndef PACKETS_IRQ
#define PACKETS_IRQ 1
#endif
#ifndef PACKETS_1
#define PACKETS_1 1
#endif
#ifndef WAYS /* directions: 1 is out alone, 2 both */
#define WAYS 2
#endif
#ifndef LIMIT_OUT
#define LIMIT_OUT NO_LIMIT
#endif
#ifndef LIMIT_TOTAL
#define LIMIT_TOTAL 8
#endif
#ifndef CREDIT /* at the start, at most, in each purse and direction */
#define CREDIT 0
#endif
#ifndef USED /* at the start, each direction, beside this credit */
#define USED 0
#endif
#ifndef UNDO /* 1: another filter may refuse what this one admitted */
#define UNDO 0
#endif
#ifndef ANY_ROOM /* 1: what others charge in a window may be as much as LEND_ROOM, which it never is: a
		    packet may be refused that would fit without what was lent meanwhile */
#define ANY_ROOM 0
#endif
#ifndef USER /* 1: lowers and raises limits; 2: reads */
#define USER 0
#endif
#ifndef LOW_OUT
#define LOW_OUT NO_LIMIT
#endif
#ifndef LOW_TOTAL
#define LOW_TOTAL 2
#endif

#define CONTEXTS 3 /* 0: CPU 0; 1: what interrupts it; 2: CPU 1 */
#define USER_SPACE 3
#define CPU(context) ((context) / 2)
#define NOBODY 9

byte used[3], limit[3], credit[4]; /* [CPU * 2 + direction] */
byte moves_under_way, moves_over;
byte holder = NOBODY; /* of the slot's lock */
bool interrupted;
byte finished;

byte charged[3], passed[3], bound[3];
byte size[CONTEXTS], way[CONTEXTS];
bool unfit[CONTEXTS];
bool user_done;

/* CPU 0 stands still while it is interrupted. */
#define RUNS(context) ((context) != 0 || !interrupted)
#define STEP(what)                                                                                 \
	d_step                                                                                     \
	{                                                                                          \
		RUNS(me)->what;                                                                    \
	}

inline look_at(c)
{
	if
	:: size[c] && (charged[way[c]] + size[c] > limit[way[c]] ||
		       charged[TOTAL] + size[c] > limit[TOTAL]) -> unfit[c] = true
	:: else
	fi
}

/* After each change of charged[] or limit[]. */
inline look()
{
	look_at(0);
	look_at(1);
	look_at(2)
}

/* ---- counters ---- */

/* Leaves in `refused` whether `amount` did not fit, of which `real` are the packet's. */
inline counter_charge(x, amount, real)
{
	STEP(bar = limit[x]);
	STEP(now = used[x]);
	tries = 0;
	refused = 0;
	do
	:: now + amount > bar -> refused = 1; break
	:: else ->
		d_step {
			RUNS(me) ->
			if
			:: tries == TRIES -> now = used[x]
			:: else
			fi;
			if
			:: used[x] == now ->
				used[x] = used[x] + amount;
				charged[x] = charged[x] + real;
				look();
				tries = TRIES + 1
			:: else -> now = used[x]; tries++
			fi
		}
		if
		:: tries == TRIES + 1 -> break
		:: else
		fi
	od;
	if
	:: refused
	:: else ->
#ifdef MUTANT_STALE /* the limit may have been lowered before it was charged */
		STEP(refused = (now + amount > bar));
#else
		STEP(refused = (now + amount > limit[x]));
#endif
		if
		:: refused -> STEP(used[x] = used[x] - amount; charged[x] = charged[x] - real; look())
		:: else
		fi
	fi;
	d_step { bar = 0; now = 0; tries = 0 }
}

inline fits_now(x, amount)
{
	STEP(bar = limit[x]);
	STEP(refused = (bar != NO_LIMIT && used[x] + amount > bar));
	bar = 0
}

inline pool_lacks(amount)
{
	fits_now(way[me], amount);
	if
	:: refused
	:: else -> fits_now(TOTAL, amount)
	fi
}

inline slot_charge(amount, real)
{
	pool_lacks(amount);
	if
	:: refused
	:: else -> counter_charge(way[me], amount, real)
	fi;
	if
	:: refused
	:: else ->
		counter_charge(TOTAL, amount, real);
		if
		:: refused ->
			STEP(used[way[me]] = used[way[me]] - amount;
			     charged[way[me]] = charged[way[me]] - real; look())
		:: else
		fi
	fi
}

/* ---- purses ---- */

inline admitted(c)
{
	passed[way[c]] = passed[way[c]] + size[c];
	passed[TOTAL] = passed[TOTAL] + size[c];
	assert(passed[way[c]] <= bound[way[c]]);
	assert(passed[TOTAL] <= bound[TOTAL])
}

#ifdef MUTANT_UNLOCKED
#define lock() skip
#define unlock() skip
#else
#define lock()                                                                                     \
	d_step                                                                                     \
	{                                                                                          \
		RUNS(me) && holder == NOBODY->holder = me;                                         \
	}
#define unlock() STEP(holder = NOBODY)
#endif

inline counter_room(x)
{
	STEP(bar = limit[x]);
	d_step {
		RUNS(me) ->
		if
		:: bar == NO_LIMIT -> now = NO_LIMIT
		:: bar != NO_LIMIT && bar > used[x] -> now = bar - used[x]
		:: else -> now = 0
		fi;
		bar = 0
	}
}

inline slot_lends()
{
	counter_room(way[me]);
	chunk = now;
	counter_room(TOTAL);
	d_step {
		if
		:: now < chunk -> chunk = now
		:: else
		fi;
		if
		:: chunk == NO_LIMIT -> chunk = CHUNK_UNLIMITED
#ifdef MUTANT_FLOORLESS
		:: chunk != NO_LIMIT && chunk > 0 -> chunk = CHUNK
#else
		:: chunk != NO_LIMIT && chunk >= LEND_ROOM -> chunk = CHUNK
#endif
		:: else -> chunk = 0
		fi;
		now = 0
	}
}

inline lend()
{
	slot_lends();
	if
	:: chunk ->
		lock();
		slot_lends();
		if
		:: chunk ->
			STEP(moves_under_way++);
			slot_charge((chunk + size[me]), size[me]);
			if
			:: refused
			:: else ->
				STEP(credit[CPU(me) * 2 + way[me]] = credit[CPU(me) * 2 + way[me]] + chunk);
				done = 1
			fi;
			STEP(moves_under_way--; moves_over++)
		:: else
		fi;
		unlock();
		chunk = 0
	:: else
	fi
}

inline take_back(p)
{
	STEP(now = credit[p]; credit[p] = 0);
	STEP(used[(p) % 2] = used[(p) % 2] - now);
	STEP(used[TOTAL] = used[TOTAL] - now)
}

/* Where one direction is used alone, the other one's steps change nothing. */
inline credit_return(cpu)
{
#if WAYS == 2
	STEP(now = credit[cpu * 2 + IN]);
#endif
	if
	:: now == 0 -> STEP(now = credit[cpu * 2 + OUT])
	:: else
	fi;
	if
	:: now ->
		lock();
#if WAYS == 2
		take_back(cpu * 2 + IN);
#endif
		take_back(cpu * 2 + OUT);
		unlock();
		now = 0
	:: else
	fi
}

/* Waits for moves under way when it begins, and for those whose credit it did not see any more. */
inline slot_gather()
{
	lock();
	STEP(moves_under_way++);
	unlock();
	credit_return(0);
	credit_return(1);
	lock();
	STEP(moves_under_way--; moves_over++);
	unlock()
}

/* ---- packets ---- */

/* slot_lacks(), of a packet that several filters match; `refused`. */
inline refuse_early()
{
	STEP(refused = (credit[CPU(me) * 2 + way[me]] < size[me]));
	if
	:: refused ->
		pool_lacks(size[me]);
		if
		:: refused -> slot_gather(); pool_lacks(size[me])
		:: else
		fi
	:: else
	fi
}

inline charge_shared()
{
	lend();
	if
	:: done
	:: else ->
		slot_charge(size[me], size[me]);
#ifndef MUTANT_HOARD /* no gather before refusing */
		if
		:: refused -> slot_gather(); slot_charge(size[me], size[me])
		:: else
		fi;
#endif
		done = !refused
	fi
}

inline charge_slot()
{
	STEP(now = credit[CPU(me) * 2 + way[me]]);
	if
	:: now >= size[me] ->
		d_step {
			RUNS(me) ->
			if
#ifdef MUTANT_PLAIN /* reads, subtracts, writes */
			:: true ->
#else
			:: credit[CPU(me) * 2 + way[me]] == now ->
#endif
				credit[CPU(me) * 2 + way[me]] = now - size[me];
				charged[way[me]] = charged[way[me]] + size[me];
				charged[TOTAL] = charged[TOTAL] + size[me];
				look();
				done = 1
#ifndef MUTANT_PLAIN
			:: else
#endif
			fi;
			now = 0
		}
	:: else -> now = 0
	fi;
	if
	:: done
	:: else -> charge_shared()
	fi
}

inline uncharge_slot()
{
#ifdef MUTANT_CREDITED /* into the purse of this CPU */
	STEP(credit[CPU(me) * 2 + way[me]] = credit[CPU(me) * 2 + way[me]] + size[me];
	     charged[way[me]] = charged[way[me]] - size[me];
	     charged[TOTAL] = charged[TOTAL] - size[me]; look());
#else
	STEP(used[way[me]] = used[way[me]] - size[me];
	     charged[way[me]] = charged[way[me]] - size[me]; look());
	STEP(used[TOTAL] = used[TOTAL] - size[me]; charged[TOTAL] = charged[TOTAL] - size[me]; look());
#endif
}

inline packet()
{
	refused = 0;
	if
	:: UNDO -> refuse_early()
	:: true
	fi;
	if
	:: refused
	:: else -> charge_slot()
	fi;
	if
	:: !done -> STEP(assert(unfit[me] || ANY_ROOM))
	:: done -> STEP(admitted(me))
	:: done && UNDO -> uncharge_slot()
	fi;
	d_step { done = 0; refused = 0 }
}

/* Of any size and direction. On CPU 0 an interrupt comes when none is under way and it has
 * interrupts on; it does whole packets. */
inline begin()
{
	d_step {
		RUNS(me) && (me != 1 || holder != 0) ->
		interrupted = (me == 1 -> 1 : interrupted);
		size[me] = 1;
		way[me] = OUT;
		unfit[me] = false;
	}
	if
	:: atomic { RUNS(me) -> size[me] = 2 }
	:: atomic { RUNS(me) && WAYS == 2 -> way[me] = IN }
	:: atomic { RUNS(me) && WAYS == 2 -> size[me] = 2; way[me] = IN }
	:: RUNS(me)
	fi;
	STEP(look())
}

proctype context(byte me; byte packets)
{
	byte bar, now, tries, chunk;
	bool refused, done;

	do
	:: packets ->
		begin();
		packet();
		STEP(size[me] = 0; way[me] = 0; unfit[me] = 0; packets--;
		     interrupted = (me == 1 -> 0 : interrupted))
	:: else -> break
	od;
	finished++
}

/* ---- user space ---- */

#define SUM(what) (what[0] + what[2])

inline set_limit(x, to)
{
	d_step {
		lowered = lowered || to < limit[x];
		limit[x] = to;
		if
		:: to > bound[x] -> bound[x] = to
		:: else
		fi;
		look()
	}
}

inline in_force(x)
{
	bound[x] = (charged[x] > limit[x] -> charged[x] : limit[x])
}

/* set_limits(): from its return on nothing is spent by the old ones. */
inline set_limits(out, total)
{
	lowered = 0;
	set_limit(OUT, out);
	set_limit(TOTAL, total);
	if
	:: lowered ->
#ifndef MUTANT_HASTY /* does not have credit back that was lent under the old ones */
		slot_gather();
#endif
		d_step { in_force(OUT); in_force(TOTAL) }
	:: else
	fi
}

/* netfil_slots_used(), until it gives the result: between what was charged when it began, and
 * when it ended. Scenes with a reader refuse nothing. */
inline slots_used()
{
	d_step { least[IN] = charged[IN]; least[OUT] = charged[OUT] }
	do
	:: true ->
		STEP(now = moves_over; tries = moves_under_way);
		STEP(seen[IN] = used[IN]);
		STEP(seen[OUT] = used[OUT]);
		STEP(seen[IN] = seen[IN] - credit[0]);
		STEP(seen[OUT] = seen[OUT] - credit[1]);
		STEP(seen[IN] = seen[IN] - credit[2]);
		STEP(seen[OUT] = seen[OUT] - credit[3]);
#ifdef MUTANT_BLIND
		break
#else
		if
		:: !tries && moves_over == now && !moves_under_way -> break
		:: else
		fi
#endif
	od;
	assert(least[IN] <= seen[IN] && seen[IN] <= charged[IN]);
	assert(least[OUT] <= seen[OUT] && seen[OUT] <= charged[OUT])
}

proctype user(byte me)
{
	byte bar, now, tries;
	bool lowered;
	short seen[2], least[2];

#if USER == 1
	set_limits(LOW_OUT, LOW_TOTAL);
	set_limits(LIMIT_OUT, LIMIT_TOTAL);
#else
	slots_used();
#endif
	finished++
}

inline some_credit(p)
{
	select(amount : 0 .. CREDIT);
	credit[p] = amount;
	used[(p) % 2] = used[(p) % 2] + amount;
	used[TOTAL] = used[TOTAL] + amount;
	amount = 0
}

#define START(x, what)                                                                             \
	used[x] = what;                                                                            \
	charged[x] = what;                                                                         \
	passed[x] = what

#define QUIET(x, lent) assert(used[x] == passed[x] + lent && charged[x] == passed[x])

init
{
	byte amount;

	atomic {
		START(IN, USED);
		START(OUT, USED);
		START(TOTAL, 2 * USED);
		limit[IN] = NO_LIMIT;
		limit[OUT] = LIMIT_OUT;
		limit[TOTAL] = LIMIT_TOTAL;
		bound[IN] = limit[IN];
		bound[OUT] = limit[OUT];
		bound[TOTAL] = limit[TOTAL];
		some_credit(OUT);
		some_credit(2 + OUT);
#if WAYS == 2
		some_credit(IN);
		some_credit(2 + IN);
#endif
		if
		:: used[OUT] <= limit[OUT] && used[TOTAL] <= limit[TOTAL]
		:: else -> goto nothing /* no such credit is lent */
		fi;
		run context(0, PACKETS_0);
		run context(1, PACKETS_IRQ);
		run context(2, PACKETS_1);
#if USER
		run user(USER_SPACE)
#else
		finished++
#endif
	}
	finished == 4;
	QUIET(IN, credit[0] + credit[2]);
	QUIET(OUT, credit[1] + credit[3]);
	QUIET(TOTAL, credit[0] + credit[1] + credit[2] + credit[3]);
	assert(moves_under_way == 0 && holder == NOBODY);
nothing:
	skip
}
