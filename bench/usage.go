package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A usage is what the server uses, by its own metrics.
type usage struct {
	cpu        float64 // seconds, since its start
	rss        float64 // bytes, as are the next two
	heap       float64
	stack      float64
	goroutines float64
	gcs        float64 // collections, since its start
	allocated  float64 // bytes, since its start
}

func (p *plant) usage() (usage, error) {
	var u usage
	wanted := map[string]*float64{
		"process_cpu_seconds_total": &u.cpu, "process_resident_memory_bytes": &u.rss,
		"go_memstats_heap_alloc_bytes": &u.heap, "go_memstats_stack_inuse_bytes": &u.stack,
		"go_goroutines": &u.goroutines, "go_gc_duration_seconds_count": &u.gcs,
		"go_memstats_alloc_bytes_total": &u.allocated,
	}
	reply, err := p.get(p.metrics)
	if err != nil {
		return u, err
	}
	defer func() { _ = reply.Body.Close() }()
	lines := bufio.NewScanner(reply.Body)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if to := wanted[name]; to != nil {
			if *to, err = strconv.ParseFloat(text, 64); err != nil {
				return u, fmt.Errorf("metric %s: %w", name, err)
			}
			delete(wanted, name)
		}
	}
	if len(wanted) > 0 && lines.Err() == nil {
		return u, fmt.Errorf("the server's metrics lack %d of those that are measured", len(wanted))
	}
	return u, lines.Err()
}

// settled is the usage with hardly any garbage in the heap. It has the server work until it has
// collected several times, from the second time on what pools had kept, and takes the moment with
// the smallest heap.
func (p *plant) settled() (usage, error) { return p.settledAt(p.url, p.usage) }

// settledAt is the same of another server than the plant's own.
func (p *plant) settledAt(url string, look func() (usage, error)) (usage, error) {
	p.client.CloseIdleConnections() // the callers' own are none of what is measured
	first, err := look()
	if err != nil {
		return first, err
	}
	for least := (usage{heap: math.Inf(1)}); ; {
		var ignored any
		err = p.askAt(url, `{ __schema { types { name description fields { name description } } } }`, nil, &ignored)
		if err != nil {
			return first, err
		}
		now, err := look()
		if err != nil {
			return now, err
		}
		if now.gcs >= first.gcs+2 && now.heap < least.heap {
			least = now
		}
		if now.gcs >= first.gcs+6 {
			return least, nil
		}
	}
}

// perEach are the figures of what n of something have added while they idle.
func perEach(what string, before, after usage, n int) []figure {
	const kB = 1000
	per := func(before, after float64) float64 { return (after - before) / float64(n) }
	return []figure{
		{"resident memory " + what, per(before.rss, after.rss) / kB, "kB"},
		{"heap " + what, per(before.heap, after.heap) / kB, "kB"},
		{"stack " + what, per(before.stack, after.stack) / kB, "kB"},
		{"goroutines " + what, per(before.goroutines, after.goroutines), ""},
	}
}

// ownCPU is the time, in seconds, that this process, the load, has had.
func ownCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it only fails for another argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// machineCPU is the time, in seconds, that everything on this machine has had: of all columns of
// /proc/stat's first line but idle and iowait, in hundredths. Where there is no such file it is 0.
func machineCPU() (seconds float64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, column := range strings.Fields(line) {
		if n, err := strconv.ParseFloat(column, 64); err == nil && i != 4 && i != 5 {
			seconds += n / 100
		}
	}
	return seconds
}
