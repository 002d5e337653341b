// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
	"github.com/symphony-operator/symphony-operator/internal/ego"
	"github.com/symphony-operator/symphony-operator/test/oracle"
)

// Phase is how a write fails.
type Phase string

// The phases. A crash ends the operator: a new one, with empty memory, goes on.
const (
	// CrashBefore is a crash before the write reached the server.
	CrashBefore Phase = "crash-before"
	// CrashAfter is a crash after it was committed, before the answer was read.
	CrashAfter Phase = "crash-after"
	// Lost is a write that was committed and whose answer was lost.
	Lost Phase = "lost"
	// Late is a write that the operator has given up, and that is committed after its next pass all the same.
	Late Phase = "late"
	// Refused is a write that is refused with all of the HTTP statuses below, one after the other.
	Refused Phase = "refused"
	// The others are refused with the HTTP status of that name, and EGO's commands with what comes nearest.
	Conflict  Phase = "409"
	Throttled Phase = "429"
	Broken    Phase = "500"
	Forbidden Phase = "403"
	Invalid   Phase = "422"
)

// Phases are those of one write.
var Phases = []Phase{CrashBefore, CrashAfter, Lost, Late, Refused}

// refusals are those of Refused, in their order: the last two are tried again after a minute only.
var refusals = []Phase{Conflict, Throttled, Broken, Forbidden, Invalid}

// Fault is what goes wrong with the operator's writes.
type Fault struct {
	// Write is the text of the write that fails, "" for none, and Occurrence says which of those that read the same, from 1: pods are
	// written to side by side, in any order.
	Write      string
	Occurrence int
	// Times is how often it fails in a row; 0 is once.
	Times int
	Phase Phase
	// Choose says of every write how it fails, "" if it does not, instead of all this.
	Choose func(*Write) Phase
}

// times is how many writes in a row fail.
func (f *Fault) times() int {
	switch {
	case f.Times > 0:
		return f.Times
	case f.Phase == Refused:
		return len(refusals)
	default:
		return 1
	}
}

// Write is a request to the API server that changes something, or one of EGO's commands that do.
type Write struct {
	oracle.Write

	// Command is EGO's, "" for a request.
	Command string
	// Failed is how it was made to fail, "" if it was not.
	Failed Phase
	// At is when it was made, on the test's clock.
	At time.Time
	// would are breaches if it is committed.
	would []Breach
	// Answer has the identity of the object in the API server's answer.
	Answer metav1.PartialObjectMetadata
}

// committed reports whether the API server has taken it.
func (w *Write) committed() bool { return w.Code >= 200 && w.Code < 300 }

// String is short and without random names.
func (w *Write) String() string {
	if w.Command != "" {
		return w.Command
	}
	path := strings.TrimPrefix(w.Path, "/apis/"+v1alpha1.SchemeGroupVersion.String()+"/")
	if _, inNamespace, is := strings.Cut(w.Path, "/namespaces/"); is {
		_, path, _ = strings.Cut(inNamespace, "/")
	}
	return w.Method + " " + podSuffix.ReplaceAllString(path, "$1-*")
}

// meantFor is the UID of what a delete is to delete.
func (w *Write) meantFor() types.UID {
	body := &metav1.DeleteOptions{}
	if json.Unmarshal([]byte(w.Body), body) != nil || body.Preconditions == nil || body.Preconditions.UID == nil {
		return ""
	}
	return *body.Preconditions.UID
}

// ErrCrashed is what an operator gets that was killed.
var ErrCrashed = errors.New("the operator was killed")

// way is how one operator process reaches the API server and EGO. Writes go one after the other.
type way struct {
	fault Fault
	next  http.RoundTripper
	// sent is told of every write before anybody has acted on it, answered with its answer.
	sent, answered func(*Write)

	mu    sync.Mutex
	count int
	dead  bool
	late  []func()
}

// RoundTrip implements http.RoundTripper.
func (w *way) RoundTrip(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, ErrCrashed
	}
	if !oracle.IsWrite(request) {
		return w.next.RoundTrip(request)
	}
	body, err := readAll(request.Body)
	if err != nil {
		return nil, err
	}
	write := &Write{Write: oracle.Write{Method: request.Method, Path: request.URL.Path, Body: body}}
	var response *http.Response
	send := func(ctx context.Context) (err error) {
		again := request.Clone(ctx)
		again.Body = io.NopCloser(strings.NewReader(body))
		response, err = w.next.RoundTrip(again) //nolint:bodyclose // It is replaced below, and goes to the client.
		if err != nil {
			return err
		}
		answer, err := readAll(response.Body)
		response.Body = io.NopCloser(strings.NewReader(answer))
		write.Code = response.StatusCode
		_ = json.Unmarshal([]byte(answer), &write.Answer) // An answer without metadata has no identity.
		return err
	}
	if err := w.do(request.Context(), write, send); err != nil {
		if refused := refusal(write, err); refused != nil {
			return refused, nil
		}
		return nil, err
	}
	return response, nil
}

// do numbers a write and does it, unless it is the one that fails. The lock is held.
func (w *way) do(ctx context.Context, write *Write, send func(context.Context) error) error {
	write.Failed = w.phase(write)
	w.sent(write)
	defer w.answered(write)
	switch write.Failed {
	case "":
		return send(ctx)
	case CrashBefore:
		w.dead = true
		return ErrCrashed
	case CrashAfter:
		w.dead = true
		_ = send(context.WithoutCancel(ctx))
		return ErrCrashed
	case Lost:
		_ = send(ctx)
		return context.DeadlineExceeded
	case Late:
		later := context.WithoutCancel(ctx)
		w.late = append(w.late, func() { _ = send(later); w.answered(write) })
		return context.DeadlineExceeded
	default:
		return errRefused
	}
}

var errRefused = errors.New("refused")

// phase is how a write fails, "" if it does not.
func (w *way) phase(write *Write) Phase {
	if w.fault.Choose != nil {
		return w.fault.Choose(write)
	}
	if w.fault.Write != write.String() {
		return ""
	}
	w.count++
	times := w.count - w.fault.Occurrence
	switch {
	case times < 0 || times >= w.fault.times():
		return ""
	case w.fault.Phase == Refused:
		return refusals[min(times, len(refusals)-1)]
	default:
		return w.fault.Phase
	}
}

// refusal is the API server's answer of a phase, nil for another error.
func refusal(write *Write, err error) *http.Response {
	if !errors.Is(err, errRefused) {
		return nil
	}
	resource := schema.GroupResource{Resource: "things"}
	var status *apierrors.StatusError
	switch write.Failed {
	case Conflict:
		status = apierrors.NewConflict(resource, "it", errors.New("by the test"))
	case Forbidden:
		status = apierrors.NewForbidden(resource, "it", errors.New("by the test"))
	case Invalid:
		status = apierrors.NewInvalid(schema.GroupKind{Kind: "Thing"}, "it", field.ErrorList{field.Invalid(field.NewPath("spec"), "it", "by the test")})
	case Throttled:
		status = apierrors.NewTooManyRequestsError("by the test")
	default:
		status = apierrors.NewInternalError(errors.New("by the test"))
	}
	write.Code = int(status.ErrStatus.Code)
	status.ErrStatus.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	body, _ := json.Marshal(status.ErrStatus) //nolint:errchkjson // It is a plain struct.
	return &http.Response{
		StatusCode: write.Code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}

// readAll reads a body to its end, and closes it.
func readAll(body io.ReadCloser) (string, error) {
	if body == nil {
		return "", nil
	}
	data, err := io.ReadAll(body)
	_ = body.Close()
	if err != nil {
		return "", fmt.Errorf("reading a body: %w", err)
	}
	return string(data), nil
}

// faultyEGO numbers commands that change something with the requests.
type faultyEGO struct {
	ego.EGO

	way *way
}

func (e *faultyEGO) change(ctx context.Context, command string, hosts []string, send func(context.Context) error) error {
	e.way.mu.Lock()
	defer e.way.mu.Unlock()
	if e.way.dead {
		return ErrCrashed
	}
	write := &Write{Command: fmt.Sprintf("egosh resource %s of %d", command, len(hosts))}
	err := e.way.do(ctx, write, send)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: by the test", ego.ErrUnreachable)
	case !errors.Is(err, errRefused):
		return err
	}
	switch write.Failed {
	case Forbidden:
		return fmt.Errorf("%w: by the test", ego.ErrForbidden)
	case Invalid:
		return fmt.Errorf("%w: by the test", ego.ErrRefused)
	case Conflict:
		return fmt.Errorf("%w: by the test", ego.ErrNotUnderstood)
	default:
		return fmt.Errorf("%w: by the test", ego.ErrUnreachable)
	}
}

// Hosts is not answered to the dead.
func (e *faultyEGO) Hosts(ctx context.Context) ([]ego.Host, error) {
	e.way.mu.Lock()
	dead := e.way.dead
	e.way.mu.Unlock()
	if dead {
		return nil, ErrCrashed
	}
	return e.EGO.Hosts(ctx)
}

func (e *faultyEGO) Close(ctx context.Context, hosts []string, options ego.CloseOptions) error {
	command := "close"
	if options.Reclaim {
		command = "close -reclaim"
	}
	return e.change(ctx, command, hosts, func(ctx context.Context) error { return e.EGO.Close(ctx, hosts, options) })
}

func (e *faultyEGO) Open(ctx context.Context, hosts []string) error {
	return e.change(ctx, "open", hosts, func(ctx context.Context) error { return e.EGO.Open(ctx, hosts) })
}

func (e *faultyEGO) Remove(ctx context.Context, hosts []string) error {
	return e.change(ctx, "remove", hosts, func(ctx context.Context) error { return e.EGO.Remove(ctx, hosts) })
}

// takeLate takes what is late away, to be done after the next pass.
func (w *way) takeLate() []func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	late := w.late
	w.late = nil
	return late
}
