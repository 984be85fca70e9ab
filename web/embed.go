// Package web serves the pages that are built into the binary: the dashboard and the explorer.
// They load nothing from any other host.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

// built is what `make dashboard` makes of dashboard/: each file as .br and as .gz, and nothing
// else.
//
//go:embed all:dist
var built embed.FS

func dist() fs.FS {
	sub, err := fs.Sub(built, "dist")
	if err != nil {
		panic(fmt.Sprintf("open the built pages: %v", err))
	}
	return sub
}
