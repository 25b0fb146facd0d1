/* DPDK's rte_acl behind five functions, so that it can be measured beside cloison in one process.
 *
 * A packet is a record of 32-bit words in network order: the protocol (its first byte), `words`
 * words matched by prefix (VNI, addresses), and one word with both ports. A rule has a value and a
 * mask of as many fields as `fields()` says: protocol value/bit mask, word/prefix length, first and
 * last source port, first and last destination port, in host order.
 *
 * `max_size` is rte_acl's bound of a table in bytes. 0 is none, and splits rules over many small
 * tries; a large one lets tries grow, which takes longer to build and is often faster to ask.
 *
 * Everything returns 0 or a negative errno.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#define CHUNK 512

static int fields(int words) { return words + 3; }

static void define(struct rte_acl_field_def *def, int words)
{
	const int ports = words + 1;

	def[0] = (struct rte_acl_field_def){
		.type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = 0};
	for (int i = 1; i <= words; i++)
		def[i] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_MASK, .size = 4,
			.field_index = i, .input_index = i, .offset = 4 * i};
	for (int i = 0; i < 2; i++)
		def[ports + i] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_RANGE,
			.size = 2, .field_index = ports + i, .input_index = ports,
			.offset = 4 * ports + 2 * i};
}

static void fill(struct rte_acl_rule *rule, int words, const uint32_t *value, const uint32_t *mask)
{
	struct rte_acl_field *field = rule->field;

	field[0].value.u8 = value[0];
	field[0].mask_range.u8 = mask[0];
	for (int i = 1; i <= words; i++) {
		field[i].value.u32 = value[i];
		field[i].mask_range.u32 = mask[i];
	}
	for (int i = words + 1; i < fields(words); i++) {
		field[i].value.u16 = value[i];
		field[i].mask_range.u16 = mask[i];
	}
}

static int add(struct rte_acl_ctx *ctx, int words, int64_t n, const int32_t *id,
	const uint32_t *value, const uint32_t *mask)
{
	const int width = fields(words);
	const size_t size = RTE_ACL_RULE_SZ(width);
	char *chunk = calloc(CHUNK, size);
	int rc = chunk ? 0 : -ENOMEM;

	for (int64_t done = 0; done < n && rc == 0; done += CHUNK) {
		const int64_t count = n - done < CHUNK ? n - done : CHUNK;

		for (int64_t k = 0; k < count; k++) {
			const int64_t row = done + k;
			struct rte_acl_rule *rule = (struct rte_acl_rule *)(chunk + k * size);

			rule->data.category_mask = 1;
			rule->data.priority = RTE_ACL_MAX_PRIORITY - row;
			rule->data.userdata = id[row] + 1;
			fill(rule, words, value + row * width, mask + row * width);
		}
		rc = rte_acl_add_rules(ctx, (struct rte_acl_rule *)chunk, count);
	}
	free(chunk);
	return rc;
}

static uint64_t allocated(void)
{
	struct rte_malloc_socket_stats stats;
	uint64_t total = 0;

	for (int socket = 0; socket < RTE_MAX_NUMA_NODES; socket++)
		if (rte_malloc_get_socket_stats(socket, &stats) == 0)
			total += stats.heap_allocsz_bytes;
	return total;
}

int bench_start(int argc, char **argv)
{
	return rte_eal_init(argc, argv) < 0 ? -rte_errno : 0;
}

int bench_build(const char *name, int words, int64_t n, const int32_t *id, const uint32_t *value,
	const uint32_t *mask, uint64_t max_size, void **out, double *seconds, uint64_t *bytes)
{
	struct rte_acl_param param = {.name = name, .socket_id = SOCKET_ID_ANY,
		.rule_size = RTE_ACL_RULE_SZ(fields(words)), .max_rule_num = n};
	struct rte_acl_config config = {.num_categories = 1, .num_fields = fields(words),
		.max_size = max_size};
	struct rte_acl_ctx *ctx = rte_acl_create(&param);
	struct timespec begin, end;
	const uint64_t before = allocated();
	int rc;

	if (ctx == NULL)
		return -rte_errno;
	define(config.defs, words);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	rc = add(ctx, words, n, id, value, mask);
	if (rc == 0)
		rc = rte_acl_build(ctx, &config);
	clock_gettime(CLOCK_MONOTONIC, &end);
	*seconds = end.tv_sec - begin.tv_sec + 1e-9 * (end.tv_nsec - begin.tv_nsec);
	*bytes = allocated() - before;
	*out = ctx;
	if (rc != 0)
		rte_acl_free(ctx);
	return rc;
}

int bench_algorithm(void *ctx, int algorithm)
{
	return rte_acl_set_ctx_classify(ctx, algorithm);
}

int bench_classify(void *ctx, int64_t n, const uint8_t **packet, uint32_t *found, int burst)
{
	for (int64_t at = 0; at < n; at += burst) {
		const uint32_t count = n - at < burst ? n - at : burst;
		const int rc = rte_acl_classify(ctx, packet + at, found + at, count, 1);

		if (rc != 0)
			return rc;
	}
	return 0;
}

void bench_free(void *ctx)
{
	rte_acl_free(ctx);
}
