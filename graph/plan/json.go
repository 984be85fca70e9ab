package plan

import "strconv"

const hex = "0123456789ABCDEF"

// appendString writes a JSON string as gqlgen does: what must be escaped and nothing else.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	begin := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[begin:i]...)
		begin = i + 1
		switch c {
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		case '\n':
			b = append(b, '\\', 'n')
		case '"', '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(append(b, s[begin:]...), '"')
}

// appendPlain writes a string that this program has made, which never needs escapes: an id, a value
// of an enum.
func appendPlain[T ~string](b []byte, s T) []byte {
	return append(append(append(b, '"'), s...), '"')
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

func appendNull(b []byte) []byte { return append(b, "null"...) }

// orNull writes what there is, with write, or null.
func orNull[T any](b []byte, v *T, write func([]byte, T) []byte) []byte {
	if v == nil {
		return appendNull(b)
	}
	return write(b, *v)
}

func appendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }
