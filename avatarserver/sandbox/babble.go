package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
)

// maxLine is how many letters of a text are shown, and babbled, at a time.
const maxLine = 60

// lines cuts a text at the ends of sentences, and longer ones between words where there are any.
// Together they are the text.
func lines(text string) []string {
	var cut []string
	runes := []rune(text)
	for len(runes) > 0 {
		n, space := 0, 0
		for n < len(runes) && n < maxLine && !endsSentence(runes, n) {
			if unicode.IsSpace(runes[n]) {
				space = n + 1
			}
			n++
		}
		switch {
		case n == len(runes):
		case n < maxLine:
			n++ // the end of a sentence stays with it
		case space > 0:
			n = space
		}
		cut = append(cut, string(runes[:n]))
		runes = runes[n:]
	}
	return cut
}

// endsSentence tells whether the rune at i is the white space after a sentence, or a line's end.
func endsSentence(runes []rune, i int) bool {
	if runes[i] == '\n' || strings.ContainsRune("。！？", runes[i]) {
		return true
	}
	return i > 0 && unicode.IsSpace(runes[i]) && strings.ContainsRune(".!?…", runes[i-1])
}

// babble is n samples of a voice without words: one soft tone for each syllable of the line, its
// height given by the vowel. This is not speech synthesis, and is not meant to be taken for it.
// It lets a newcomer hear that a text is being spoken, and for about how long.
func babble(line string, n int) []int16 {
	samples := make([]int16, n)
	letters := []rune(strings.ToLower(line))
	for _, s := range syllables(letters) {
		hum(samples[n*s.from/len(letters):n*s.to/len(letters)], s.pitch)
	}
	return samples
}

// A syllable is a part of a line, by letters, and the height of its tone in Hz.
type syllable struct {
	from, to int
	pitch    float64
}

const plain = 208.0

var pitches = map[rune]float64{'a': 220, 'e': 247, 'i': 277, 'o': 196, 'u': 185, 'y': 262}

// syllables finds one for each group of vowels in a word; letters without vowels are one, and
// each sign of a script that writes syllables or words is one.
func syllables(letters []rune) []syllable {
	var found []syllable
	open, vowelBefore := false, false
	for i, r := range letters {
		pitch, isVowel := pitches[r]
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			open = r == '\'' && open
		case unicode.IsDigit(r) || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
			found = append(found, syllable{i, i + 1, plain + 12*float64(r%6)})
			open = false
		case !open:
			found = append(found, syllable{i, i + 1, cmp.Or(pitch, plain)})
			open = true
		case isVowel && !vowelBefore && hasVowel(letters[found[len(found)-1].from:i]):
			found = append(found, syllable{i, i + 1, pitch})
		default:
			last := &found[len(found)-1]
			last.to = i + 1
			if isVowel && !vowelBefore {
				last.pitch = pitch
			}
		}
		vowelBefore = isVowel
	}
	return found
}

func hasVowel(letters []rune) bool {
	return slices.ContainsFunc(letters, func(r rune) bool { return pitches[r] > 0 })
}

// hum writes one tone that swells and fades.
func hum(into []int16, pitch float64) {
	const loudness = 0.3 * math.MaxInt16
	for i := range into {
		swell := math.Sqrt(math.Sin(math.Pi * float64(i) / float64(len(into))))
		phase := 2 * math.Pi * pitch * float64(i) / SampleRate
		tone := (math.Sin(phase) + 0.5*math.Sin(2*phase) + 0.25*math.Sin(3*phase)) / 1.75
		into[i] = int16(loudness * swell * tone)
	}
}
