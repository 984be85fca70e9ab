package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A rival is a server in a comparison: this one, or a peer.
type rival struct {
	name    string
	address string // host:port
	key     string
	program *program
	// questions are what it is asked, in the order of the operation's bodies.
	questions map[*operation][]*question
}

// The rivals, by the names in the tables.
const (
	ours        = "greenroom"
	naive       = "gqlgen + GORM, naive"
	handwritten = "hand-written, database/sql"
	mercurius   = "Mercurius, JIT"
	apollo      = "Apollo Server 5, DataLoader"
)

// compiling are those whose machine code is made while they run.
var compiling = []string{mercurius, apollo}

func newRival(name, key string, one *program) *rival {
	return &rival{
		name: name, key: key, program: one, questions: map[*operation][]*question{},
		address: strings.TrimPrefix(one.printed["url"], "http://"),
	}
}

// cpu is the time, in seconds, that the process has had. Linux counts it in hundredths; where
// there is no /proc it is 0.
func (r *rival) cpu() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.program.command.Process.Pid))
	if err != nil {
		return 0
	}
	// The name in parentheses may have blanks. Behind it, utime and stime are the 12th and 13th.
	_, rest, _ := bytes.Cut(text, []byte(") "))
	columns := strings.Fields(string(rest))
	if len(columns) < 13 {
		return 0
	}
	user, errUser := strconv.ParseFloat(columns[11], 64)
	system, errSystem := strconv.ParseFloat(columns[12], 64)
	if errors.Join(errUser, errSystem) != nil {
		return 0
	}
	return (user + system) / 100
}

// memory is the resident memory in bytes; 0 where there is no /proc.
func (r *rival) memory() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", r.program.command.Process.Pid))
	if err != nil {
		return 0
	}
	columns := strings.Fields(string(text))
	if len(columns) < 2 {
		return 0
	}
	pages, err := strconv.ParseFloat(columns[1], 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize())
}
