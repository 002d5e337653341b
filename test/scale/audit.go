// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// auditLog is the API server's, which has every write, and the operator's reads besides.
type auditLog struct{ path string }

// mark is the place in the log that the next request comes to.
func (l auditLog) mark() (int64, error) {
	info, err := os.Stat(l.path)
	if err != nil {
		return 0, fmt.Errorf("looking at the audit log: %w", err)
	}
	return info.Size(), nil
}

// requests are those of the operator, and how many writes Kubernetes' own controllers made beside.
type requests struct {
	operator map[call]int
	beside   int
}

// call is a kind of request. Resource has its subresource.
type call struct {
	verb, resource string
	code           int32
}

// since reads what came after a mark.
func (l auditLog) since(mark int64) (*requests, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(mark, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return readRequests(file)
}

func readRequests(from io.Reader) (*requests, error) {
	read := &requests{operator: map[call]int{}}
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// The rest of a line that is being written is no request yet.
			return read, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if !bytes.Contains(line, []byte(operatorUser)) && !bytes.Contains(line, []byte(kubernetesUsers)) {
			continue
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("decoding %.100q: %w", line, err)
		}
		read.note(&event)
	}
}

func (r *requests) note(event *auditv1.Event) {
	if event.ObjectRef == nil || event.ResponseStatus == nil {
		return
	}
	made := call{verb: event.Verb, resource: event.ObjectRef.Resource, code: event.ResponseStatus.Code}
	if event.ObjectRef.Subresource != "" {
		made.resource += "/" + event.ObjectRef.Subresource
	}
	switch {
	case event.User.Username == operatorUser:
		r.operator[made]++
	case strings.HasPrefix(event.User.Username, kubernetesUsers) && made.isWrite():
		r.beside++
	}
}

// isWrite leaves out what only asks: leases say who leads, reviews who may do what.
func (c call) isWrite() bool {
	switch c.resource {
	case "leases", "tokenreviews", "subjectaccessreviews", "pods/exec":
		return false
	}
	return !slices.Contains([]string{"get", "list", "watch"}, c.verb)
}

func (r *requests) count(match func(call) bool) int {
	total := 0
	for made, times := range r.operator {
		if match(made) {
			total += times
		}
	}
	return total
}

// writes are those that the API server took.
func (r *requests) writes() int {
	return r.count(func(c call) bool { return c.isWrite() && c.code < http.StatusBadRequest })
}

// conflicts are writes to an object that has changed since.
func (r *requests) conflicts() int {
	return r.count(func(c call) bool { return c.code == http.StatusConflict })
}

// errors are all others. Before it creates an object, the operator may ask whether there is one; the right to run commands, which
// nobody has granted here, is asked for, and refused, again and again.
func (r *requests) errors() int {
	return r.count(func(c call) bool {
		absent := c.code == http.StatusNotFound && c.verb == "get"
		return c.code >= http.StatusBadRequest && c.code != http.StatusConflict && !absent && c.resource != "pods/exec"
	})
}

// readsButWatches are those that the operator should not make at rest.
func (r *requests) readsButWatches() int {
	return r.count(func(c call) bool { return c.verb == "get" && c.resource != "pods/exec" || c.verb == "list" })
}

// String has a line a kind of request, the most frequent first.
func (r *requests) String() string {
	calls := make([]call, 0, len(r.operator))
	for made := range r.operator {
		calls = append(calls, made)
	}
	slices.SortFunc(calls, func(a, b call) int { return r.operator[b] - r.operator[a] })
	var text strings.Builder
	for _, made := range calls {
		fmt.Fprintf(&text, "%6d %s %s %d\n", r.operator[made], made.verb, made.resource, made.code)
	}
	return text.String()
}
