// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// Log is what accounts asked for.
type Log struct {
	// Done counts the requests that roles allowed, whatever became of them afterwards.
	Done map[Request]int
	// Refused are those that no role allowed, each once. What was allowed at another time in the same namespace is left out: an API server
	// that has just started refuses everything for a moment, since it has not read the roles yet.
	Refused []Refusal
	// OfSecrets are all about Secrets, also those that were refused.
	OfSecrets []Request
}

// longestLine bounds a line of the log: at the level Metadata an event is some KB.
const longestLine = 4 << 20

// Read reads an audit log, a JSON event a line. Requests that somebody else makes in an account's name do not count.
func Read(log io.Reader, accounts ...string) (*Log, error) {
	read := &Log{Done: map[Request]int{}}
	refused := map[Request]bool{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		// Most lines are other people's: decoding them all would take minutes after a long run.
		if !slices.ContainsFunc(accounts, func(account string) bool { return strings.Contains(lines.Text(), account) }) {
			continue
		}
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("decoding %.100q: %w", lines.Text(), err)
		}
		if !slices.Contains(accounts, event.User.Username) || event.ImpersonatedUser != nil || event.ObjectRef == nil {
			continue
		}
		read.note(&event, refused)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	allowed := map[Request]bool{}
	for request := range read.Done {
		allowed[request.ofAnyName()] = true
	}
	read.Refused = slices.DeleteFunc(read.Refused, func(r Refusal) bool { return allowed[r.ofAnyName()] })
	return read, nil
}

func (r Request) ofAnyName() Request {
	r.Name = ""
	return r
}

func (l *Log) note(event *auditv1.Event, refused map[Request]bool) {
	request := requestOf(event)
	if event.ObjectRef.Resource == "secrets" {
		l.OfSecrets = append(l.OfSecrets, request)
	}
	if message, isRefused := refusal(event); isRefused {
		if !refused[request] {
			l.Refused = append(l.Refused, Refusal{Request: request, Message: message})
		}
		refused[request] = true
		return
	}
	l.Done[request]++
	if besides := alsoNeeds(event); besides != "" {
		request.Verb = besides
		l.Done[request]++
	}
}

func requestOf(event *auditv1.Event) Request {
	about := event.ObjectRef
	resource := about.Resource
	if about.Subresource != "" {
		resource += "/" + about.Subresource
	}
	return Request{
		Account: event.User.Username, Namespace: about.Namespace,
		Right: Right{Group: about.APIGroup, Resource: resource, Verb: event.Verb, Name: about.Name},
	}
}

// refusal reports whether no role allowed a request. A 403 of admission (a quota, Pod Security, a policy) says nothing about roles, nor
// // Where the API server asks for a second right on the way, the log has no decision about it, only the answer.
func refusal(event *auditv1.Event) (string, bool) {
	message := ""
	if event.ResponseStatus != nil {
		message = event.ResponseStatus.Message
	}
	byAnswer := event.ResponseStatus != nil && event.ResponseStatus.Code == http.StatusForbidden &&
		strings.Contains(message, `User "`+event.User.Username+`" cannot `)
	return message, byAnswer || event.Annotations["authorization.k8s.io/decision"] == "forbid"
}

// alsoNeeds is the verb that a request needs besides its own, "" if none: to create, for an apply of what was not there and, since
// Kubernetes 1.35, for a command that is run through a WebSocket; to list, for an informer that watches from the beginning: where the API
// server, or an older one, does not let it, the informer lists first.
func alsoNeeds(event *auditv1.Event) string {
	code := int32(0)
	if event.ResponseStatus != nil {
		code = event.ResponseStatus.Code
	}
	switch {
	case event.Verb == "patch" && code == http.StatusCreated, event.Verb == "get" && code == http.StatusSwitchingProtocols:
		return "create"
	case event.Verb == "watch" && strings.Contains(event.RequestURI, "sendInitialEvents=true"):
		return "list"
	default:
		return ""
	}
}
