package db

import (
	"slices"
	"testing"
)

// Whatever bytes there are, reading them ends, within them.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte{}, 1)
	f.Add([]byte{5, 5}, 2)
	f.Add([]byte{1, 1, 2, 3, 4, 5, 6, 7, 8, 3, 2, 0, 0, 0, 'a', 'b'}, 2)
	f.Add([]byte{3, 0xff, 0xff, 0xff, 0xff}, 1)
	f.Fuzz(func(t *testing.T, blob []byte, width int) {
		width = 1 + max(width, 0)%30
		text := 0
		err := unpack(slices.Clone(blob), make([]value, width), func(row []value) {
			for _, v := range row {
				text += len(v.text)
			}
		})
		if text > len(blob) {
			t.Errorf("%d bytes of text in %d bytes: %v", text, len(blob), err)
		}
	})
}
