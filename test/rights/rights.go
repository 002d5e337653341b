// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rights compares what accounts may do, by the roles of a manifest, with what they did, by an audit log of the API server:
// a right that nobody used is one too many, and a request that was refused is one too few.
package rights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Where a right counts, beside the name of a namespace.
const (
	// Everywhere is all namespaces, and what is in none.
	Everywhere = "*"
	// Anywhere is the namespace that a manifest without one is applied to.
	Anywhere = "?"
)

// Right is one verb on one kind of object.
type Right struct {
	Group string
	// Resource is the plural, with its subresource if it has one: pods/exec.
	Resource string
	Verb     string
	// Name is the object that it is limited to, "" for any.
	Name string
}

// Grant is a right that an account has, and by which role.
type Grant struct {
	// Account is a user's name, such as system:serviceaccount:NAMESPACE:NAME.
	Account string
	Role    string
	// Namespace is where it counts: Everywhere, Anywhere or a name.
	Namespace string
	Right
}

// Request is something that an account asked the API server for.
type Request struct {
	Account string
	// Namespace is "" for what is in none, and for lists of all namespaces.
	Namespace string
	Right
}

// Refusal is a request that no role allowed.
type Refusal struct {
	Request
	// Message has the API server's words.
	Message string
}

func (r Right) String() string {
	text := r.Verb + " " + r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Name != "" {
		text += " " + r.Name
	}
	return text
}

func (g *Grant) String() string {
	where := map[string]string{Everywhere: "everywhere", Anywhere: "in the namespace of its binding"}[g.Namespace]
	return fmt.Sprintf("%s by %s: %s %s", g.Account, g.Role, g.Right, cmp.Or(where, "in "+g.Namespace))
}

func (r *Refusal) String() string { return r.Request.String() + ": " + r.Message }

func (r *Request) String() string {
	where := "everywhere, or of no namespace"
	if r.Namespace != "" {
		where = "in " + r.Namespace
	}
	return fmt.Sprintf("%s: %s %s", r.Account, r.Right, where)
}

// covers reports whether a grant allows a request.
func (g *Grant) covers(r *Request) bool {
	if g.Account != r.Account || g.Group != r.Group || g.Resource != r.Resource || g.Verb != r.Verb {
		return false
	}
	if g.Name != "" && g.Name != r.Name {
		return false
	}
	switch g.Namespace {
	case Everywhere:
		return true
	case Anywhere:
		return r.Namespace != ""
	default:
		return g.Namespace == r.Namespace
	}
}

// width is how much a grant covers: one namespace less than all, one object less than all.
func (g *Grant) width() (namespaces, objects int) {
	switch g.Namespace {
	case Everywhere:
		namespaces = 2
	case Anywhere:
		namespaces = 1
	}
	if g.Name == "" {
		objects = 1
	}
	return namespaces, objects
}

func byWidth(a, b *Grant) int {
	namespacesOfA, objectsOfA := a.width()
	namespacesOfB, objectsOfB := b.width()
	return cmp.Or(cmp.Compare(namespacesOfA, namespacesOfB), cmp.Compare(objectsOfA, objectsOfB))
}

// Unused are the grants that no request needed. A request is put down to the narrowest grant that allows it: a wider one beside it
// is of no use, nor is one that is given twice.
func Unused(grants []Grant, done map[Request]int) []Grant {
	narrowest := make([]*Grant, 0, len(grants))
	for i := range grants {
		narrowest = append(narrowest, &grants[i])
	}
	slices.SortStableFunc(narrowest, byWidth)
	used := map[*Grant]bool{}
	for request := range done {
		for _, grant := range narrowest {
			if grant.covers(&request) {
				used[grant] = true
				break
			}
		}
	}
	var unused []Grant
	for i := range grants {
		if !used[&grants[i]] {
			unused = append(unused, grants[i])
		}
	}
	return unused
}

// Exception is a right that may be unused, or whose refusal is expected, and why.
type Exception struct {
	// Account ends with this; Right is as Right.String has it.
	Account, Right string
	Because        string
}

func (e *Exception) String() string { return e.Account + ": " + e.Right + ", because " + e.Because }

func (e *Exception) meets(account string, right Right) bool {
	return strings.HasSuffix(account, ":"+e.Account) && right.String() == e.Right
}

// Except takes out what exceptions meet, and returns the exceptions that met nothing: those are out of date.
func Except[T any](all []T, exceptions []Exception, of func(*T) (account string, right Right)) (left []T, idle []Exception) {
	met := make([]bool, len(exceptions))
	for i := range all {
		account, right := of(&all[i])
		at := slices.IndexFunc(exceptions, func(e Exception) bool { return e.meets(account, right) })
		if at < 0 {
			left = append(left, all[i])
			continue
		}
		met[at] = true
	}
	for i := range exceptions {
		if !met[i] {
			idle = append(idle, exceptions[i])
		}
	}
	return left, idle
}
