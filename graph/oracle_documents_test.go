package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/models"
)

// A writer of documents writes one that is nearly always valid, with what it needs in its variables.
type documents struct {
	r    *rand.Rand
	data *planted
	// aliases makes names that nothing else has.
	aliases   int
	declared  []string
	variables vars
	fragments map[string]string // name to type
	bodies    []string
	// fields is how many there may still be.
	fields int
	// exotic documents have what no plan knows.
	exotic bool
}

// leaves are the fields of each type that have nothing below them.
var leaves = map[string][]string{
	"Session": {
		"id", "revision", "status", "sessionType", "metadata", "endUserId", "createdAt", "startBy", "startedAt", "endedAt", "expiration",
		"maxDuration", "duration", "endReason", "avatarState",
	},
	"Avatar":            {"id", "name", "url", "createdAt", "archivedAt"},
	"DailyRoom":         {"url", "name", "token", "tokenExpiresAt", "exp"},
	"SessionEvent":      {"id", "type", "at", "actor", "detail"},
	"PageInfo":          {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"},
	"SessionConnection": {"totalCount"}, "AvatarConnection": {"totalCount"},
	"SessionEdge": {"cursor"}, "AvatarEdge": {"cursor"},
	"Viewer": {"kind"}, "Query": {"serverTime"}, "Node": {"id"}, "Account": {"id", "name"},
}

// branches are the other fields, without arguments, and their types.
var branches = map[string]map[string]string{
	"Session":           {"avatar": "Avatar", "dailyRoom": "DailyRoom"},
	"SessionConnection": {"nodes": "Session", "edges": "SessionEdge", "pageInfo": "PageInfo"},
	"AvatarConnection":  {"nodes": "Avatar", "edges": "AvatarEdge", "pageInfo": "PageInfo"},
	"SessionEdge":       {"node": "Session"},
	"AvatarEdge":        {"node": "Avatar"},
	"Viewer":            {"session": "Session"},
	"Query":             {"viewer": "Viewer"},
}

// newDocument writes a document, and names the operation that is to be run.
func newDocument(r *rand.Rand, data *planted) (text, operation string, variables vars) {
	d := &documents{
		r: r, data: data, variables: vars{}, fragments: map[string]string{}, fields: 5 + r.IntN(60), exotic: r.IntN(10) == 0,
	}
	var body strings.Builder
	for range 1 + r.IntN(3)*r.IntN(2) {
		body.WriteString(d.rootOrFragment() + " ")
	}
	text = "{ " + body.String() + "}"
	declared := ""
	if len(d.declared) > 0 {
		declared = "(" + strings.Join(d.declared, ", ") + ")"
		text = "query Q" + declared + " " + text
	}
	if declared != "" && r.IntN(6) == 0 { // another operation with the same fragments and other defaults
		others := strings.NewReplacer(" = true", " = false", " = 2", " = 3", " = 1", " = 4").Replace(declared)
		text += " query Other" + others + " { " + body.String() + "}"
		operation = pick(r, []string{"Q", "Q", "Q", "Other", "Other", "Other", "", "None"})
	}
	return text + " " + strings.Join(d.bodies, " "), operation, d.variables
}

// rootOrFragment writes root fields, some of them in fragments, and some twice.
func (d *documents) rootOrFragment() string {
	switch d.r.IntN(24) {
	case 0:
		return "... on Query" + d.directive() + " { " + d.root() + " }"
	case 1:
		return "..." + d.directive() + " { " + d.root() + " " + d.root() + " }"
	case 2:
		d.aliases++
		name := "F" + strconv.Itoa(d.aliases)
		d.bodies = append(d.bodies, "fragment "+name+" on Query { "+d.root()+" }")
		return "..." + name + d.directive() + " ..." + name
	case 3:
		return d.twice(d.alias("sessions")+d.sessionArguments(), "SessionConnection")
	case 4:
		return d.twice(d.alias("node")+"(id: "+d.id()+")", "Node")
	default:
		return d.root()
	}
}

// twice selects of one field in two places, which are merged.
func (d *documents) twice(field, typ string) string {
	return field + d.directive() + d.selection(typ) + " " + field + d.directive() + d.selection(typ)
}

func (d *documents) root() string {
	switch d.r.IntN(12) {
	case 0:
		return d.alias("serverTime") + d.directive()
	case 1:
		return "__typename " + d.alias("__typename")
	case 2, 3:
		return d.alias("session") + "(id: " + d.id() + ")" + d.directive() + d.selection("Session")
	case 4:
		return d.alias("avatar") + "(id: " + d.id() + ")" + d.directive() + d.selection("Avatar")
	case 5, 6:
		return d.alias("node") + "(id: " + d.id() + ")" + d.directive() + d.selection("Node")
	case 7:
		return d.alias("viewer") + d.directive() + d.selection("Viewer")
	case 8:
		return d.alias("avatars") + d.arguments(append(d.page("avat_"), d.optional(1, "filter", "AvatarFilter", d.avatarFilter)...)) +
			d.directive() + d.selection("AvatarConnection")
	default:
		return d.alias("sessions") + d.sessionArguments() + d.directive() + d.selection("SessionConnection")
	}
}

func (d *documents) sessionArguments() string {
	all := append(d.page("sess_"), d.optional(2, "filter", "SessionFilter", d.sessionFilter)...)
	return d.arguments(append(all, d.optional(1, "orderBy", "SessionOrder", func() any {
		return vars{"field": enum("CREATED_AT"), "direction": enum(pick(d.r, []string{"ASC", "DESC"}))}
	})...))
}

// selection writes what is asked for of an object of a type.
func (d *documents) selection(typ string) string {
	var all []string
	for range 1 + d.r.IntN(8) {
		one := d.one(typ)
		name, _, _ := strings.Cut(one, " ")
		met := 0
		for _, other := range all {
			if strings.HasPrefix(other, name) {
				met++
			}
		}
		if met < 2 || strings.Contains(one, "...") || strings.Contains(one, "$") { // what it declares has to be used
			all = append(all, one)
		}
		if d.fields < 0 {
			break
		}
	}
	if typ == "Node" || d.r.IntN(8) == 0 {
		all = append(all, "__typename")
	}
	return " { " + strings.Join(all, " ") + " }"
}

func (d *documents) one(typ string) string {
	d.fields--
	switch n := d.r.IntN(20); {
	case n == 0:
		return d.spread(typ)
	case n == 1:
		return "..." + d.directive() + d.selection(typ)
	case n == 2 && slices.Contains([]string{"Session", "Avatar", "SessionEvent"}, typ):
		if d.r.IntN(4) == 0 {
			return "... on Node" + d.directive() + d.selection("Node")
		}
		return "... on " + pick(d.r, []string{"Node", typ}) + d.directive() + " { id }"
	case n == 3:
		return d.alias("__typename") + d.directive()
	}
	if typ == "Node" {
		of := pick(d.r, []string{"Session", "Session", "Avatar", "SessionEvent", "Account"})
		return "... on " + of + d.directive() + d.selection(of)
	}
	if typ == "Session" && d.r.IntN(8) == 0 {
		events := d.alias("events") + d.arguments(d.optional(2, "last", "Int", func() any { return d.size() }))
		if d.r.IntN(6) == 0 {
			return d.twice(events, "SessionEvent")
		}
		return events + d.directive() + d.selection("SessionEvent")
	}
	if d.exotic && typ == "Avatar" && d.r.IntN(3) == 0 {
		return d.alias("sessions") + d.sessionArguments() + d.selection("SessionConnection")
	}
	if d.exotic && typ == "Viewer" {
		return d.alias("account") + d.selection("Account")
	}
	if below := branches[typ]; len(below) > 0 && (d.r.IntN(3) == 0 || len(leaves[typ]) == 1) {
		name := pick(d.r, slices.Sorted(maps.Keys(below)))
		return d.sameAlias(name) + d.directive() + d.selection(below[name])
	}
	return d.sameAlias(pick(d.r, leaves[typ])) + d.directive()
}

// sameAlias gives a field one of two names, which are always its own: selections meet and are merged.
func (d *documents) sameAlias(name string) string {
	switch n := d.r.IntN(300); {
	case n == 0: // where it stands alone; else the document is refused
		return pick(d.r, []string{"id", "name", "__proto__", "constructor", "on", "true", "null"}) + ": " + name
	case n < 50:
		return "also_" + name + ": " + name
	}
	return name
}

// alias gives a field a name that no other has, since its arguments are its own.
func (d *documents) alias(name string) string {
	d.aliases++
	alias := "f" + strconv.Itoa(d.aliases)
	switch d.r.IntN(20) {
	case 0:
		alias += strings.Repeat("_long", 200)
	case 1:
		alias = "_" + alias + "_" + name
	}
	return alias + ": " + name
}

// spread uses a fragment, a new one or one that is there.
func (d *documents) spread(typ string) string {
	for _, name := range slices.Sorted(maps.Keys(d.fragments)) {
		if d.fragments[name] == typ && d.r.IntN(2) == 0 {
			return "..." + name + d.directive()
		}
	}
	d.aliases++
	name := "F" + strconv.Itoa(d.aliases)
	d.bodies = append(d.bodies, "fragment "+name+" on "+typ+d.selection(typ))
	d.fragments[name] = typ // only now: it must not be used within itself
	return "..." + name + d.directive()
}

func (d *documents) directive() string {
	if d.r.IntN(12) > 0 {
		return ""
	}
	names := pick(d.r, [][]string{{"skip"}, {"skip"}, {"include"}, {"include"}, {"include", "skip"}})
	text := ""
	for _, name := range names {
		value := d.r.IntN(4) > 0 == (name == "include")
		if d.r.IntN(2) == 0 {
			text += " @" + name + "(if: " + strconv.FormatBool(value) + ")"
			continue
		}
		text += " @" + name + "(if: " + d.variable("Boolean!", value) + ")"
	}
	return text
}

// An enum is a value that is written without quotation marks in a document, and with them in JSON.
type enum string

// variable declares a variable with a value, or with that as its default.
func (d *documents) variable(typ string, value any) string {
	if d.r.IntN(4) == 0 {
		for i, known := range d.declared {
			if strings.HasSuffix(known, ": "+typ) { // the same in two places
				return "$v" + strconv.Itoa(i)
			}
		}
	}
	if d.r.IntN(60) == 0 {
		value = pick(d.r, []any{json.Number("2.0"), json.Number("1e0"), json.Number("2.5"), "3", true, []any{}, vars{}, json.Number("9007199254740993"), json.Number("1e400")})
	}
	name := "v" + strconv.Itoa(len(d.declared))
	switch {
	case d.r.IntN(4) == 0 && value != nil:
		d.declared = append(d.declared, "$"+name+": "+strings.TrimSuffix(typ, "!")+" = "+literal(value))
		if strings.HasSuffix(typ, "!") || d.r.IntN(2) == 0 {
			d.declared[len(d.declared)-1] = "$" + name + ": " + typ + " = " + literal(value)
		}
	default:
		d.declared = append(d.declared, "$"+name+": "+typ)
		if value != nil || d.r.IntN(2) == 0 {
			d.variables[name] = value
		}
	}
	return "$" + name
}

// optional is an argument that is left out, null, a literal or a variable. often is how often of 4 it
// is there.
func (d *documents) optional(often int, name, typ string, value func() any) []string {
	if d.r.IntN(4) >= often {
		return nil
	}
	v := value()
	if d.r.IntN(15) == 0 {
		v = nil
	}
	if d.r.IntN(2) == 0 {
		return []string{name + ": " + d.variable(typ, v)}
	}
	return []string{name + ": " + d.mixed(typ, v)}
}

// members are those of input objects, and their types.
var members = map[string]map[string]string{
	"SessionFilter": {
		"status": "[SessionStatus!]", "endReason": "[SessionEndReason!]", "avatarId": "[ID!]", "endUserId": "[String!]",
		"createdAfter": "DateTime", "createdBefore": "DateTime", "metadata": "JSONObject",
	},
	"SessionOrder": {"field": "SessionOrderField!", "direction": "OrderDirection!"},
	"AvatarFilter": {"archived": "Boolean", "nameContains": "String"},
}

// mixed writes a value into the document, with variables in places of it.
func (d *documents) mixed(typ string, value any) string {
	switch v := value.(type) {
	case vars:
		if members[typ] == nil {
			return literal(v)
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text := d.mixed(members[typ][name], v[name])
			if d.r.IntN(6) == 0 {
				text = d.variable(members[typ][name], v[name])
			}
			all = append(all, name+": "+text)
		}
		return "{" + strings.Join(all, ", ") + "}"
	case []any:
		of, isList := strings.CutPrefix(strings.TrimSuffix(typ, "]"), "[")
		var all []string
		for _, one := range v {
			text := literal(one)
			if isList && d.r.IntN(6) == 0 {
				text = d.variable(of, one)
			}
			all = append(all, text)
		}
		return "[" + strings.Join(all, ", ") + "]"
	case string:
		if d.r.IntN(6) == 0 && !strings.ContainsAny(v, "\x00\x01\x1f") && !strings.HasSuffix(v, "\\") {
			return `"""` + strings.ReplaceAll(v, `"""`, `\"""`) + `"""`
		}
	}
	return literal(value)
}

func (d *documents) arguments(all []string) string {
	if len(all) == 0 {
		return ""
	}
	d.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return "(" + strings.Join(all, ", ") + ")"
}

func (d *documents) page(prefix string) []string {
	size := func() any { return d.size() }
	cursor := func() any { return d.cursor(prefix) }
	var all []string
	switch d.r.IntN(10) {
	case 0: // 20
	case 1:
		all = append(d.optional(4, "first", "Int", size), d.optional(1, "last", "Int", size)...)
	case 2, 3, 4:
		all = d.optional(4, "last", "Int", size)
	default:
		all = d.optional(4, "first", "Int", size)
	}
	return append(append(all, d.optional(1, "after", "String", cursor)...), d.optional(1, "before", "String", cursor)...)
}

func (d *documents) size() any {
	if d.r.IntN(25) == 0 {
		return pick(d.r, []any{0, -1, 101, 100, 1 << 20})
	}
	return 1 + d.r.IntN(6)
}

func (d *documents) cursor(prefix string) any {
	if d.r.IntN(15) == 0 {
		return pick(d.r, append(hostileTexts, d.data.ids...))
	}
	var ids []string
	for _, id := range d.data.ids {
		if strings.HasPrefix(id, prefix) && len(id) > 20 {
			ids = append(ids, id)
		}
	}
	return pick(d.r, ids)
}

func (d *documents) id() string {
	id := pick(d.r, d.data.ids)
	if d.r.IntN(2) == 0 { // more of those that are there
		id = pick(d.r, d.data.sessions).ID
	}
	switch d.r.IntN(20) {
	case 0:
		return d.variable("ID!", json.Number("5"))
	case 1:
		return "12345678901234567890"[:1+d.r.IntN(20)]
	case 2, 3, 4, 5, 6, 7, 8, 9, 10:
		return d.variable("ID!", id)
	default:
		return d.mixed("ID!", id)
	}
}

func (d *documents) avatarFilter() any {
	return d.some(vars{
		"archived":     d.r.IntN(2) == 0,
		"nameContains": pick(d.r, append(hostileTexts, "p", "X", strings.Repeat("n", 200))),
	})
}

func (d *documents) sessionFilter() any {
	r := d.r
	around := pick(r, d.data.sessions).CreatedAt
	return d.some(vars{
		"status":        several(r, []any{enum("CREATED"), enum("STARTED"), enum("ENDED")}),
		"endReason":     several(r, []any{enum("EXPIRED"), enum("NEVER_STARTED"), enum("CLIENT_ENDED"), enum("QUOTA_EXHAUSTED")}),
		"avatarId":      several(r, []any{pick(r, d.data.avatars).ID, pick(r, d.data.avatars).ID, "avat_x", 5}),
		"endUserId":     several(r, []any{pick(r, hostileTexts), pick(r, hostileTexts), "nul\x00"}),
		"createdAfter":  instant(r, around+models.Time(r.IntN(3))-1),
		"createdBefore": instant(r, around+models.Time(r.IntN(1e7))),
		"metadata":      vars{pick(r, hostileTexts[1:]): pick(r, append([]any{"plain", "x", nil, []any{}}, storedValues...)), "also": nil},
	})
}

// instant spells a time in one of the ways that are allowed, and some that are not.
func instant(r *rand.Rand, at models.Time) string {
	std := at.Std()
	return pick(r, []string{
		at.String(), std.Format("2006-01-02T15:04:05.000000001Z07:00"), std.In(time.FixedZone("", -9000)).Format(time.RFC3339Nano),
		std.Format(time.RFC3339), std.Add(time.Nanosecond).Format(time.RFC3339Nano), pick(r, []string{
			std.Format(time.DateTime), "9999-12-31T23:59:59.9999Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00z", "2026-02-30T00:00:00Z",
		}),
	})
}

// some keeps one or two members, and makes one of them null now and then.
func (d *documents) some(all vars) any {
	kept := vars{}
	for range 1 + d.r.IntN(2) {
		name := pick(d.r, slices.Sorted(maps.Keys(all)))
		if kept[name] = all[name]; d.r.IntN(10) == 0 {
			kept[name] = nil
		}
	}
	return kept
}

// several is a list of up to two of the values, or one without a list.
func several(r *rand.Rand, values []any) any {
	switch r.IntN(8) {
	case 0:
		return pick(r, values)
	case 1:
		return []any{}
	default:
		return []any{pick(r, values), pick(r, values)}
	}
}

var isName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// literal writes a value into a document.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case enum:
		return string(v)
	case string:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(text)
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, literal(one))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case vars:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !isName.MatchString(name) {
				name = "plain" // in a document, a member is a name
			}
			all = append(all, name+": "+literal(v[name]))
		}
		return "{" + strings.Join(all, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
}
