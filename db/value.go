package db

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"greenroom/models"
)

// A value is one column of one row: an integer (which a bool is, too), text, bytes, or NULL. No column
// that is read in this way holds anything else. Bytes are in text, too: it is not always UTF-8.
type value struct {
	kind kind
	n    int64
	text string
}

type kind byte

// The types as pack.c writes them.
const (
	kindInteger kind = 1
	kindText    kind = 3
	kindBlob    kind = 4
	kindNull    kind = 5
)

// Scan takes a value from database/sql.
func (v *value) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*v = value{kind: kindNull}
	case int64:
		*v = value{kind: kindInteger, n: src}
	case bool:
		*v = value{kind: kindInteger}
		if src {
			v.n = 1
		}
	case string:
		*v = value{kind: kindText, text: src}
	case []byte:
		*v = value{kind: kindBlob, text: string(src)}
	default:
		return fmt.Errorf("a column holds a %T", src)
	}
	return nil
}

func (v value) time() models.Time { return models.Time(v.n) }

// timeAt puts a time where at points to, and gives nil for NULL.
func (v value) timeAt(at *models.Time) *models.Time {
	if v.kind == kindNull {
		return nil
	}
	*at = models.Time(v.n)
	return at
}

func (v value) intAt(at *int) *int {
	if v.kind == kindNull {
		return nil
	}
	*at = int(v.n)
	return at
}

func textAt[T ~string](v value, at *T) *T {
	if v.kind == kindNull {
		return nil
	}
	*at = T(v.text)
	return at
}

// errPacked is a blob that pack.c has not written.
var errPacked = errors.New("sqlite: a packed row is cut short")

// unpack reads the blob of greenroom_pack, width values a row, and hands out each row. Text is not
// copied: it keeps the blob in memory. The slice is used again for the next row.
func unpack(blob []byte, into []value, row func([]value)) error {
	for len(blob) > 0 {
		for i := range into {
			if len(blob) == 0 {
				return errPacked
			}
			v, rest := value{kind: kind(blob[0])}, blob[1:]
			switch v.kind {
			case kindNull:
			case kindInteger:
				if len(rest) < 8 {
					return errPacked
				}
				v.n, rest = int64(binary.NativeEndian.Uint64(rest)), rest[8:] //nolint:gosec // G115: the bits of an int64
			case kindText, kindBlob:
				if len(rest) < 4 || len(rest)-4 < int(binary.NativeEndian.Uint32(rest)) {
					return errPacked
				}
				n := int(binary.NativeEndian.Uint32(rest))
				v.text, rest = alias(rest[4:4+n]), rest[4+n:]
			default:
				return fmt.Errorf("sqlite: a column holds a value of type %d", v.kind)
			}
			into[i], blob = v, rest
		}
		row(into)
	}
	return nil
}

// alias is text that shares its bytes, which nobody writes again.
func alias(bytes []byte) string {
	return unsafe.String(unsafe.SliceData(bytes), len(bytes)) //nolint:gosec // G103: see above
}
