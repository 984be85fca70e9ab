package avatarserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ChunkKind is the first byte of a binary frame that is a Chunk. Other values are for later
// and are ignored.
const ChunkKind = 1

// chunkHeader is the length of the header. The frame itself says it too, so that it can grow.
const chunkHeader = 48

const (
	flagLast      = 1 << 0
	flagAbandoned = 1 << 1
)

// A Chunk is a piece of a speech's audio, the one kind of binary frame. It goes to the avatar
// server only.
//
//	0  u8   kind, 1
//	1  u8   flags: bit 0 last, bit 1 abandoned
//	2  u16  length of the header, 48
//	4  u32  generation
//	8  u32  command, from 1
//	12 u32  seq, from 0
//	16 32 × u8  session, filled up with NUL
//	48 PCM, signed 16 bit little endian, mono
//
// Numbers are big endian.
type Chunk struct {
	Address
	Command uint32
	Seq     uint32
	// Last: the speech is complete with this chunk.
	Last bool
	// Abandoned: the speech was given up; nothing more of it comes, and it is not answered.
	Abandoned bool
	// PCM is at most MaxChunk bytes, whole samples; it may be empty.
	PCM []byte
}

// ErrUnknownKind is a binary frame of a kind that this version does not know.
var ErrUnknownKind = errors.New("unknown kind of binary frame")

// Encode writes the frame.
func (c Chunk) Encode() []byte {
	b := make([]byte, chunkHeader, chunkHeader+len(c.PCM))
	b[0] = ChunkKind
	if c.Last {
		b[1] |= flagLast
	}
	if c.Abandoned {
		b[1] |= flagAbandoned
	}
	binary.BigEndian.PutUint16(b[2:], chunkHeader)
	binary.BigEndian.PutUint32(b[4:], uint32(c.Generation)) //nolint:gosec // G115: Ref.check bounds it
	binary.BigEndian.PutUint32(b[8:], c.Command)
	binary.BigEndian.PutUint32(b[12:], c.Seq)
	copy(b[16:chunkHeader], c.SessionID)
	return append(b, c.PCM...)
}

// DecodeChunk reads a binary frame. PCM points into b. Another kind of frame is
// ErrUnknownKind.
func DecodeChunk(b []byte) (Chunk, error) {
	if len(b) == 0 || b[0] != ChunkKind {
		return Chunk{}, ErrUnknownKind
	}
	if len(b) < chunkHeader {
		return Chunk{}, fmt.Errorf("a chunk of %d bytes is shorter than its header", len(b))
	}
	start := int(binary.BigEndian.Uint16(b[2:]))
	if start < chunkHeader || start > len(b) {
		return Chunk{}, fmt.Errorf("a chunk's header cannot be %d bytes long", start)
	}
	c := Chunk{
		Address: Address{
			SessionID:  string(bytes.TrimRight(b[16:chunkHeader], "\x00")),
			Generation: int(binary.BigEndian.Uint32(b[4:])),
		},
		Command:   binary.BigEndian.Uint32(b[8:]),
		Seq:       binary.BigEndian.Uint32(b[12:]),
		Last:      b[1]&flagLast != 0,
		Abandoned: b[1]&flagAbandoned != 0,
		PCM:       b[start:],
	}
	if len(c.PCM) > MaxChunk || len(c.PCM)%2 != 0 {
		return Chunk{}, fmt.Errorf("a chunk holds whole samples, at most %d bytes, not %d", MaxChunk, len(c.PCM))
	}
	return c, checkCommand(c.Address, c.Command)
}
