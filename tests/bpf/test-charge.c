// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Charging under two threads at once, one a CPU, until nothing more fits: never over
 * a limit, short of it by less than the smallest packet, and no byte lost.
 */
#include <pthread.h>
#include <sched.h>

#include "bed.h"

#define WORKERS 2
#define RULES_MAX 3
#define SIZES_MAX 4
#define ANY_LIMIT 0 /* in the tables: none */

typedef struct {
	const char *name;
	Program programs[WORKERS];
	guint rules; /* that all packets are charged to */
	guint64 limits[RULES_MAX][NETFIL_DIRECTIONS];
	guint sizes[SIZES_MAX]; /* of IP packets; the smallest is the first */
	guint batch;            /* 1: verdicts are counted; more: a closer race */
} Race;

typedef struct {
	const Race *race;
	guint cpu;
	Program program;
	guint64 tried, admitted; /* bytes; admitted: if batch is 1 */
} Worker;

static Bed *bed;
static pthread_barrier_t start;

static void pin(guint cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	g_assert_cmpint(sched_setaffinity(0, sizeof(set), &set), ==, 0); /* of this thread */
}

/* A CPU that this process may use; the last one if there are fewer. */
static guint usable_cpu(guint index)
{
	guint found = 0;
	cpu_set_t set;

	g_assert_cmpint(sched_getaffinity(0, sizeof(set), &set), ==, 0);
	for (guint cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		found = cpu;
		if (!index--)
			break;
	}
	return found;
}

/* Returns whether the last packet was admitted. */
static gboolean try_size(Worker *worker, guint size)
{
	guint batch = worker->race->batch;
	gboolean admitted;
	Packet packet;

	packet_udp4(&packet, size);
	admitted = bed_repeat(bed, worker->program, &packet, batch) == ADMIT;
	worker->tried += (guint64)batch * size;
	if (admitted)
		worker->admitted += size;
	return admitted;
}

static gpointer work(gpointer data)
{
	Worker *worker = data;
	gboolean admitted;

	pin(worker->cpu);
	pthread_barrier_wait(&start);
	do {
		admitted = FALSE;
		for (guint i = 0; i < SIZES_MAX && worker->race->sizes[i]; i++)
			admitted |= try_size(worker, worker->race->sizes[i]);
	} while (admitted);
	return NULL;
}

static void run_workers(const Race *race, Worker workers[WORKERS])
{
	GThread *threads[WORKERS];

	pthread_barrier_init(&start, NULL, WORKERS);
	for (guint i = 0; i < WORKERS; i++) {
		workers[i] = (Worker){race, usable_cpu(i), race->programs[i]};
		threads[i] = g_thread_new("worker", work, &workers[i]);
	}
	for (guint i = 0; i < WORKERS; i++)
		g_thread_join(threads[i]);
	pthread_barrier_destroy(&start);
}

static void set_up(const Race *race)
{
	bed_clear(bed);
	for (guint rule = 0; rule < race->rules; rule++) {
		bed_rule(bed, rule, 0);
		for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
			if (race->limits[rule][i] != ANY_LIMIT)
				bed_slot(bed, rule)->limit[i] = race->limits[rule][i];
		}
	}
}

/* Bytes that every slot would take. */
static guint64 room(const Race *race)
{
	guint64 least = NETFIL_NO_LIMIT;

	for (guint rule = 0; rule < race->rules; rule++) {
		struct netfil_slot *slot = bed_slot(bed, rule);

		for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
			if (slot->limit[i] == NETFIL_NO_LIMIT)
				continue;
			g_assert_cmpuint(bed_used(bed, rule, i), <=, slot->limit[i]);
			least = MIN(least, slot->limit[i] - bed_used(bed, rule, i));
		}
	}
	return least;
}

/* Each packet was charged to all slots, or is booked as refused by one. */
static void expect_sums(const Race *race, const Worker workers[WORKERS])
{
	guint64 tried = 0, admitted = 0, refused = 0, used;
	for (guint i = 0; i < WORKERS; i++) {
		tried += workers[i].tried;
		admitted += workers[i].admitted;
	}
	for (guint rule = 0; rule < race->rules; rule++) {
		expect_used(bed, rule, bed_used(bed, 0, NETFIL_IN), bed_used(bed, 0, NETFIL_OUT));
		refused += bed_slot(bed, rule)->refused_bytes;
	}
	used = bed_used(bed, 0, NETFIL_TOTAL);
	g_assert_cmpuint(used + refused, ==, tried);
	if (race->batch == 1)
		g_assert_cmpuint(used, ==, admitted);
}

static void test_race(gconstpointer data)
{
	const Race *race = data;
	Worker workers[WORKERS];

	set_up(race);
	run_workers(race, workers);
	expect_sums(race, workers);
	g_assert_cmpuint(room(race), <, race->sizes[0]);
}

/* The end of the race alone, over and over: there the last packets must not both fit. */
#define ENDS 100

static void test_ends(gconstpointer data)
{
	for (guint i = 0; i < ENDS; i++)
		test_race(data);
}

#define OUT_OUT                                                                                    \
	{                                                                                          \
		SOCKET_OUT, SOCKET_OUT                                                             \
	}
#define OUT_IN                                                                                     \
	{                                                                                          \
		SOCKET_OUT, SOCKET_IN                                                              \
	}
#define EACH 300000 /* packets, about, where each verdict is counted */
#define MANY 2000000

static const Race races[] = {
    {"out", OUT_OUT, 1, {{0, 705ull * MANY + 13, 0}}, {40, 576, 1500}, 1000},
    {"out-counted", OUT_OUT, 1, {{0, 705ull * EACH + 13, 0}}, {40, 576, 1500}, 1},
    {"one-size", OUT_OUT, 1, {{0, 1500ull * MANY - 1, 0}}, {1500}, 1000},
    {"tiny", OUT_OUT, 1, {{0, 28ull * MANY + 27, 0}}, {28}, 1000},
    {"total", OUT_IN, 1, {{0, 0, 705ull * MANY + 13}}, {40, 576, 1500}, 1000},
    {"total-counted", OUT_IN, 1, {{0, 0, 705ull * EACH + 13}}, {40, 576, 1500}, 1},
    {"in-out-total",
     OUT_IN,
     1,
     {{300ull * MANY, 500ull * MANY, 705ull * MANY}},
     {41, 577, 1499},
     1000},
    {"out-below-total", OUT_OUT, 1, {{0, 700ull * MANY, 701ull * MANY}}, {40, 1500}, 1000},
    {"total-below-out", OUT_OUT, 1, {{0, 701ull * MANY, 700ull * MANY}}, {40, 1500}, 1000},
    {"three-slots",
     OUT_OUT,
     3,
     {{0}, {0, 0, 705ull * MANY + 1}, {0, 705ull * MANY + 50, 0}},
     {40, 576, 1500},
     1000},
    {"three-slots-counted",
     OUT_OUT,
     3,
     {{0, 705ull * EACH + 50, 0}, {0}, {0, 0, 705ull * EACH + 1}},
     {40, 576, 1500},
     1},
    {"three-slots-both-ways",
     OUT_IN,
     3,
     {{0, 0, 705ull * MANY + 100}, {0, 0, 705ull * MANY}, {0, 0, 705ull * MANY + 39}},
     {40, 576, 1500},
     1000},
    {.name = NULL},
};

static const Race ends[] = {
    {"out", OUT_OUT, 1, {{0, 1500 * 20000, 0}}, {1500}, 20000},
    {"total", OUT_IN, 1, {{0, 0, 100 * 20000 + 99}}, {100}, 20000},
    {"two-slots", OUT_IN, 2, {{0, 0, 100 * 20000}, {0, 0, 100 * 20000 + 50}}, {100}, 20000},
    {"lent", OUT_OUT, 1, {{0, (24 << 20) + 13, 0}}, {1500}, 50},
    {"lent-total", OUT_IN, 1, {{0, 0, (24 << 20) + 13}}, {1500}, 50},
    {.name = NULL},
};

/*
 * The second slot refuses by turns: each worker raises its limit by some packets when
 * it has been refused, so that the first slot is charged and undone over and over
 * while the other worker charges it.
 */
#define TURNS 2000
#define TURN_PACKETS 20

static gpointer work_by_turns(gpointer data)
{
	struct netfil_slot *second = bed_slot(bed, 1);
	Worker *worker = data;
	guint size = worker->race->sizes[0];

	pin(worker->cpu);
	pthread_barrier_wait(&start);
	for (guint turn = 0; turn < TURNS; turn++) {
		if (!try_size(worker, size))
			__atomic_add_fetch(&second->limit[NETFIL_OUT], TURN_PACKETS * size,
					   __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void test_turns(void)
{
	static const Race race = {"turns", OUT_OUT, 2, {{0, 0, 0}, {0, 1, 0}}, {500}, 50};
	Worker workers[WORKERS];
	GThread *threads[WORKERS];

	set_up(&race);
	pthread_barrier_init(&start, NULL, WORKERS);
	for (guint i = 0; i < WORKERS; i++) {
		workers[i] = (Worker){&race, usable_cpu(i), race.programs[i]};
		threads[i] = g_thread_new("worker", work_by_turns, &workers[i]);
	}
	for (guint i = 0; i < WORKERS; i++)
		g_thread_join(threads[i]);
	pthread_barrier_destroy(&start);
	expect_sums(&race, workers);
	room(&race); /* not over */
	g_assert_cmpuint(bed_slot(bed, 0)->refused_bytes, ==, 0);
	g_assert_cmpuint(bed_slot(bed, 1)->refused_bytes, >, 0);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), >, 0);
}

/*
 * Limits far above what is lent at all are raised and lowered while two workers charge, as
 * netfild does it: below what is used, and above it, where the rest is spent then.
 */
#define LOWERINGS 150
#define FAR (64ULL << 20)
#define NEAR (18ULL << 20) /* some of it is lent */

static gint moving_over;

static gpointer work_until_over(gpointer data)
{
	Worker *worker = data;

	pin(worker->cpu);
	pthread_barrier_wait(&start);
	while (!g_atomic_int_get(&moving_over))
		try_size(worker, worker->race->sizes[0]);
	return NULL;
}

static guint64 total_used(void)
{
	return bed_used(bed, 0, NETFIL_TOTAL);
}

static guint64 refused_packets(void)
{
	return __atomic_load_n(&bed_slot(bed, 0)->refused_packets, __ATOMIC_SEQ_CST);
}

static void limit_total(guint64 limit)
{
	struct netfil_slot *slot = bed_slot(bed, 0);
	guint64 before = slot->limit[NETFIL_TOTAL];

	__atomic_store_n(&slot->limit[NETFIL_TOTAL], limit, __ATOMIC_SEQ_CST);
	if (limit < before)
		netfil_slots_gather(bed->slots, bed_slot_number(0));
}

/* Some packets of each worker were, and so what had begun before is over. */
static void wait_refused(const Race *race)
{
	guint64 before = refused_packets();

	while (refused_packets() < before + 3 * WORKERS * race->batch)
		sched_yield();
}

static void move_limit(const Race *race, guint turn)
{
	guint64 limit, used, settled, size = race->sizes[0];

	used = total_used();
	limit_total(used + FAR);
	while (total_used() < used + FAR / 8)
		sched_yield();
	used = total_used();
	limit = turn % 2 ? used / 2 : used + NEAR;
	limit_total(limit);
	used = total_used(); /* more than `limit` if this thread had to wait for its CPU */
	wait_refused(race);
	settled = total_used();
	g_assert_cmpuint(settled, <=, MAX(used, limit));
	if (used > limit) /* what was seen in `used` may have been taken back */
		g_assert_cmpuint(settled + WORKERS * size, >=, used);
	else
		g_assert_cmpuint(settled + size, >, limit);
	wait_refused(race);
	g_assert_cmpuint(total_used(), ==, settled);
}

static void test_moving(gconstpointer data)
{
	const Race *race = data;
	Worker workers[WORKERS];
	GThread *threads[WORKERS];

	set_up(race);
	moving_over = FALSE;
	pthread_barrier_init(&start, NULL, WORKERS);
	for (guint i = 0; i < WORKERS; i++) {
		workers[i] = (Worker){race, usable_cpu(i), race->programs[i]};
		threads[i] = g_thread_new("worker", work_until_over, &workers[i]);
	}
	for (guint turn = 0; turn < LOWERINGS; turn++)
		move_limit(race, turn);
	g_atomic_int_set(&moving_over, TRUE);
	for (guint i = 0; i < WORKERS; i++)
		g_thread_join(threads[i]);
	pthread_barrier_destroy(&start);
	expect_sums(race, workers);
}

/* From no limit, under which a terabyte is lent. */
static const Race moving[] = {
    {"out", OUT_OUT, 1, {{0}}, {1500}, 50},
    {"total", OUT_IN, 1, {{0}}, {1500}, 50},
    {"counted", OUT_IN, 1, {{0}}, {1500}, 1},
    {.name = NULL},
};

/* Packets of three filters, out of whose purses the credit is taken back meanwhile: where the
 * second or the third one has none any more, what those before it paid is given back. */
#define GATHERED 3
#define BATCHES 60

static gint sending;

static gpointer send_batches(gpointer data)
{
	Worker *worker = data;

	pin(worker->cpu);
	pthread_barrier_wait(&start);
	for (guint i = 0; i < BATCHES; i++)
		try_size(worker, worker->race->sizes[0]);
	g_atomic_int_set(&sending, FALSE);
	return NULL;
}

static void test_gathered(void)
{
	static const Race race = {"gathered", OUT_OUT, GATHERED, {{0}}, {100}, 50000};
	Worker worker = {&race, usable_cpu(0), SOCKET_OUT};
	GThread *sender;

	set_up(&race);
	sending = TRUE;
	pthread_barrier_init(&start, NULL, 2);
	sender = g_thread_new("sender", send_batches, &worker);
	pthread_barrier_wait(&start);
	while (g_atomic_int_get(&sending))
		for (guint rule = 1; rule < GATHERED; rule++)
			netfil_slots_gather(bed->slots, bed_slot_number(rule));
	g_thread_join(sender);
	pthread_barrier_destroy(&start);
	for (guint rule = 0; rule < GATHERED; rule++)
		expect_used(bed, rule, 0, worker.tried);
}

static void add(const char *prefix, const Race *race, GTestDataFunc test)
{
	for (; race->name; race++) {
		g_autofree char *path = g_strdup_printf("%s/%s", prefix, race->name);

		g_test_add_data_func(path, race, test);
	}
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	add("/charge/race", races, test_race);
	add("/charge/ends", ends, test_ends);
	add("/charge/moving", moving, test_moving);
	g_test_add_func("/charge/turns", test_turns);
	g_test_add_func("/charge/gathered", test_gathered);
	bed = bed_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	bed_free(bed);
	return status;
}
