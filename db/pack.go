package db

// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// int greenroom_install_pack(void);
import "C"

import (
	"fmt"
	"sync"
)

// installPack makes greenroom_pack known to connections that are opened from now on; see pack.c.
var installPack = sync.OnceValue(func() error {
	if code := C.greenroom_install_pack(); code != 0 {
		return fmt.Errorf("sqlite: install greenroom_pack: code %d", int(code))
	}
	return nil
})
