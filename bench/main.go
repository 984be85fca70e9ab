// Bench measures a running Greenroom from outside, over loopback: the program is built, served in
// a process of its own on a new database, and loaded from this one. docs/benchmarks.md has the
// figures and how to read them.
//
// A benchmark is a command here and a file of its own. Whatever it is compared with goes into a
// folder below this one and is loaded by the same code.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	options
	Stream   streamBench  `cmd:"" help:"Clients on the stream that have their avatars speak, at a constant rate."`
	Live     liveBench    `cmd:"" help:"Subscribers of one session, and changes of it."`
	Goals    goalsBench   `cmd:"" help:"This server beside others, and which goals it meets."`
	Webhooks webhookBench `cmd:"" help:"Endpoints that are told of sessions, and one that does not take it well."`
}

// options are what all benchmarks take.
type options struct {
	JSON   bool   `name:"json" help:"Print results as JSON, one run a line."`
	Runs   int    `default:"1" help:"How often to measure, each time on a new server."`
	Binary string `placeholder:"FILE" help:"The server to measure. Default: this tree's, built now."`
	Under  string `placeholder:"COMMAND" help:"What the server is run under, such as \"taskset -c 0\" or \"perf record -g -o FILE\"."`
}

// A benchmark loads a new server and gives what it has measured. It fails when nothing came
// through.
type benchmark interface {
	measure(ctx context.Context, p *plant) ([]figure, error)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	command := kong.Parse(&cli, kong.Description("Measure a running Greenroom."), kong.UsageOnError())
	command.BindTo(ctx, (*context.Context)(nil))
	command.FatalIfErrorf(command.Run(&cli.options))
}

// Run measures streams.
func (b *streamBench) Run(ctx context.Context, o *options) error { return o.run(ctx, "stream", b) }

// Run measures subscriptions.
func (b *liveBench) Run(ctx context.Context, o *options) error { return o.run(ctx, "live", b) }

// Run measures webhooks.
func (b *webhookBench) Run(ctx context.Context, o *options) error { return o.run(ctx, "webhooks", b) }

// run measures as often as was asked for and prints.
func (o *options) run(ctx context.Context, name string, b benchmark) error {
	var all [][]figure
	for i := range o.Runs {
		figures, err := o.once(ctx, b, os.Stderr)
		if err != nil {
			return fmt.Errorf("%s, run %d: %w", name, i+1, err)
		}
		all = append(all, figures)
		if o.JSON {
			err = json.NewEncoder(os.Stdout).Encode(map[string]any{"benchmark": name, "settings": b, "run": i + 1, "figures": figures})
			if err != nil {
				return err
			}
		}
	}
	if o.JSON {
		return nil
	}
	return table(os.Stdout, all)
}

// once measures on a plant of its own. The server's warnings go to logs.
func (o *options) once(ctx context.Context, b benchmark, logs io.Writer) ([]figure, error) {
	p, err := build(ctx, o, logs)
	if err != nil {
		return nil, err
	}
	figures, err := b.measure(ctx, p)
	if closed := p.close(); err == nil {
		err = closed
	}
	return figures, err
}
