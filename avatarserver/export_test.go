package avatarserver

import (
	"maps"
	"slices"
)

// Commands is how many commands to the session have no outcome yet.
func (r *Registry) Commands(ref Ref) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held[ref.SessionID].commands)
}

// FrameTypes are the types of all control frames.
func FrameTypes() []string { return slices.Sorted(maps.Keys(decoders)) }
