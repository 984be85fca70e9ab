package transport

import (
	"mime"
	"strconv"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	jsonMedia       = "application/json"
	graphQLResponse = "application/graphql-response+json"
	eventStream     = "text/event-stream"
)

// wanted is how a client would like to be answered.
type wanted struct {
	// media is the type of a single answer; acceptable, whether the client takes any.
	media      string
	acceptable bool
	// events: it can read an event stream; eventsFirst, it would rather.
	events, eventsFirst bool
	// contentType is the header of a single answer; never changed.
	contentType []string
}

// known are headers that have been read: there are a handful of clients, and each sends the same
// every time.
var known = func() *lru.Cache[string, wanted] {
	cache, err := lru.New[string, wanted](64)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return cache
}()

// longestKnown is the longest header that is remembered.
const longestKnown = 256

// wantedBy reads the Accept headers of a request.
func wantedBy(accept []string) wanted {
	header := ""
	if len(accept) == 1 {
		header = accept[0]
	} else if len(accept) > 1 {
		header = strings.Join(accept, ",")
	}
	wants, ok := known.Get(header)
	if ok {
		return wants
	}
	wants.media, wants.acceptable = negotiate(accept)
	wants.events, wants.eventsFirst = negotiateEvents(accept)
	wants.contentType = []string{wants.media + "; charset=utf-8"}
	if len(header) <= longestKnown {
		known.Add(header, wants)
	}
	return wants
}

// negotiate chooses the media type of the answer by an Accept header. The older
// application/json is for clients that do not ask for the newer type by its name: they may not
// expect a status other than 200. False when the client takes neither.
func negotiate(accept []string) (media string, ok bool) {
	header := strings.Join(accept, ",")
	if strings.TrimSpace(header) == "" {
		return jsonMedia, true
	}
	older, newer := accepted(header, jsonMedia), accepted(header, graphQLResponse)
	switch {
	case older.quality == 0 && newer.quality == 0:
		return jsonMedia, false
	case newer.quality > older.quality, newer.quality == older.quality && newer.specificity == exact:
		return graphQLResponse, true
	default:
		return jsonMedia, true
	}
}

// negotiateEvents tells whether a client can read an event stream, which it has to name, and
// whether it would rather have one than a single answer.
func negotiateEvents(accept []string) (readable, preferred bool) {
	header := strings.Join(accept, ",")
	events := accepted(header, eventStream)
	if events.quality == 0 || events.specificity == everything {
		return false, false
	}
	for _, media := range []string{jsonMedia, graphQLResponse} {
		single := accepted(header, media)
		if single.quality > events.quality || (single.quality == events.quality && single.specificity >= events.specificity) {
			return true, false
		}
	}
	return true, true
}

// How closely a range names a media type.
const (
	everything = iota + 1
	sub
	exact
)

type acceptance struct {
	quality     float64
	specificity int
}

// accepted finds how much a media type is wanted: as the closest of the header's ranges says.
func accepted(header, media string) acceptance {
	var best acceptance
	family, _, _ := strings.Cut(media, "/")
	for text := range strings.SplitSeq(header, ",") {
		name, attributes, err := mime.ParseMediaType(text)
		if err != nil {
			continue
		}
		if charset := attributes["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		specificity := map[string]int{media: exact, family + "/*": sub, "*/*": everything}[name]
		if specificity <= best.specificity {
			continue
		}
		quality := 1.0
		if q, given := attributes["q"]; given {
			if quality, err = strconv.ParseFloat(q, 64); err != nil || !(quality >= 0 && quality <= 1) {
				continue
			}
		}
		best = acceptance{quality, specificity}
	}
	return best
}
