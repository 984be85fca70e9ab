// greenroom_pack(a, b, ...) is an aggregate that answers all rows of a query as one blob, value
// after value. Reading rows one by one costs several calls from Go into C for each value; this way
// there is one call for all of them. db/value.go reads the blob.
//
// A value is a byte for its type, then: nothing for NULL, eight bytes for an integer or a double,
// four bytes of length and the bytes themselves for text and blobs; all in the machine's own order.

#include <stdint.h>
#include <string.h>

// What is used of SQLite, which the driver's package brings along. These are fixed by SQLite's
// promise of a stable interface: https://www.sqlite.org/c3ref/funclist.html
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_context sqlite3_context;
typedef struct sqlite3_value sqlite3_value;
typedef long long int sqlite3_int64;
typedef unsigned long long int sqlite3_uint64;

enum { INTEGER = 1, DOUBLE = 2, TEXT = 3, BLOB = 4, NUL = 5 };
enum { UTF8 = 1, DETERMINISTIC = 0x800 };

#define DRIVERS __attribute__((weak)) extern
DRIVERS int sqlite3_auto_extension(void (*)(void));
DRIVERS int sqlite3_create_function_v2(sqlite3 *, const char *, int, int, void *,
	void (*)(sqlite3_context *, int, sqlite3_value **),
	void (*)(sqlite3_context *, int, sqlite3_value **),
	void (*)(sqlite3_context *), void (*)(void *));
DRIVERS void *sqlite3_aggregate_context(sqlite3_context *, int);
DRIVERS int sqlite3_value_type(sqlite3_value *);
DRIVERS sqlite3_int64 sqlite3_value_int64(sqlite3_value *);
DRIVERS double sqlite3_value_double(sqlite3_value *);
DRIVERS const void *sqlite3_value_blob(sqlite3_value *);
DRIVERS const unsigned char *sqlite3_value_text(sqlite3_value *);
DRIVERS int sqlite3_value_bytes(sqlite3_value *);
DRIVERS void *sqlite3_realloc64(void *, sqlite3_uint64);
DRIVERS void sqlite3_free(void *);
DRIVERS void sqlite3_result_blob64(sqlite3_context *, const void *, sqlite3_uint64, void (*)(void *));
DRIVERS void sqlite3_result_error_nomem(sqlite3_context *);

typedef struct {
	char *bytes;
	uint64_t used, size;
	int failed; // out of memory
} pack;

// room makes place for n more bytes and gives it; null when there is no memory.
static char *room(pack *p, uint64_t n) {
	if (p->failed) {
		return 0;
	}
	if (p->used + n > p->size) {
		uint64_t size = 2 * (p->used + n) + 1024;
		char *grown = sqlite3_realloc64(p->bytes, size);
		if (!grown) {
			p->failed = 1;
			return 0;
		}
		p->bytes = grown;
		p->size = size;
	}
	char *at = p->bytes + p->used;
	p->used += n;
	return at;
}

static void put(pack *p, char type, const void *value, uint64_t n) {
	char *at = room(p, 1 + n);
	if (at) {
		*at = type;
		memcpy(at + 1, value, n);
	}
}

static void put_bytes(pack *p, char type, const void *bytes, uint32_t n) {
	char *at = room(p, 5 + (uint64_t)n);
	if (at) {
		*at = type;
		memcpy(at + 1, &n, 4);
		if (n > 0) {
			memcpy(at + 5, bytes, n);
		}
	}
}

static void step(sqlite3_context *context, int n, sqlite3_value **values) {
	pack *p = sqlite3_aggregate_context(context, sizeof(pack));
	if (!p) {
		sqlite3_result_error_nomem(context);
		return;
	}
	for (int i = 0; i < n; i++) {
		sqlite3_value *v = values[i];
		switch (sqlite3_value_type(v)) {
		case INTEGER: {
			sqlite3_int64 integer = sqlite3_value_int64(v);
			put(p, INTEGER, &integer, 8);
			break;
		}
		case DOUBLE: {
			double number = sqlite3_value_double(v);
			put(p, DOUBLE, &number, 8);
			break;
		}
		case TEXT: {
			const void *text = sqlite3_value_text(v); // before its length, as SQLite asks
			put_bytes(p, TEXT, text, (uint32_t)sqlite3_value_bytes(v));
			break;
		}
		case BLOB: {
			const void *blob = sqlite3_value_blob(v);
			put_bytes(p, BLOB, blob, (uint32_t)sqlite3_value_bytes(v));
			break;
		}
		default:
			put(p, NUL, "", 0);
		}
	}
}

static void finish(sqlite3_context *context) {
	pack *p = sqlite3_aggregate_context(context, 0);
	if (!p || (!p->bytes && !p->failed)) {
		return; // no rows: NULL
	}
	if (p->failed) {
		sqlite3_free(p->bytes);
		sqlite3_result_error_nomem(context);
		return;
	}
	sqlite3_result_blob64(context, p->bytes, p->used, sqlite3_free);
}

static int install(sqlite3 *db, char **error, const void *api) {
	(void)error;
	(void)api;
	return sqlite3_create_function_v2(db, "greenroom_pack", -1, UTF8 | DETERMINISTIC, 0, 0, step, finish, 0);
}

// greenroom_install_pack gives the function to every connection that is opened from now on.
int greenroom_install_pack(void) { return sqlite3_auto_extension((void (*)(void))install); }
