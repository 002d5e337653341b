// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// RouterAPI is where a router answers its own node, and nobody else.
const RouterAPI = "http://127.0.0.1:6784"

const (
	// answerTime is how long a router may take to answer.
	answerTime = 5 * time.Second
	// leaveTime is how long it may take to hand its addresses over.
	leaveTime = 30 * time.Second
	// answerLimit is how much of an answer is read: a report lists the flows of the fast datapath.
	answerLimit = 16 << 20
)

var (
	// errNoRouter says that nothing answers, or something that is not Weave.
	errNoRouter = errors.New("no router of Weave's answers")
	// errNoReport says that something broke the question off, or failed over it. A router does when it is about to end, and
	// so may a program that is not Weave.
	errNoReport = errors.New("no report")
)

// statusError is an answer that is no success.
type statusError struct {
	path, status string
	code         int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("asking the router for %s: it answers %s", e.path, e.status)
}

// api is a router's local API.
type api struct {
	url    string
	client *http.Client
}

func newAPI(address string) *api {
	return &api{url: address, client: &http.Client{
		// No proxy of the environment's: the router is on this node. No connection is kept: the next look may meet another router.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// report is what the router says of itself and of its connections. An error that is neither errNoRouter nor errNoReport
// tells nothing: a router with too much to do is late, and is no less there.
func (a *api) report(ctx context.Context) (*report, error) {
	body, err := a.ask(ctx, http.MethodGet, "/report", answerTime)
	switch {
	case err == nil:
	case isForeign(err):
		return nil, fmt.Errorf("%w: %w", errNoRouter, err)
	case isBrokenOff(err):
		return nil, fmt.Errorf("%w: %w", errNoReport, err)
	default:
		return nil, err
	}
	parsed, err := parseReport(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoRouter, err)
	}
	return parsed, nil
}

// isForeign knows an answer that no router gives: one that is no HTTP, as SSH's, or that knows no reports.
func isForeign(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.code < http.StatusInternalServerError
	}
	// The library has no error for an answer that is no HTTP. What is left is one: its own errors with the other causes
	// taken out, which are the connection's (net.OpError), its end, and the end of patience.
	library, ok := errors.AsType[*url.Error](err)
	_, broken := errors.AsType[*net.OpError](err)
	return ok && !broken && !isBrokenOff(err) && !library.Timeout() && !errors.Is(err, context.Canceled)
}

// isBrokenOff knows a failure of the other end's.
func isBrokenOff(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.code >= http.StatusInternalServerError
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// claim is the address that Weave means the node to have; "" if none. The answer is 200 either way, and 404 of a router
// that gives no addresses (one that somebody runs without a range): it has no such path.
func (a *api) claim(ctx context.Context) (string, error) {
	body, err := a.ask(ctx, http.MethodGet, "/ip/weave:expose", answerTime)
	if status, ok := errors.AsType[*statusError](err); ok && status.code == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(body)), " ")
	return first, nil
}

// leave has the router hand its addresses over to the others. Asked twice, it has none left to hand over.
func (a *api) leave(ctx context.Context) error {
	_, err := a.ask(ctx, http.MethodDelete, "/peer", leaveTime)
	return err
}

// ask gives the body of a successful answer.
func (a *api) ask(ctx context.Context, method, path string, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, a.url+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking the router: %w", err)
	}
	request.Header.Set("Accept", "application/json") // Without it, /report answers 400.
	response, err := a.client.Do(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, errNoRouter
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("asking the router for %s: no answer within %s", path, patience)
	case err != nil:
		return nil, fmt.Errorf("asking the router for %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the router's answer to %s: %w", path, err)
	case len(body) > answerLimit:
		return nil, fmt.Errorf("reading the router's answer to %s: it is longer than %d MiB", path, answerLimit>>20)
	case response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent:
		return nil, &statusError{path: path, status: response.Status, code: response.StatusCode}
	}
	return body, nil
}
