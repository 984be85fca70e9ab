package web

// What the tests of this package try by itself.
var (
	HandlerOf = newHandler
	Accepted  = accepted
	Built     = dist
)
