// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Runner runs a command in the Symphony container of a pod and returns its standard output, also when it fails. The
// error is an *ExitError when the command ran and its status is not 0; otherwise it is one of this package's errors.
type Runner interface {
	Run(ctx context.Context, pod types.NamespacedName, args []string) (stdout []byte, err error)
}

// ExitError is a command that ran and failed.
type ExitError struct {
	Code   int
	Stderr string
}

// Error is for people.
func (e *ExitError) Error() string {
	return fmt.Sprintf("exit status %d: %s", e.Code, oneLine(e.Stderr))
}

// The exit statuses of egosh.sh.
const (
	exitUnreachable = 71
	exitNoLogon     = 72
	exitRefused     = 73
)

const (
	// DefaultTimeout is for one command. A list of 30,000 hosts takes seconds; a master that is starting up takes minutes,
	// which nobody waits for.
	DefaultTimeout = 30 * time.Second
	// maxArgumentBytes is how much of the URL of an exec host names may take: with the script, it stays below the 8 KiB
	// that proxies before an API server let through.
	maxArgumentBytes = 3000
	maxComment       = 1024
	allocMarker      = "symphony-operator: alloc list\n"
	workloadMarker   = "symphony-operator: workload\n"
)

//go:embed egosh.sh
var scriptText string

// script is egosh.sh without its comments.
var script = withoutComments(scriptText)

func withoutComments(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimLeft(line, " "); line != "\n" && !strings.HasPrefix(line, "#") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Client is EGO by its command line in a master's pod.
type Client struct {
	runner  Runner
	pod     types.NamespacedName
	timeout time.Duration
}

var _ EGO = &Client{}

// New is EGO in the given master pod. A timeout of 0 is DefaultTimeout.
func New(runner Runner, pod types.NamespacedName, timeout time.Duration) *Client {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &Client{runner: runner, pod: pod, timeout: timeout}
}

// Hosts is one exec for both lists: a poll costs the API server and the node one connection.
func (c *Client) Hosts(ctx context.Context) ([]Host, error) {
	output, err := c.run(ctx, "hosts")
	if errors.Is(err, ErrRefused) {
		// EGO may have come up between the list, which failed, and the question whether EGO answers. Users would look for a wrong password.
		output, err = c.run(ctx, "hosts")
	}
	if err != nil {
		return nil, err
	}
	first, second, ok := strings.Cut(output, allocMarker)
	if !ok {
		return nil, fmt.Errorf("%w: the list of allocations is missing", ErrNotUnderstood)
	}
	hosts, err := ParseHosts(first)
	if err != nil {
		return nil, fmt.Errorf("resource list: %w", err)
	}
	allocations, err := ParseAllocations(second)
	if err != nil {
		return nil, fmt.Errorf("alloc list: %w", err)
	}
	if err := place(hosts, allocations); err != nil {
		return nil, fmt.Errorf("alloc list: %w", err)
	}
	return hosts, nil
}

// Applications are all that the session director knows.
func (c *Client) Applications(ctx context.Context) ([]Application, error) {
	output, err := c.run(ctx, "applications")
	if err != nil {
		return nil, err
	}
	return ParseApplications(output)
}

// Workloads is one exec for all applications.
func (c *Client) Workloads(ctx context.Context) ([]Workload, error) {
	output, err := c.run(ctx, "workloads")
	if err != nil {
		return nil, err
	}
	list, parts, _ := strings.Cut(output, workloadMarker)
	applications, err := ParseApplications(list)
	if err != nil || len(applications) == 0 {
		return nil, err
	}
	texts := strings.Split(parts, workloadMarker)
	if len(texts) != len(applications) {
		return nil, fmt.Errorf("%w: %d applications, of which %d are shown", ErrNotUnderstood, len(applications), len(texts))
	}
	workloads := make([]Workload, 0, len(texts))
	for _, text := range texts {
		workload, err := ParseWorkload(text)
		if err != nil {
			return nil, fmt.Errorf("soamview app: %w", err)
		}
		workloads = append(workloads, workload)
	}
	return workloads, nil
}

// Logon tries the password.
func (c *Client) Logon(ctx context.Context) error {
	_, err := c.run(ctx, "logon")
	return err
}

// Close in EGO's batch mode, in which several hosts are one request.
func (c *Client) Close(ctx context.Context, hosts []string, options CloseOptions) error {
	args := []string{"close", "-b"}
	if options.Reclaim {
		args = append(args, "-reclaim")
	}
	if options.Comment != "" {
		if !validComment(options.Comment) {
			return fmt.Errorf("%w: EGO takes no such comment: %s", ErrRefused, quote(options.Comment))
		}
		args = append(args, "-c", options.Comment)
	}
	return c.change(ctx, args, hosts)
}

// Open opens.
func (c *Client) Open(ctx context.Context, hosts []string) error {
	return c.change(ctx, []string{"open"}, hosts)
}

// Remove removes.
func (c *Client) Remove(ctx context.Context, hosts []string) error {
	return c.change(ctx, []string{"remove"}, hosts)
}

// validComment: IBM's rule, and none that looks like an option.
func validComment(comment string) bool {
	printable := func(r rune) bool { return r >= ' ' && r <= '~' }
	return len(comment) <= maxComment && comment[0] != '-' &&
		!strings.ContainsFunc(comment, func(r rune) bool { return !printable(r) })
}

// change serves hosts in batches that fit into a URL. It stops at the first batch that fails: what follows would fail
// the same way, and everything can be repeated.
func (c *Client) change(ctx context.Context, args, hosts []string) error {
	for _, host := range hosts {
		if !ValidHostName(host) {
			return fmt.Errorf("%w: %s is no host's name", ErrRefused, quote(host))
		}
	}
	var missing []string
	for _, batch := range batches(hosts) {
		output, err := c.run(ctx, slices.Concat(args, batch)...)
		unknown, others := complaints(output, batch)
		missing = append(missing, unknown...)
		// A failure that is all explained by unknown hosts is none: EGO served the others.
		if err != nil && (!errors.Is(err, ErrRefused) || len(unknown) == 0 || others != "") {
			if others != "" {
				return fmt.Errorf("%w: %s", err, oneLine(others))
			}
			return err
		}
	}
	if len(missing) > 0 {
		return &NotFoundError{Hosts: missing}
	}
	return nil
}

func batches(hosts []string) [][]string {
	const perArgument = len("&command=")
	var all [][]string
	start, size := 0, 0
	for i, host := range hosts {
		if size += len(host) + perArgument; size > maxArgumentBytes {
			all = append(all, hosts[start:i])
			start, size = i, len(host)+perArgument
		}
	}
	if start < len(hosts) {
		all = append(all, hosts[start:])
	}
	return all
}

var notFound = regexp.MustCompile(`^Resource <([^<>]*)> is not found\.?$`)

// complaints finds the hosts, of those that were asked for, that EGO says it does not know, and what else it says.
func complaints(output string, hosts []string) (unknown []string, others string) {
	var rest []string
	for _, line := range lines(output) {
		line = strings.TrimSpace(line)
		match := notFound.FindStringSubmatch(line)
		at := -1
		if match != nil {
			at = slices.IndexFunc(hosts, func(host string) bool { return strings.EqualFold(host, match[1]) })
		}
		switch {
		case at >= 0:
			unknown = append(unknown, hosts[at])
		case line != "" && line != "No resource found":
			rest = append(rest, line)
		}
	}
	return unknown, strings.Join(rest, " ")
}

// run runs a verb of egosh.sh and gives its failures their meaning.
func (c *Client) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	limit := strconv.Itoa(max(int(c.timeout.Seconds()), 1))
	output, err := c.runner.Run(ctx, c.pod,
		slices.Concat([]string{"/bin/bash", "-c", script, "symphony-operator", limit}, args))
	exit, ok := errors.AsType[*ExitError](err)
	if !ok {
		return string(output), err
	}
	switch exit.Code {
	case exitNoLogon, exitRefused:
		return string(output), fmt.Errorf("%w: %s", ErrRefused, oneLine(exit.Stderr))
	case exitUnreachable:
		return string(output), fmt.Errorf("%w: %s", ErrUnreachable, oneLine(exit.Stderr))
	default:
		// Bash itself failed, or was killed.
		return string(output), fmt.Errorf("%w: %w", ErrUnreachable, exit)
	}
}

// oneLine is for conditions: one line, printable, not endless.
func oneLine(text string) string {
	const limit = 300
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return text
}
