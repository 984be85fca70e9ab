package powerloss

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
)

var (
	errOff  = errors.New("the power is off")
	errSync = errors.New("the disk has failed")
	errFull = errors.New("the disk is full")
)

// A Disk is a folder whose files survive a power loss only as far as they were synced; of what
// was written since, [Disk.Survivors] keeps whatever chance leaves.
type Disk struct {
	dir string

	mu    sync.Mutex
	files map[string]*file
	off   bool
	// steps counts down to the cut of the power, at 0; negative is never.
	steps int
	// syncs counts down to the first sync that fails; negative is never. broken counts those
	// that then fail.
	syncs, broken int
	// room is how many bytes files may still grow by; negative is without end.
	room int64
	// taken counts writes, truncations, deletions and syncs so far.
	taken int
}

// A file is what a restart may find of it.
type file struct {
	// kept is what it certainly finds.
	kept []byte
	// isKept tells whether it certainly finds the file at all.
	isKept bool
	// lost are changes since the last sync, in their order.
	lost []change
	// size is the real file's.
	size int64
	// removed says that the file has been deleted, which may not have reached the disk; before is
	// then the one of the same name that may come back.
	removed bool
	before  *file
}

// A change is a write, or with nil data a truncation.
type change struct {
	at   int64
	data []byte
}

// New makes a disk of a folder that exists. Files that are in it count as synced.
func New(dir string) (*Disk, error) {
	if err := register(); err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(dir) // as SQLite names files
	if err != nil {
		return nil, err
	}
	d := &Disk{dir: dir, files: map[string]*file{}, steps: -1, syncs: -1, room: -1}
	plugged.mu.Lock()
	defer plugged.mu.Unlock()
	plugged.disks[dir] = d
	return d, nil
}

// Dir is the disk's folder, as files on it are to be named.
func (d *Disk) Dir() string { return d.dir }

// Unplug forgets the disk. Its files must be closed.
func (d *Disk) Unplug() {
	plugged.mu.Lock()
	defer plugged.mu.Unlock()
	delete(plugged.disks, d.dir)
}

// CutAfter cuts the power instead of the nth step from now on, a step being a write, truncation,
// deletion or sync. From then on every step fails.
func (d *Disk) CutAfter(steps int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps = steps
}

// FailSyncs fails count syncs behind the next after ones. What was to be synced is dropped, and a
// later sync that succeeds does not bring it back: so does Linux after EIO.
func (d *Disk) FailSyncs(after, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs, d.broken = after, count
}

// Fill leaves room for so many bytes.
func (d *Disk) Fill(room int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = room
}

// Steps is how many steps have been taken.
func (d *Disk) Steps() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken
}

// IsOff tells whether the power has been cut.
func (d *Disk) IsOff() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

func (d *Disk) open(name string) (*file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil, errOff
	}
	f := d.files[name]
	if f == nil {
		f = &file{}
		text, err := os.ReadFile(filepath.Join(d.dir, name)) //nolint:gosec // G304: SQLite names it, in the folder of a test
		if err == nil {
			f.kept, f.isKept, f.size = text, true, int64(len(text))
		}
		d.files[name] = f
	}
	if f.removed {
		f = &file{before: f}
		d.files[name] = f
	}
	return f, nil
}

// step counts one; mu is held.
func (d *Disk) step() error {
	if d.steps == 0 {
		d.off = true
	}
	if d.off {
		return errOff
	}
	d.steps--
	d.taken++
	return nil
}

func (d *Disk) write(f *file, data []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if grow := at + int64(len(data)) - f.size; grow > 0 {
		if d.room >= 0 && grow > d.room {
			return errFull
		}
		if d.room >= 0 {
			d.room -= grow
		}
		f.size += grow
	}
	f.lost = append(f.lost, change{at, data})
	return nil
}

func (d *Disk) truncate(f *file, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	f.size = size
	f.lost = append(f.lost, change{at: size})
	return nil
}

func (d *Disk) sync(f *file) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if d.syncs == 0 && d.broken > 0 {
		d.broken--
		f.lost = nil
		return errSync
	}
	if d.syncs > 0 {
		d.syncs--
	}
	for _, c := range f.lost {
		f.kept = c.apply(f.kept)
	}
	f.lost, f.isKept, f.before = nil, true, nil
	return nil
}

func (d *Disk) remove(name string, certainly bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	switch f := d.files[name]; {
	case f == nil:
	case certainly:
		delete(d.files, name)
	default:
		f.removed = true
	}
	return nil
}

// apply makes the change to a file's content.
func (c change) apply(to []byte) []byte {
	if c.data == nil {
		return to[:min(int64(len(to)), c.at)]
	}
	if end := c.at + int64(len(c.data)); int64(len(to)) < end {
		to = append(to, make([]byte, end-int64(len(to)))...)
	}
	copy(to[c.at:], c.data)
	return to
}

// sector is what a disk writes whole or not at all.
const sector = 512

// Survivors cuts the power, if it is still on, and writes to another folder what a restart finds:
// all that was synced, and of the rest each sector as chance has it, in any order.
func (d *Disk) Survivors(dir string, chance *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	// How much had reached the disk by itself is a matter of luck too; nothing and all are
	// likelier than their share.
	luck := []float64{0, .1, .5, .9, 1}[chance.IntN(5)]
	for name, f := range d.files {
		coin := func() bool { return chance.Float64() < luck }
		for f != nil && (!f.isKept || f.removed) && !coin() {
			f = f.before
		}
		if f == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.survivor(coin, chance), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) survivor(coin func() bool, chance *rand.Rand) []byte {
	content := append([]byte(nil), f.kept...)
	garbage := chance.IntN(2) == 0 // or zeros, where a file grew and its content was not written
	for _, c := range f.lost {
		if c.data == nil {
			if coin() {
				content = c.apply(content)
			}
			continue
		}
		for from := c.at; from < c.at+int64(len(c.data)); {
			to := min((from/sector+1)*sector, c.at+int64(len(c.data)))
			if coin() {
				content = grow(content, from, garbage, chance)
				content = change{from, c.data[from-c.at : to-c.at]}.apply(content)
			}
			from = to
		}
	}
	return content
}

// grow fills the gap up to a new size with what happened to lie on the disk.
func grow(content []byte, size int64, garbage bool, chance *rand.Rand) []byte {
	for int64(len(content)) < size {
		b := byte(0)
		if garbage {
			b = byte(chance.IntN(256)) //nolint:gosec // G115: it fits
		}
		content = append(content, b)
	}
	return content
}
