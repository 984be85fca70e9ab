package config

// Limits are what one GraphQL request may ask for. What is beyond them is refused before it
// runs, most of it before it is read closely, with QUERY_TOO_EXPENSIVE and the limit's name.
//
// The last four are what may be open at once, which is refused with RATE_LIMITED: an operation on
// a WebSocket by an `error`, an event stream by status 429, a WebSocket by close code 4429.
type Limits struct {
	BodyBytes          int `default:"131072" placeholder:"N" help:"Bytes of a request's body, 1024 to 16777216; not less than --max-document-bytes."`
	DocumentBytes      int `default:"16384" placeholder:"N" help:"Bytes of a document, 1024 to 1048576."`
	Tokens             int `default:"1000" placeholder:"N" help:"Words, signs and comments of a document, 100 to 20000."`
	Operations         int `default:"8" placeholder:"N" help:"Operations in a document, 1 to 100."`
	Fields             int `default:"500" placeholder:"N" help:"Fields in a document, those of a fragment at each use, 10 to 10000."`
	Depth              int `default:"12" placeholder:"N" help:"Levels of fields in fields, 3 to 100."`
	IntrospectionDepth int `default:"25" placeholder:"N" help:"Levels of fields below __schema and __type, 1 to 100. Tools need 14."`
	Aliases            int `default:"30" placeholder:"N" help:"Fields of an operation that are given another name, 0 to 1000."`
	Directives         int `default:"20" placeholder:"N" help:"Directives of an operation, 0 to 1000."`
	Repeats            int `default:"4" placeholder:"N" help:"Fields of the same name in one selection, 1 to 100."`
	FragmentRepeats    int `default:"25" placeholder:"N" help:"Fields of the same name that meet in one place by way of named fragments, from --max-repeats to 1000."`
	ValueDepth         int `default:"12" placeholder:"N" help:"Levels of lists and objects that are written in a document, 2 to 100."`
	Cost               int `default:"20000" placeholder:"N" help:"Fields that an answer may have by the sizes of its lists, 100 to 10000000."`
	Errors             int `default:"10" placeholder:"N" help:"Errors that an answer lists, 1 to 100."`

	AccountSockets    int `default:"10000" placeholder:"N" group:"Limits of an account" help:"GraphQL WebSockets and event streams that an account may have open, 1 to 1000000."`
	AccountOperations int `default:"20000" placeholder:"N" group:"Limits of an account" help:"Operations that an account may have running on them, 1 to 1000000. One WebSocket may have 32."`
	TokenSockets      int `default:"20" placeholder:"N" group:"Limits of an account" help:"GraphQL WebSockets and event streams that the access tokens of one session may have open, 1 to 1000000."`
	TokenOperations   int `default:"50" placeholder:"N" group:"Limits of an account" help:"Operations that the access tokens of one session may have running on them, 1 to 1000000."`
}

func (l *Limits) validate(report *problems) {
	for _, limit := range []struct {
		flag        string
		n           int
		least, most int
	}{
		{"body-bytes", l.BodyBytes, max(1<<10, min(l.DocumentBytes, 1<<20)), 16 << 20},
		{"document-bytes", l.DocumentBytes, 1 << 10, 1 << 20},
		{"tokens", l.Tokens, 100, 20_000},
		{"operations", l.Operations, 1, 100},
		{"fields", l.Fields, 10, 10_000},
		{"depth", l.Depth, 3, 100},
		{"introspection-depth", l.IntrospectionDepth, 1, 100},
		{"aliases", l.Aliases, 0, 1000},
		{"directives", l.Directives, 0, 1000},
		{"repeats", l.Repeats, 1, 100},
		{"fragment-repeats", l.FragmentRepeats, min(max(l.Repeats, 1), 100), 1000},
		{"value-depth", l.ValueDepth, 2, 100},
		{"cost", l.Cost, 100, 10_000_000},
		{"errors", l.Errors, 1, 100},
		{"account-sockets", l.AccountSockets, 1, 1_000_000},
		{"account-operations", l.AccountOperations, 1, 1_000_000},
		{"token-sockets", l.TokenSockets, 1, 1_000_000},
		{"token-operations", l.TokenOperations, 1, 1_000_000},
	} {
		withinLimits(report, limit.flag, limit.n, limit.least, limit.most)
	}
}

// Streams are what clients' sockets may take together.
type Streams struct {
	LargeFrames int `default:"8" placeholder:"N" help:"Frames above 1 MiB that may be in memory at once, 16 MiB each, 1 to 1024. One account may have a quarter of them, at least 1."`
}

func (s *Streams) validate(report *problems) {
	withinLimits(report, "large-frames", s.LargeFrames, 1, 1024)
}

func withinLimits(report *problems, flag string, n, least, most int) {
	if n < least || n > most {
		report.add("--max-%s is %d: set %d to %d", flag, n, least, most)
	}
}
