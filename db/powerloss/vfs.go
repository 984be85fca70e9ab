// Package powerloss is a file system for SQLite that loses power. It is registered with the very
// SQLite that the driver links, as the VFS [VFS], and works on real files; of each it also keeps
// what has been synced apart from what has only been written. See [Disk].
//
// It is for tests: nothing that serves imports it.
package powerloss

// #include "sqlite.h"
import "C"

import (
	"errors"
	"path/filepath"
	"sync"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // has SQLite itself
)

// VFS is the name for a DSN's `vfs` parameter. A file opened through it must lie in the folder of
// a [Disk].
const VFS = "powerloss"

// register is called before the first file is opened.
var register = sync.OnceValue(func() error {
	if C.powerloss_register() != C.SQLITE_OK {
		return errors.New("powerloss: SQLite does not take the VFS")
	}
	return nil
})

// plugged are the disks in use by folder, and their open files by handle.
var plugged = struct {
	mu      sync.Mutex
	disks   map[string]*Disk
	handles map[int64]handle
	last    int64
}{disks: map[string]*Disk{}, handles: map[int64]handle{}}

type handle struct {
	disk *Disk
	file *file
}

func diskOf(name string) *Disk {
	plugged.mu.Lock()
	defer plugged.mu.Unlock()
	return plugged.disks[filepath.Dir(name)]
}

func handleOf(id C.int64_t) (handle, bool) {
	plugged.mu.Lock()
	defer plugged.mu.Unlock()
	h, ok := plugged.handles[int64(id)]
	return h, ok
}

//export powerlossOpen
func powerlossOpen(name *C.char) C.int64_t {
	disk := diskOf(C.GoString(name))
	if disk == nil {
		return -1
	}
	f, err := disk.open(filepath.Base(C.GoString(name)))
	if err != nil {
		return -1
	}
	plugged.mu.Lock()
	defer plugged.mu.Unlock()
	plugged.last++
	plugged.handles[plugged.last] = handle{disk, f}
	return C.int64_t(plugged.last)
}

//export powerlossClose
func powerlossClose(id C.int64_t) {
	plugged.mu.Lock()
	defer plugged.mu.Unlock()
	delete(plugged.handles, int64(id))
}

//export powerlossWrite
func powerlossWrite(id C.int64_t, data unsafe.Pointer, n C.int, at C.int64_t) C.int {
	h, ok := handleOf(id)
	if !ok {
		return C.SQLITE_OK
	}
	return code(h.disk.write(h.file, C.GoBytes(data, n), int64(at)), C.SQLITE_IOERR_WRITE)
}

//export powerlossTruncate
func powerlossTruncate(id, size C.int64_t) C.int {
	h, ok := handleOf(id)
	if !ok {
		return C.SQLITE_OK
	}
	return code(h.disk.truncate(h.file, int64(size)), C.SQLITE_IOERR_WRITE)
}

//export powerlossSync
func powerlossSync(id C.int64_t) C.int {
	h, ok := handleOf(id)
	if !ok {
		return C.SQLITE_OK
	}
	return code(h.disk.sync(h.file), C.SQLITE_IOERR_FSYNC)
}

//export powerlossDelete
func powerlossDelete(name *C.char, syncDir C.int) C.int {
	disk := diskOf(C.GoString(name))
	if disk == nil {
		return C.SQLITE_OK
	}
	return code(disk.remove(filepath.Base(C.GoString(name)), syncDir != 0), C.SQLITE_IOERR_WRITE)
}

// code is SQLite's for what went wrong.
func code(err error, otherwise C.int) C.int {
	switch {
	case err == nil:
		return C.SQLITE_OK
	case errors.Is(err, errFull):
		return C.SQLITE_FULL
	default:
		return otherwise
	}
}
