package emulator

import (
	"maps"
	"slices"
)

func defaultDomain() map[string]any {
	return map[string]any{
		"redirect_on_meeting_exit": "",
		"hide_daily_branding":      false,
		"hipaa":                    false,
		"intercom_auto_record":     false,
		"lang":                     "en",
		"meeting_join_hook":        "",
		"max_webhook_count":        1,
		"max_api_keys":             2,
	}
}

func (e *Emulator) readDomain(*call) reply {
	return ok(object{
		{"domain_name", e.cfg.DomainName},
		{"domain_id", e.cfg.DomainID},
		{"config", e.domain},
	})
}

// updateDomain keeps what it is given; nothing else in the emulator depends on it.
func (e *Emulator) updateDomain(c *call) reply {
	body, err := c.fields("properties")
	if err != nil {
		return answer(err)
	}
	properties, isObject := body["properties"].(map[string]any)
	if !isObject && body["properties"] != nil {
		return invalid("properties should be an object")
	}
	maps.Copy(e.domain, properties)
	return ok(object{{"domain_name", e.cfg.DomainName}, {"config", e.domain}})
}

// onlyKeys refuses an object with other keys than these. Of several, the first by name is
// reported.
func onlyKeys(object map[string]any, known ...string) error {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, key) {
			return &refusal{invalid("unknown parameter '%s'", key)}
		}
	}
	return nil
}
