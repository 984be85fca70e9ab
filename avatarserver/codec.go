package avatarserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Encode writes a control frame.
func Encode(f Frame) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"type":%q`, f.frameType())
	body, err := json.Marshal(f)
	if err != nil {
		// Every frame is made of strings, numbers and lists of them.
		panic(fmt.Sprintf("encode %s: %v", f.frameType(), err))
	}
	if len(body) > len("{}") {
		b.WriteByte(',')
	}
	b.Write(body[1:])
	return b.Bytes()
}

// Decode reads a control frame and checks it. A type that it does not know gives nil and no
// error: newer programs may say more, and what is not understood is ignored. The error's text
// is fit to be the reason of a close.
func Decode(data []byte) (Frame, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, errors.New("a control frame must be a JSON object with a type")
	}
	if head.Type == "" {
		return nil, errors.New("a control frame must have a type")
	}
	decode, known := decoders[head.Type]
	if !known {
		return nil, nil
	}
	f, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", head.Type, err)
	}
	return f, nil
}

var decoders = map[string]func([]byte) (Frame, error){
	"hello":               decodeAs[Hello],
	"ready":               decodeAs[Ready],
	"refused":             decodeAs[Refused],
	"lost":                decodeAs[Lost],
	"speak.confirmed":     decodeAs[SpeakConfirmed],
	"interrupt.confirmed": decodeAs[InterruptConfirmed],
	"error":               decodeAs[CommandFailed],
	"credit":              decodeAs[Credit],
	"drain":               decodeAs[Drain],
	"heartbeat":           decodeAs[Heartbeat],
	"welcome":             decodeAs[Welcome],
	"assign":              decodeAs[Assign],
	"release":             decodeAs[Release],
	"speak":               decodeAs[Speak],
	"interrupt":           decodeAs[Interrupt],
}

func decodeAs[F Frame](data []byte) (Frame, error) {
	var f F
	if err := json.Unmarshal(data, &f); err != nil {
		// The field and the two types, never the value.
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("%s must not be a JSON %s", wrong.Field, wrong.Value)
		}
		return nil, err
	}
	return f, f.check()
}
