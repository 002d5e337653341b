// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

const symsimUsage = `symsim is a test double of IBM Spectrum Symphony.
Usage: symsim alloc HOST SLOTS
       symsim free HOST|ALLOCATION ...
       symsim app add NAME [--consumer /X] [--keep-idle] [--recoverable]
       symsim task start HOST|any [--app NAME] [--slots N] [--duration 30s]
       symsim task finish TASK|HOST|all ...
       symsim task list
       symsim task log
       symsim writes`

var errUsage = errors.New(symsimUsage)

// Symsim is for tests only: what workload would do, and what the simulator noted.
func Symsim(streams Streams, args []string) int {
	where, err := install.FromEnvironment()
	if err != nil {
		if where, err = install.FromProgram(); err != nil {
			return streams.complain("symsim: %v", err)
		}
	}
	this := &tester{Streams: streams, Installation: where}
	// A verb is one word or two.
	for words := 2; words > 0; words-- {
		if len(args) < words {
			continue
		}
		if do, ok := this.verbs()[strings.Join(args[:words], " ")]; ok {
			if err := do(args[words:]); err != nil {
				return streams.complain("%v", err)
			}
			return 0
		}
	}
	return streams.complain(symsimUsage)
}

// tester is one symsim process.
type tester struct {
	Streams
	install.Installation
}

func (t *tester) verbs() map[string]func([]string) error {
	return map[string]func([]string) error{
		"alloc":       t.alloc,
		"free":        t.free,
		"app add":     t.appAdd,
		"task start":  t.taskStart,
		"task finish": t.taskFinish,
		"task list":   t.taskList,
		"task log":    t.taskLog,
		"writes":      t.writes,
	}
}

func (t *tester) alloc(args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	slots, err := strconv.Atoi(args[1])
	if err != nil || slots < 1 {
		return errUsage
	}
	response, err := ask(t.Installation, wire.Request{Verb: "symsim alloc", Args: args[:1], Number: slots})
	if err != nil {
		return err
	}
	t.printf("%d\n", response.Allocs[0].ID)
	return nil
}

func (t *tester) free(args []string) error { return t.count("symsim free", args) }

func (t *tester) taskFinish(args []string) error { return t.count("symsim task finish", args) }

// count does something to things and prints to how many.
func (t *tester) count(verb string, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	response, err := ask(t.Installation, wire.Request{Verb: verb, Args: args})
	if err != nil {
		return err
	}
	t.printf("%s\n", response.Text)
	return nil
}

// parse takes options from anywhere among the words.
func parse(options *flag.FlagSet, args []string) (words []string, err error) {
	options.SetOutput(io.Discard)
	for {
		if err := options.Parse(args); err != nil {
			return nil, fmt.Errorf("symsim: %w\n%w", err, errUsage)
		}
		if options.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, options.Arg(0)), options.Args()[1:]
	}
}

func (t *tester) appAdd(args []string) error {
	var app wire.Application
	options := flag.NewFlagSet("app add", flag.ContinueOnError)
	options.StringVar(&app.Consumer, "consumer", "", "")
	options.BoolVar(&app.KeepIdle, "keep-idle", false, "")
	options.BoolVar(&app.Recoverable, "recoverable", false, "")
	words, err := parse(options, args)
	if err != nil {
		return err
	}
	if len(words) != 1 || words[0] == "" {
		return errUsage
	}
	// The lists have no quotes.
	if app.Name = words[0]; strings.ContainsFunc(app.Name+app.Consumer, unicode.IsSpace) {
		return errors.New("symsim: the names of applications and consumers have no spaces")
	}
	_, err = ask(t.Installation, wire.Request{Verb: "symsim app add", Application: app})
	return err
}

func (t *tester) taskStart(args []string) error {
	request := wire.Request{Verb: "symsim task start"}
	options := flag.NewFlagSet("task start", flag.ContinueOnError)
	options.StringVar(&request.Application.Name, "app", "", "")
	options.IntVar(&request.Number, "slots", 1, "")
	options.DurationVar(&request.Duration, "duration", 0, "")
	words, err := parse(options, args)
	if err != nil {
		return err
	}
	if len(words) != 1 || request.Number < 1 || request.Duration < 0 {
		return errUsage
	}
	if words[0] != "any" {
		request.Args = words
	}
	response, err := ask(t.Installation, request)
	if err != nil {
		return err
	}
	t.printf("%d\n", response.Tasks[0].ID)
	return nil
}

func (t *tester) taskList(args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	response, err := ask(t.Installation, wire.Request{Verb: "symsim task list"})
	if err != nil {
		return err
	}
	for _, task := range response.Tasks {
		line := fmt.Sprintf("%d %s %s %s %s", task.ID, task.App, cmp.Or(task.Host, "-"), task.State, task.Reason)
		t.printf("%s\n", strings.TrimSpace(line))
	}
	return nil
}

// taskLog and writes read the files themselves: they are wanted most when the master is gone.
func (t *tester) taskLog([]string) error {
	text, err := os.ReadFile(t.Shared().TaskLog())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	t.printf("%s", text)
	return nil
}

func (t *tester) writes([]string) error {
	path := t.Shared().WriteLog()
	if path == "" {
		return errors.New("symsim: there is no shared directory (egoconfig mghost)")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	t.printf("%s", text)
	return nil
}
