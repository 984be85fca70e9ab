// Package config holds every setting of the program: where it comes from, what it may be and
// what to say when it is wrong.
//
// A value is taken from the first of these that has it: a flag, the environment, the JSON file
// named by --config, and the default, which --dev changes for a few. See [Parse].
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Serve is what the command `serve` takes: the file and every setting. Package main embeds it.
type Serve struct {
	File
	Config
}

// File lets a command read settings from a file. A command without it reads none.
type File struct {
	ConfigFile string `name:"config" placeholder:"FILE" help:"JSON object of settings; a key is a flag's name, such as \"public-url\"."`
}

// Config is every setting of a server. [Config.Validate] tells whether they fit together.
type Config struct {
	Dev bool `help:"Run everything in this process, on loopback, with no account anywhere: Daily emulator, built-in avatar server, sample avatars and the key gr_test_dev."`

	Address
	PublicURL      string         `name:"public-url" placeholder:"URL" group:"Network" help:"How clients reach this server, such as https://api.example.com, without a path. Default: from --listen."`
	AdminListen    string         `default:"127.0.0.1:9090" placeholder:"HOST:PORT|off" group:"Network" help:"Where /metrics answers, to anybody who can connect."`
	AllowedOrigins []string       `placeholder:"ORIGIN" group:"Network" help:"Web pages that may call from a browser, each as scheme://host[:port]. None: only pages of this server."`
	TrustedProxies []netip.Prefix `placeholder:"CIDR" group:"Network" help:"Proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8. None: the socket's own address counts."`
	FailedLogins   Rate           `default:"20/1m" placeholder:"COUNT/TIME" group:"Network" help:"Wrong credentials that one address may send before it is answered RATE_LIMITED."`
	DrainTime      time.Duration  `default:"10s" placeholder:"TIME" group:"Network" help:"How long a stopping server lets its connections finish, up to 5m."`

	Database
	NATSURL DSN `name:"nats-url" env:"NATS_URL" placeholder:"nats://HOST:PORT,..." group:"Storage" help:"NATS servers that carry live updates between the servers of one database. There is one for now, which needs none."`

	Daily    Daily    `embed:"" prefix:"daily-" group:"Daily"`
	Session  Session  `embed:"" group:"Sessions"`
	Webhooks Webhooks `embed:"" prefix:"webhook-" group:"Webhooks"`
	Limits   Limits   `embed:"" prefix:"max-" group:"Limits of a GraphQL request"`
	Streams  Streams  `embed:"" prefix:"max-" group:"Limits of streams"`
	Plans    Plans    `default:"${plans}" placeholder:"JSON" group:"Sessions" help:"Plans by key, as {\"pro\": {\"maxConcurrentSessions\": 20, \"maxSessionDuration\": 14400, \"includedMinutes\": 600}}: seconds and minutes a month; what is left out is unlimited. They replace the built-in free, growth, pro and unlimited."`
	Log      Log      `embed:"" prefix:"log-" group:"Logging"`
}

// Address is where the server listens. The command `health` embeds it alone.
type Address struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" group:"Network" help:"Where clients connect. Port 0 takes a free one."`
}

// LocalURL is where a program on the same machine reaches the server. The error is an *Error.
func (a Address) LocalURL() (string, error) {
	host, port, ok := splitAddress(a.Listen)
	if !ok {
		var report problems
		report.add(notAnAddress, a.Listen)
		return "", report.err()
	}
	if isUnspecified(host) {
		host = "localhost" // which is what a server knows itself by, whichever of its addresses is meant
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// Database is where everything is kept. Operators' commands embed it alone.
type Database struct {
	URL    DSN    `name:"database" default:"sqlite:greenroom.db" dev:"sqlite:greenroom-dev.db" placeholder:"URL" group:"Storage" help:"sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME."`
	Secret Secret `name:"secret" env:"GREENROOM_SECRET" placeholder:"TEXT" group:"Storage" help:"Key of access tokens, at least 32 bytes; required with PostgreSQL. With SQLite the default is a file beside the database. A command line can be read by others on this machine: use the environment."`
}

// Daily is how this server calls Daily. With --dev all but the rates are ignored: the emulator
// answers.
type Daily struct {
	APIKey        Secret `name:"api-key" env:"DAILY_API_KEY" placeholder:"TEXT" help:"From Daily's dashboard; required without --dev. Use the environment, as for --secret."`
	APIURL        string `name:"api-url" env:"DAILY_API_URL" default:"https://api.daily.co/v1" placeholder:"URL" help:"Daily's API, or an emulator's."`
	WebhookSecret Secret `env:"DAILY_WEBHOOK_SECRET" placeholder:"BASE64" help:"The hmac that Daily's webhook was made with. Without it /webhooks/daily answers 404, and who is in a room is only looked up once a minute."`
	// Daily allows 100 calls in 5 s and 50 deletes in 30 s to a domain
	// (docs.daily.co/reference/rest-api#rate-limits); a server that shares it takes less.
	Calls   Rate `default:"100/5s" placeholder:"COUNT/TIME" help:"Calls to Daily, at most; Daily's own limit to a domain is the default."`
	Deletes Rate `default:"50/30s" placeholder:"COUNT/TIME" help:"Rooms deleted at Daily, at most; Daily's own limit to a domain is the default."`
}

// Session is how long each step of a session may take.
type Session struct {
	Environment     string        `default:"prod" dev:"dev" placeholder:"NAME" help:"First part of every room's name, 1 to 12 of a-z and 0-9. Installations that share a Daily domain need one each: a server deletes rooms with its own name that it does not know."`
	CreateWait      time.Duration `default:"15s" placeholder:"TIME" help:"How long createSession waits for its room, up to 1m."`
	StartWindow     time.Duration `default:"10m" placeholder:"TIME" help:"How long a session may stay unstarted before it ends as NEVER_STARTED, 1s to 24h."`
	StartWait       time.Duration `default:"20s" placeholder:"TIME" help:"How long startSession waits for the avatar before it answers AVATAR_NOT_READY, up to 1m."`
	StartGiveUp     time.Duration `default:"120s" placeholder:"TIME" help:"How long a start goes on without its caller, from --start-wait up to 2m."`
	AvatarLostGrace time.Duration `default:"30s" placeholder:"TIME" help:"How long another avatar server is sought for a lost one before the session ends as AVATAR_LOST, up to 10m."`
	EmptyRoomGrace  time.Duration `default:"60s" placeholder:"TIME" help:"How long a room may be empty, once somebody was in it, before the session ends as PARTICIPANTS_LEFT, up to 1h."`
	SweepInterval   time.Duration `default:"1s" placeholder:"TIME" help:"How often due sessions are ended, up to 1m."`
}

// Webhooks are what this server sends to accounts' own servers.
type Webhooks struct {
	AllowPrivate []netip.Prefix `placeholder:"CIDR" help:"Networks that webhooks may go to besides public addresses, to any port and by http too, such as 10.20.0.0/16. None: accounts could reach what only this machine should."`
	Timeout      time.Duration  `default:"15s" placeholder:"TIME" help:"How long a receiver has for its answer, 1s to 1m."`
}

// Log is what is logged, on standard error.
type Log struct {
	Level  slog.Level `default:"info" placeholder:"LEVEL" help:"The least that is logged: debug, info, warn or error."`
	Format string     `default:"json" dev:"text" placeholder:"FORMAT" help:"How a line is written: json or text."`
}

// Logging formats of [Log].
const (
	JSON = "json"
	Text = "text"
)

// Off is the value of AdminListen that opens no admin listener.
const Off = "off"

// BaseURL is where clients reach the server, without a slash at the end: PublicURL, else the
// address that it listens on.
func (c *Config) BaseURL(listening net.Addr) string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	return "http://" + listening.String()
}
