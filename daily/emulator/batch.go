package emulator

import "slices"

// maxBatch is how many rooms one batch call takes.
const maxBatch = 1000

// createBatch makes all rooms or none.
func (e *Emulator) createBatch(c *call) reply {
	body, err := c.fields("rooms")
	if err != nil {
		return answer(err)
	}
	given, isList := body["rooms"].([]any)
	if !isList || len(given) == 0 || len(given) > maxBatch {
		return invalid("rooms should be a list of 1 to %d rooms", maxBatch)
	}
	rooms, names, shown := make([]*room, len(given)), map[string]bool{}, make([]object, len(given))
	for i, spec := range given {
		fields, isObject := spec.(map[string]any)
		if !isObject {
			return invalid("rooms should be a list of objects")
		}
		if err := onlyKeys(fields, "name", "privacy", "properties"); err != nil {
			return answer(err)
		}
		if rooms[i], err = e.newRoom(fields, c.now); err != nil {
			return answer(err)
		}
		if names[rooms[i].name] {
			return invalid("a room named %s already exists", rooms[i].name)
		}
		names[rooms[i].name] = true
	}
	for i, r := range rooms {
		e.addRoom(r, c.now)
		shown[i] = r.show()
	}
	return ok(shown)
}

// deleteBatch deletes all rooms or none.
func (e *Emulator) deleteBatch(c *call) reply {
	body, err := c.fields("rooms")
	if err != nil {
		return answer(err)
	}
	given, isList := body["rooms"].([]any)
	if !isList || len(given) == 0 || len(given) > maxBatch {
		return invalid("rooms should be a list of 1 to %d names", maxBatch)
	}
	var rooms []*room
	for _, v := range given {
		name, _ := v.(string)
		r, found := e.live(name, c.now)
		if !found {
			return noRoom(name)
		}
		if !slices.Contains(rooms, r) {
			rooms = append(rooms, r)
		}
	}
	for _, r := range rooms {
		e.remove(r, c.now)
	}
	return ok(object{{"deleted_count", len(rooms)}})
}
