package sandbox

import "encoding/binary"

// targetRate is what avatars are driven with, in samples a second.
const targetRate = 16_000

// A resampler turns PCM of any rate into 16 kHz, piece by piece, by linear interpolation: good
// enough to count and to move a mouth, without the filter that an ear would ask for. Of n
// samples it makes avatarserver.ResampledSamples(n, rate), however they are cut into pieces.
type resampler struct {
	rate int64
	// read and made count samples; last is the newest one read.
	read, made int64
	last       int16
}

// write takes whole samples, signed 16 bit little endian, and returns what they make.
func (r *resampler) write(pcm []byte) []int16 {
	out := make([]int16, 0, int64(len(pcm)/2)*targetRate/r.rate+2)
	for ; len(pcm) >= 2; pcm = pcm[2:] {
		sample := int16(binary.LittleEndian.Uint16(pcm)) //nolint:gosec // G115: the bits are meant
		// Sample number made lies at made·rate/16000, between the last one read and this one.
		for r.made*r.rate < r.read*targetRate {
			into := r.made*r.rate - (r.read-1)*targetRate
			out = append(out, r.last+int16((int64(sample)-int64(r.last))*into/targetRate)) //nolint:gosec // G115: lies between the two
			r.made++
		}
		r.last = sample
		r.read++
	}
	return out
}

// flush returns what lies after the last sample read.
func (r *resampler) flush() []int16 {
	var out []int16
	for ; r.made*r.rate < r.read*targetRate; r.made++ {
		out = append(out, r.last)
	}
	return out
}
