// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// errNoRouter says that nothing answers, or something that is not Weave.
var errNoRouter = errors.New("no router of Weave's answers")

// api is a router's local API.
type api struct {
	url    string
	client *http.Client
}

func newAPI(url string) *api {
	return &api{url: url, client: &http.Client{
		// No proxy of the environment's: the router is on this node. No connection is kept: the next look may meet another router.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// report is what the router says of itself and of its connections.
func (a *api) report(ctx context.Context) (*report, error) {
	body, err := a.ask(ctx, http.MethodGet, "/report", answerTime)
	if err != nil {
		return nil, err
	}
	parsed, err := parseReport(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoRouter, err)
	}
	return parsed, nil
}

// claim is the address that Weave means the node to have; "" if none. The answer is 200 either way.
func (a *api) claim(ctx context.Context) (string, error) {
	body, err := a.ask(ctx, http.MethodGet, "/ip/weave:expose", answerTime)
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
		return nil, fmt.Errorf("asking the router for %s: it answers %s", path, response.Status)
	}
	return body, nil
}
