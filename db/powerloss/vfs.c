// A VFS over the platform's own. It reads, locks and shares memory as that one does; what changes
// a file is first told to Go, which may refuse it, and a sync never reaches the real disk.
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "sqlite.h"

typedef struct {
	sqlite3_file base;
	int64_t id; // Go's handle; 0 is a temporary file, which no restart finds
	sqlite3_file *real;
} file;

#define REAL(f) (((file *)(f))->real)
#define PASS(f, method, ...) (REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__))

static sqlite3_vfs *platform(void) { return sqlite3_vfs_find("unix"); }

static int file_close(sqlite3_file *f) {
	int rc = PASS(f, xClose);
	powerlossClose(((file *)f)->id);
	return rc;
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) { return PASS(f, xRead, to, n, at); }

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
	int rc = powerlossWrite(((file *)f)->id, (void *)from, n, at);
	return rc != SQLITE_OK ? rc : PASS(f, xWrite, from, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
	int rc = powerlossTruncate(((file *)f)->id, size);
	return rc != SQLITE_OK ? rc : PASS(f, xTruncate, size);
}

static int file_sync(sqlite3_file *f, int flags) {
	(void)flags;
	return powerlossSync(((file *)f)->id);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) { return PASS(f, xFileSize, size); }
static int file_lock(sqlite3_file *f, int lock) { return PASS(f, xLock, lock); }
static int file_unlock(sqlite3_file *f, int lock) { return PASS(f, xUnlock, lock); }
static int file_reserved(sqlite3_file *f, int *out) { return PASS(f, xCheckReservedLock, out); }
static int file_control(sqlite3_file *f, int op, void *arg) { return PASS(f, xFileControl, op, arg); }
static int file_sector(sqlite3_file *f) { return PASS(f, xSectorSize); }
static int file_device(sqlite3_file *f) { return PASS(f, xDeviceCharacteristics); }
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **to) {
	return PASS(f, xShmMap, page, size, extend, to);
}
static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags) { return PASS(f, xShmLock, offset, n, flags); }
static void file_shm_barrier(sqlite3_file *f) { PASS(f, xShmBarrier); }
static int file_shm_unmap(sqlite3_file *f, int remove) { return PASS(f, xShmUnmap, remove); }

static const sqlite3_io_methods methods = {
	2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
	file_reserved, file_control, file_sector, file_device, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
	(void)v;
	file *mine = (file *)f;
	memset(mine, 0, sizeof *mine);
	mine->real = (sqlite3_file *)(mine + 1);
	// First, because the real one makes the file.
	mine->id = name == NULL ? 0 : powerlossOpen((char *)name);
	if (mine->id < 0) {
		return SQLITE_CANTOPEN;
	}
	int rc = platform()->xOpen(platform(), name, mine->real, flags, out);
	if (mine->real->pMethods != NULL) {
		mine->base.pMethods = &methods; // SQLite closes it
	} else {
		powerlossClose(mine->id);
	}
	return rc;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int syncDir) {
	(void)v;
	int rc = powerlossDelete((char *)name, syncDir);
	return rc != SQLITE_OK ? rc : platform()->xDelete(platform(), name, 0);
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
	(void)v;
	return platform()->xAccess(platform(), name, flags, out);
}

static int vfs_path(sqlite3_vfs *v, const char *name, int n, char *out) {
	(void)v;
	return platform()->xFullPathname(platform(), name, n, out);
}

int powerloss_register(void) {
	if (sqlite3_vfs_find == NULL || platform() == NULL) {
		return SQLITE_ERROR;
	}
	static sqlite3_vfs vfs;
	vfs = *platform(); // randomness, sleep and the time are the platform's
	vfs.szOsFile += sizeof(file);
	vfs.pNext = NULL;
	vfs.zName = "powerloss";
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xAccess = vfs_access;
	vfs.xFullPathname = vfs_path;
	return sqlite3_vfs_register(&vfs, 0);
}
