package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// ErrHelp is returned when help was asked for and has been printed.
var ErrHelp = errors.New("help was printed")

// Parse fills cli, a pointer to a struct of Kong commands, from args and environ (as
// os.Environ gives it); the environment of the process itself is never read. Help goes to out.
//
// Every flag `--a-b` can be set as GREENROOM_A_B, or as the name in its env tag; empty is "not
// set". A command that embeds [File] reads the file named by --config or GREENROOM_CONFIG.
// A flag's dev tag is its default under --dev. Everything that is wrong comes back in one
// *Error, except behind a flag or command that does not exist: parsing ends there.
func Parse(cli any, args, environ []string, out io.Writer, options ...kong.Option) (*kong.Context, error) {
	s := &settings{env: map[string]string{}, names: map[*kong.Value]string{}, origin: map[*kong.Value]string{}}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		s.env[name] = value
	}
	plans, err := json.Marshal(DefaultPlans())
	if err != nil {
		return nil, fmt.Errorf("encode default plans: %w", err)
	}
	helped := false
	options = append([]kong.Option{
		kong.Name("greenroom"),
		kong.Vars{"plans": string(plans)},
		kong.Writers(out, out),
		kong.Exit(func(int) { helped = true }),
		kong.PostBuild(s.adopt),
		kong.Resolvers(s),
		kong.ValueFormatter(s.describe),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}, options...)
	parser, err := kong.New(cli, options...)
	if err != nil {
		return nil, fmt.Errorf("declare commands: %w", err)
	}
	kctx, err := parser.Parse(args)
	if helped {
		return nil, ErrHelp
	}
	s.rejectUnknownEnvironment()
	s.problems.join(err)
	if err := s.problems.err(); err != nil {
		return nil, err
	}
	return kctx, nil
}

// settings answers Kong's question for the value of a flag that the command line lacks.
type settings struct {
	env      map[string]string
	file     map[string]string      // by flag name; nil until read
	names    map[*kong.Value]string // each flag's environment name
	origin   map[*kong.Value]string // what a value that is being decoded was written as
	problems problems
}

// adopt takes the environment away from Kong, which would read the process's own, and lets
// every flag report a bad value without stopping at the first.
func (s *settings) adopt(k *kong.Kong) error {
	known := map[*kong.Value]bool{k.Model.HelpFlag.Value: true}
	var walk func(*kong.Node)
	walk = func(node *kong.Node) {
		for _, flag := range node.Flags {
			if known[flag.Value] {
				continue
			}
			known[flag.Value] = true
			name := environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
			if len(flag.Tag.Envs) > 0 {
				name = flag.Tag.Envs[0]
			}
			s.names[flag.Value] = name
			flag.Envs, flag.Tag.Envs = nil, nil
			flag.Mapper = tolerant{flag.Mapper, s}
		}
		for _, child := range node.Children {
			walk(child)
		}
	}
	walk(k.Model.Node)
	return nil
}

// Validate is Kong's; unknown names are reported by Parse, beside everything else.
func (*settings) Validate(*kong.Application) error { return nil }

// Resolve gives the value of a flag in the environment, else in the file, else under --dev.
func (s *settings) Resolve(kctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value, origin, ok := s.lookup(kctx, flag); ok {
		s.origin[flag.Value] = origin
		return value, nil
	}
	if flag.Tag.Has("dev") && s.dev(kctx) {
		return flag.Tag.Get("dev"), nil
	}
	return nil, nil
}

func (s *settings) lookup(kctx *kong.Context, flag *kong.Flag) (value, origin string, ok bool) {
	name := s.names[flag.Value]
	if value := s.env[name]; name != "" && value != "" {
		return value, name, true
	}
	if settingNames()[flag.Name] {
		if value, ok := s.readFile(kctx)[flag.Name]; ok {
			return value, fmt.Sprintf("%q in the configuration file", flag.Name), true
		}
	}
	return "", "", false
}

// dev tells whether --dev is on, wherever it was said.
func (s *settings) dev(kctx *kong.Context) bool {
	for _, flag := range kctx.Flags() {
		if flag.Name != "dev" {
			continue
		}
		for _, path := range kctx.Path {
			if path.Flag == flag && !path.Resolved { // on the command line, perhaps as --dev=false
				on, _ := kctx.FlagValue(flag).(bool)
				return on
			}
		}
		value, _, _ := s.lookup(kctx, flag)
		return slices.Contains([]string{"true", "yes", "1"}, strings.ToLower(value)) // what Kong takes for true
	}
	return false
}
