// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/symphony-operator/symphony-operator/internal/names"
	"github.com/symphony-operator/symphony-operator/test/rights"
)

const (
	weaveAccount = "symphony-weave-manager"
	operatorUser = "system:serviceaccount:" + operatorNamespace + ":" + operatorAccount
	weaveUser    = "system:serviceaccount:symphony-operator-weave:" + weaveAccount
	agentUser    = "system:serviceaccount:" + names.WeaveNamespace + ":" + names.WeaveAgents
)

// mayBeUnused are the rights that no spec makes anybody use for certain, and why they are there all the same.
var mayBeUnused = []rights.Exception{
	{Account: operatorAccount, Right: "get controllerrevisions.apps", Because: "only a kept template whose labels somebody took away is looked at: test/integration has that"},
	{Account: operatorAccount, Right: "create networkchecks.symphony-operator.io", Because: "only a cluster with network.check has one made: test/integration has that, where no machine's load decides what is measured"},
	{Account: operatorAccount, Right: "patch networkchecks.symphony-operator.io", Because: "only one that lost its owner is given it back: test/integration has that"},
	{Account: operatorAccount, Right: "patch events", Because: "only an event that comes again within minutes is counted up: it depends on how often the leader changes"},
	{Account: operatorAccount, Right: "patch events.events.k8s.io", Because: "the same"},
	{Account: weaveAccount, Right: "delete weavenodes.symphony-operator.io", Because: "only the report of a node that is gone, or was deselected, is deleted: no spec takes a node away"},
	{Account: weaveAccount, Right: "patch events", Because: "the same"},
	{Account: weaveAccount, Right: "patch events.events.k8s.io", Because: "the same"},
}

// mayBeRefused are the requests that specs have refused on purpose.
var mayBeRefused = []rights.Exception{
	{Account: operatorAccount, Right: "get pods/exec", Because: "a spec leaves out the RoleBinding of EGO's commands"},
}

// The local cluster's API server writes down whatever these accounts ask for; here it is held against their roles, once all
// specs have run. After a part of them, rights that were not used are only printed.
var _ = ReportAfterSuite("The accounts have the rights that they use, and no others", func(report Report) {
	log := auditLog()
	if log == "" || report.SuiteConfig.DryRun {
		return // another cluster
	}
	file, err := os.Open(log)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	read, err := rights.Read(file, operatorUser, weaveUser, agentUser)
	Expect(err).NotTo(HaveOccurred())
	Expect(read.Done).NotTo(BeEmpty(), "the log has what the accounts ask for")

	var manifests bytes.Buffer
	for _, part := range []string{"default", "weave", "samples"} {
		manifests.WriteString(operators.kubectl("kustomize", filepath.Join("..", "..", "config", part)) + "\n---\n")
	}
	grants, err := rights.Grants(&manifests, operatorUser, weaveUser, agentUser)
	Expect(err).NotTo(HaveOccurred())

	refused, _ := rights.Except(read.Refused, mayBeRefused, func(r *rights.Refusal) (string, rights.Right) {
		return r.Account, rights.Right{Group: r.Group, Resource: r.Resource, Verb: r.Verb}
	})
	unused, idle := rights.Except(rights.Unused(grants, read.Done), mayBeUnused, func(g *rights.Grant) (string, rights.Right) { return g.Account, g.Right })
	found := fmt.Sprintf("%d requests of %d kinds; of %d rights, no request used %d:\n%s", total(read.Done), len(read.Done), len(grants), len(unused), asLines(unused))
	GinkgoWriter.Println(found, "\nexceptions that were none:\n", asLines(idle))

	Expect(read.OfSecrets).To(BeEmpty(), "nobody asks for Secrets")
	Expect(refused).To(BeEmpty(), "a right is missing:\n%s", asLines(refused))
	if isWhole(&report) {
		Expect(unused).To(BeEmpty(), found)
	}
})

// auditLog is the local cluster's, "" on another cluster.
func auditLog() string {
	path := filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "audit.log")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// lastWrites says what the operator wrote last, where the local cluster's audit log has it: the counters tell no objects.
func lastWrites() string {
	data, err := os.ReadFile(auditLog())
	if err != nil {
		return "on a cluster without an audit log, nothing tells which"
	}
	var found []string
	for line := range bytes.Lines(data) {
		var event auditv1.Event
		if !bytes.Contains(line, []byte(operatorUser)) || json.Unmarshal(line, &event) != nil || event.ResponseStatus == nil {
			continue
		}
		if event.User.Username == operatorUser && (event.Verb == "patch" || event.Verb == "delete") {
			found = append(found, fmt.Sprintf("%s %s %s: %d", event.RequestReceivedTimestamp.UTC().Format(time.TimeOnly), event.Verb, event.RequestURI, event.ResponseStatus.Code))
		}
	}
	const enough = 20
	return fmt.Sprintf("at %s, the last writes are\n%s", time.Now().UTC().Format(time.TimeOnly), strings.Join(found[max(0, len(found)-enough):], "\n"))
}

// isWhole reports whether every spec has run, and passed.
func isWhole(report *Report) bool {
	part := &report.SuiteConfig
	return report.SuiteSucceeded && len(part.FocusStrings)+len(part.SkipStrings)+len(part.FocusFiles)+len(part.SkipFiles) == 0 && part.LabelFilter == "" &&
		!report.SuiteHasProgrammaticFocus
}

func total(done map[rights.Request]int) (all int) {
	for _, times := range done {
		all += times
	}
	return all
}

// asLines prints what its pointers can say of themselves, a line each.
func asLines[T any, P interface {
	*T
	fmt.Stringer
}](all []T) string {
	var text strings.Builder
	for i := range all {
		text.WriteString("  " + P(&all[i]).String() + "\n")
	}
	return text.String()
}
