package emulator

import (
	"maps"
)

// maxMessage is how large an app message may be, as JSON.
const maxMessage = 4 << 10

// inCall checks body and call for everything that needs people in the room.
func (e *Emulator) inCall(c *call, keys ...string) (map[string]any, *meeting, reply, bool) {
	body, err := c.fields(keys...)
	if err != nil {
		return nil, nil, answer(err), false
	}
	m, rep, isHosting := e.hosting(c.name, c.now, e.cfg.Knobs.HostingLag)
	return body, m, rep, isHosting
}

// sendMessage checks a message and drops it: nobody here listens.
func (e *Emulator) sendMessage(c *call) reply {
	body, _, rep, fine := e.inCall(c, "data", "recipient")
	if !fine {
		return rep
	}
	if _, isObject := body["data"].(map[string]any); !isObject {
		return invalid("missing required field")
	}
	if len(compact(body["data"])) > maxMessage {
		return invalid("data is larger than %d bytes", maxMessage)
	}
	return ok(object{{"sent", "true"}})
}

func (e *Emulator) readSessionData(c *call) reply {
	_, m, rep, fine := e.inCall(c)
	if !fine {
		return rep
	}
	return ok(object{{"data", m.data}})
}

func (e *Emulator) writeSessionData(c *call) reply {
	body, m, rep, fine := e.inCall(c, "data", "mergeStrategy", "keysToDelete")
	if !fine {
		return rep
	}
	data, isObject := body["data"].(map[string]any)
	drop, isList := stringList(body["keysToDelete"])
	if !isObject && body["data"] != nil || !isList {
		return invalid("data should be an object and keysToDelete a list of strings")
	}
	switch body["mergeStrategy"] {
	case nil, "replace":
		m.data = map[string]any{}
	case "shallow-merge":
		for _, key := range drop {
			delete(m.data, key)
		}
	default:
		return invalid("mergeStrategy should be 'replace' or 'shallow-merge'")
	}
	maps.Copy(m.data, data)
	return ok(object{{"sent", "true"}})
}

func (e *Emulator) updatePermissions(c *call) reply {
	_, _, rep, fine := e.inCall(c, "data")
	if !fine {
		return rep
	}
	return sent()
}

// startRecording notes that a recording runs. No file comes of it, and no webhook.
func (e *Emulator) startRecording(c *call) reply {
	return e.record(c, func(m *meeting) reply {
		m.recording = true
		return sent()
	})
}

func (e *Emulator) updateRecording(c *call) reply {
	return e.record(c, func(m *meeting) reply {
		if !m.recording {
			return invalid("no recording is running")
		}
		return sent()
	})
}

func (e *Emulator) stopRecording(c *call) reply {
	return e.record(c, func(m *meeting) reply {
		if !m.recording {
			return invalid("no recording is running")
		}
		m.recording = false
		return sent()
	})
}

// record takes whatever options are given: they concern what is not emulated.
func (e *Emulator) record(c *call, do func(*meeting) reply) reply {
	var options map[string]any
	if err := c.decode(&options); err != nil {
		return answer(err)
	}
	m, rep, isHosting := e.hosting(c.name, c.now, e.cfg.Knobs.HostingLag)
	if !isHosting {
		return rep
	}
	return do(m)
}

func (e *Emulator) listRecordings(*call) reply {
	return ok(object{{"total_count", 0}, {"data", []object{}}})
}

func sent() reply { return ok(object{{"status", "sent"}}) }
