package emulator

import (
	"encoding/json"
	"maps"
	"math"
	"slices"

	"greenroom/models"
)

// A kind is what a property's value must be.
type kind int

const (
	boolean kind = iota
	text
	number
	instant // Unix seconds
	structure
	list
	anything
)

// A property is one key of a room's or a token's properties. A value equal to def is not shown.
type property struct {
	kind kind
	def  any
	// claim is the key's short name in a token; empty when it has none.
	claim string
}

// roomProperties are the keys of the room properties in Daily's OpenAPI description, with their
// documented defaults, and owner_only_broadcast from the guides. A boolean without a documented
// default is always shown.
var roomProperties = map[string]property{
	"nbf":                                  {kind: instant},
	"exp":                                  {kind: instant},
	"max_participants":                     {kind: number, def: 200.0},
	"enable_people_ui":                     {},
	"enable_cpu_warning_notifications":     {},
	"enable_pip_ui":                        {},
	"enable_emoji_reactions":               {},
	"enable_hand_raising":                  {},
	"enable_prejoin_ui":                    {},
	"enable_live_captions_ui":              {},
	"enable_network_ui":                    {},
	"enable_noise_cancellation_ui":         {},
	"enable_breakout_rooms":                {},
	"enable_knocking":                      {def: false},
	"enable_screenshare":                   {def: true},
	"enable_video_processing_ui":           {def: true},
	"enable_chat":                          {def: false},
	"enable_shared_chat_history":           {def: true},
	"start_video_off":                      {def: false},
	"start_audio_off":                      {def: false},
	"enable_recording":                     {kind: anything},
	"enable_raw_tracks_transcoded_audio":   {kind: text},
	"eject_at_room_exp":                    {def: false},
	"eject_after_elapsed":                  {kind: number},
	"enable_advanced_chat":                 {def: false},
	"enable_hidden_participants":           {def: false},
	"enable_mesh_sfu":                      {},
	"sfu_switchover":                       {kind: number, def: 0.5},
	"enable_adaptive_simulcast":            {def: true},
	"enable_multiparty_adaptive_simulcast": {def: false},
	"enforce_unique_user_ids":              {def: false},
	"experimental_optimize_large_calls":    {},
	"lang":                                 {kind: text, def: "en"},
	"meeting_join_hook":                    {kind: text},
	"geo":                                  {kind: text},
	"rtmp_geo":                             {kind: text},
	"disable_rtmp_geo_fallback":            {def: false},
	"recordings_bucket":                    {kind: structure},
	"enable_terse_logging":                 {def: false},
	"auto_transcription_settings":          {kind: structure},
	"enable_transcription_storage":         {def: false},
	"transcription_bucket":                 {kind: structure},
	"recordings_template":                  {kind: text, def: "{domain_name}/{room_name}/{epoch_time}."},
	"transcription_template":               {kind: text, def: "{domain_name}/{room_name}/{epoch_time}.vtt."},
	"enable_dialout":                       {def: false},
	"dialout_config":                       {kind: structure},
	"streaming_endpoints":                  {kind: list},
	"permissions":                          {kind: structure},
	"sip":                                  {kind: structure},
	"owner_only_broadcast":                 {def: false},
}

// tokenProperties are the keys of a meeting token's properties and their names in the JWT.
var tokenProperties = map[string]property{
	"room_name":                  {kind: text, claim: "r"},
	"eject_at_token_exp":         {claim: "ejt"},
	"eject_after_elapsed":        {kind: number, claim: "eje"},
	"nbf":                        {kind: instant, claim: "nbf"},
	"exp":                        {kind: instant, claim: "exp"},
	"is_owner":                   {claim: "o"},
	"user_name":                  {kind: text, claim: "u"},
	"user_id":                    {kind: text, claim: "ud"},
	"enable_screenshare":         {claim: "ss"},
	"start_video_off":            {claim: "vo"},
	"start_audio_off":            {claim: "ao"},
	"enable_recording":           {kind: anything, claim: "er"},
	"enable_prejoin_ui":          {},
	"enable_live_captions_ui":    {},
	"enable_recording_ui":        {claim: "erui"},
	"enable_terse_logging":       {},
	"knocking":                   {claim: "k"},
	"start_cloud_recording":      {claim: "sr"},
	"start_cloud_recording_opts": {kind: structure, claim: "sro"},
	"auto_start_transcription":   {claim: "ast"},
	"close_tab_on_exit":          {claim: "ctoe"},
	"redirect_on_meeting_exit":   {kind: text, claim: "rome"},
	"lang":                       {kind: text, claim: "uil"},
	"permissions":                {kind: structure, claim: "p"},
}

// set merges given properties into what is set already: null goes back to the default, and what
// equals its default is not kept.
func set(config map[string]any, table map[string]property, given any, now models.Time) error {
	if given == nil {
		return nil
	}
	properties, isObject := given.(map[string]any)
	if !isObject {
		return &refusal{invalid("properties should be an object")}
	}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		p, known := table[key]
		value := properties[key]
		if !known {
			return &refusal{invalid("unknown parameter '%s'", key)}
		}
		if value == nil {
			delete(config, key)
			continue
		}
		if err := check(key, p, value, now); err != nil {
			return err
		}
		if isDefault(p, value) {
			delete(config, key)
		} else {
			config[key] = value
		}
	}
	return nil
}

// check refuses a value that is not of its property's kind or range.
func check(key string, p property, value any, now models.Time) error {
	fits := false
	switch p.kind {
	case boolean:
		_, fits = value.(bool)
	case text:
		_, fits = value.(string)
	case number:
		n, isNumber := value.(json.Number)
		f, err := n.Float64()
		fits = isNumber && err == nil && f >= 0
		if key == "max_participants" {
			fits = fits && f >= 1 && f <= 200 && f == math.Trunc(f)
		}
	case instant:
		return checkInstant(key, value, now)
	case structure:
		_, fits = value.(map[string]any)
	case list:
		_, fits = value.([]any)
	case anything:
		fits = true
	}
	if !fits {
		return &refusal{invalid("invalid value for '%s'", key)}
	}
	return nil
}

// checkInstant takes whole and fractional seconds. Only exp must be in the future, strictly.
func checkInstant(key string, value any, now models.Time) error {
	n, isNumber := value.(json.Number)
	f, err := n.Float64()
	if !isNumber || err != nil {
		shown, isString := value.(string)
		if !isString {
			shown = string(compact(value))
		}
		return &refusal{invalid("%s was '%s' but should be a number of seconds since the unix epoch", key, shown)}
	}
	if key == "exp" && f*1000 <= float64(now) {
		return &refusal{invalid("exp was '%s', which is in the past rather than in the future", n)}
	}
	return nil
}

func isDefault(p property, value any) bool {
	if n, isNumber := value.(json.Number); isNumber {
		f, err := n.Float64()
		return err == nil && p.def == f
	}
	switch value.(type) {
	case bool, string:
		return p.def == value
	}
	return false
}

// secondsOf reads Unix seconds or a length from a configuration; false when it is not set.
func secondsOf(config map[string]any, key string) (float64, bool) {
	n, isNumber := config[key].(json.Number)
	if !isNumber {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
