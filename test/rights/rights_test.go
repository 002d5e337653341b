// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/rights"
)

const (
	manager = "system:serviceaccount:system:manager"
	agent   = "system:serviceaccount:system:agent"
)

// role is a manifest of a role with one rule, bound to the manager.
func role(kind, namespace, rule string) string {
	where := ""
	if namespace != "" {
		where = ", namespace: " + namespace
	}
	binding := kind + "Binding"
	return fmt.Sprintf(`---
apiVersion: rbac.authorization.k8s.io/v1
kind: %[1]s
metadata: {name: it%[2]s}
rules: [%[3]s]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: %[4]s
metadata: {name: it%[2]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %[1]s, name: it}
subjects: [{kind: ServiceAccount, name: manager, namespace: system}, {kind: User, name: manager}]
`, kind, where, rule, binding)
}

func clusterRole(rule string) string { return role("ClusterRole", "", rule) }

// line is a line of an audit log.
func line(user, verb, about string, code int, more string) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete",`+
		`"verb":%q,"user":{"username":%q},"objectRef":%s,"responseStatus":{"code":%d%s}`, verb, user, about, code, more)
}

func done(verb, about string) string { return line(manager, verb, about, 200, "") + "}" }

const (
	aPod      = `{"resource":"pods","namespace":"grid","name":"a","apiVersion":"v1"}`
	podsThere = `{"resource":"pods","namespace":"grid","apiVersion":"v1"}`
	allPods   = `{"resource":"pods","apiVersion":"v1"}`
	aLease    = `{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"grid","name":"it"}`
	aCommand  = `{"resource":"pods","subresource":"exec","namespace":"grid","name":"a"}`
)

func compared(t *testing.T, manifests string, lines ...string) (unused []string, log *rights.Log) {
	t.Helper()
	g := NewWithT(t)
	grants, err := rights.Grants(strings.NewReader(manifests), manager, agent)
	g.Expect(err).NotTo(HaveOccurred())
	log, err = rights.Read(strings.NewReader(strings.Join(lines, "\n")), manager, agent)
	g.Expect(err).NotTo(HaveOccurred())
	found := rights.Unused(grants, log.Done)
	for i := range found {
		unused = append(unused, found[i].String())
	}
	return unused, log
}

func TestARightThatNobodyUsesIsFound(t *testing.T) {
	pods := `{apiGroups: [""], resources: [pods], verbs: [get, list]}`
	by := manager + " by ClusterRole it: "
	for name, c := range map[string]struct {
		manifests string
		lines     []string
		unused    []string
	}{
		"all are used":           {clusterRole(pods), []string{done("get", aPod), done("list", allPods)}, nil},
		"a verb is not":          {clusterRole(pods), []string{done("get", aPod)}, []string{by + "list pods everywhere"}},
		"nothing was asked":      {clusterRole(pods), nil, []string{by + "get pods everywhere", by + "list pods everywhere"}},
		"it was not found":       {clusterRole(pods), []string{line(manager, "get", aPod, 404, "") + "}", done("list", podsThere)}, nil},
		"another account did it": {clusterRole(pods), []string{line(agent, "get", aPod, 200, "") + "}", done("list", allPods)}, []string{by + "get pods everywhere"}},
		"somebody did it in its name": {
			clusterRole(pods),
			[]string{line("admin", "get", aPod, 200, `},"impersonatedUser":{"username":"`+manager+`"`) + "}", done("list", allPods)},
			[]string{by + "get pods everywhere"},
		},
		"a resource of another group": {
			clusterRole(`{apiGroups: [apps], resources: [pods], verbs: [get]}`), []string{done("get", aPod)}, []string{by + "get pods.apps everywhere"},
		},
		"a subresource is another right": {
			clusterRole(`{apiGroups: [""], resources: [pods, pods/exec], verbs: [get]}`), []string{done("get", aPod)}, []string{by + "get pods/exec everywhere"},
		},
		"one object, and another one": {
			clusterRole(`{apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [it, other], verbs: [get]}`),
			[]string{done("get", aLease)},
			[]string{by + "get leases.coordination.k8s.io other everywhere"},
		},
		"a role of a namespace, used elsewhere": {
			role("Role", "other", pods),
			[]string{done("get", aPod), done("list", podsThere)},
			[]string{manager + " by Role other/it: get pods in other", manager + " by Role other/it: list pods in other"},
		},
		"a role of a namespace": {role("Role", "grid", pods), []string{done("get", aPod), done("list", podsThere)}, nil},
		"a wider one beside it": {
			role("Role", "grid", pods) + clusterRole(pods),
			[]string{done("get", aPod), done("list", podsThere), done("list", allPods)},
			[]string{by + "get pods everywhere"},
		},
		"one that is given twice": {
			clusterRole(`{apiGroups: ["", ""], resources: [pods], verbs: [get]}`), []string{done("get", aPod)}, []string{by + "get pods everywhere"},
		},
		"an apply that changes": {
			clusterRole(`{apiGroups: [""], resources: [pods], verbs: [create, patch]}`), []string{done("patch", aPod)}, []string{by + "create pods everywhere"},
		},
		"an apply that creates": {
			clusterRole(`{apiGroups: [""], resources: [pods], verbs: [create, patch]}`), []string{line(manager, "patch", aPod, 201, "") + "}"}, nil,
		},
		"a command by WebSocket": {
			clusterRole(`{apiGroups: [""], resources: [pods/exec], verbs: [get, create]}`), []string{line(manager, "get", aCommand, 101, "") + "}"}, nil,
		},
		"an informer that watches from the beginning": {
			clusterRole(`{apiGroups: [""], resources: [pods], verbs: [list, watch]}`),
			[]string{line(manager, "watch", allPods, 200, `},"requestURI":"/api/v1/pods?sendInitialEvents=true&watch=true","annotations":{"a":"b"`) + "}"},
			nil,
		},
		"an informer that goes on": {
			clusterRole(`{apiGroups: [""], resources: [pods], verbs: [list, watch]}`),
			[]string{line(manager, "watch", allPods, 200, `},"requestURI":"/api/v1/pods?watch=true","annotations":{"a":"b"`) + "}"},
			[]string{by + "list pods everywhere"},
		},
		"a role that nobody is bound to": {
			strings.ReplaceAll(clusterRole(pods), "name: manager, namespace: system", "name: somebody, namespace: system"), nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			unused, log := compared(t, c.manifests, c.lines...)
			NewWithT(t).Expect(unused).To(Equal(c.unused))
			NewWithT(t).Expect(log.Refused).To(BeEmpty())
		})
	}
}

// The sample's RoleBinding names no namespace: it counts in the one that it is applied to.
func TestABindingWithoutANamespaceCountsInSomeNamespace(t *testing.T) {
	manifests := strings.ReplaceAll(clusterRole(`{apiGroups: [""], resources: [pods], verbs: [list]}`), "kind: ClusterRoleBinding", "kind: RoleBinding")
	unused, _ := compared(t, manifests, done("list", podsThere))
	NewWithT(t).Expect(unused).To(BeEmpty())
	unused, _ = compared(t, manifests, done("list", allPods))
	NewWithT(t).Expect(unused).To(HaveExactElements(manager + " by ClusterRole it: list pods in the namespace of its binding"))
}

func TestRefusalsAreFound(t *testing.T) {
	cannot := fmt.Sprintf(`,"message":"pods is forbidden: User \"%s\" cannot list resource \"pods\""`, manager)
	forbid, allow := `},"annotations":{"authorization.k8s.io/decision":"forbid"`, `},"annotations":{"authorization.k8s.io/decision":"allow"`
	for name, c := range map[string]struct {
		line    string
		refused bool
	}{
		"by its roles":                       {line(manager, "list", allPods, 403, cannot+forbid), true},
		"a second right on the way":          {line(manager, "patch", aPod, 403, cannot+allow), true},
		"by a quota":                         {line(manager, "create", aPod, 403, `,"message":"exceeded quota"`+allow), false},
		"of somebody else":                   {line("system:serviceaccount:system:manager-2", "list", allPods, 403, forbid), false},
		"of somebody else, about the first":  {line("admin", "list", allPods, 403, cannot+forbid), false},
		"of nothing that roles of kinds say": {line(manager, "get", "null", 403, forbid), false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, log := compared(t, "", c.line+"}", c.line+"}")
			if !c.refused {
				g.Expect(log.Refused).To(BeEmpty())
				return
			}
			g.Expect(log.Refused).To(HaveLen(1), "each once")
			g.Expect(log.Refused[0].Message).To(ContainSubstring("cannot list"))
			g.Expect(log.Done).To(BeEmpty())
		})
	}
}

func TestWhatIsAllowedAtAnotherTimeIsNoMissingRight(t *testing.T) {
	refused := func(about string) string {
		return line(manager, "get", about, 403, `},"annotations":{"authorization.k8s.io/decision":"forbid"`) + "}"
	}
	another := strings.ReplaceAll(aPod, `"name":"a"`, `"name":"b"`)
	elsewhere := strings.ReplaceAll(aPod, `"namespace":"grid"`, `"namespace":"other"`)
	_, log := compared(t, "", refused(another), refused(elsewhere), refused(aLease), done("get", aPod))
	g := NewWithT(t)
	g.Expect(log.Refused).To(HaveLen(2))
	g.Expect(log.Refused).To(ConsistOf(HaveField("Namespace", "other"), HaveField("Resource", "leases")))
}

func TestSecretsAreFound(t *testing.T) {
	for name, code := range map[string]int{"read": 200, "refused": 403, "not there": 404} {
		t.Run(name, func(t *testing.T) {
			_, log := compared(t, "", line(agent, "get", `{"resource":"secrets","namespace":"grid","name":"admin"}`, code, "")+"}")
			g := NewWithT(t)
			g.Expect(log.OfSecrets).To(HaveLen(1))
			g.Expect(log.OfSecrets[0].String()).To(Equal(agent + ": get secrets admin in grid"))
		})
	}
}

func TestWhatCannotBeComparedIsAnError(t *testing.T) {
	for name, manifests := range map[string]string{
		"all verbs":     clusterRole(`{apiGroups: [""], resources: [pods], verbs: ["*"]}`),
		"all resources": clusterRole(`{apiGroups: [""], resources: ["*"], verbs: [get]}`),
		"all groups":    clusterRole(`{apiGroups: ["*"], resources: [pods], verbs: [get]}`),
		"paths":         clusterRole(`{nonResourceURLs: [/metrics], verbs: [get]}`),
		"another role":  strings.ReplaceAll(clusterRole(""), "name: it}\nsubjects", "name: cluster-admin}\nsubjects"),
		"no manifest":   "a: b: c",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rights.Grants(strings.NewReader(manifests), manager)
			NewWithT(t).Expect(err).To(HaveOccurred())
		})
	}
	_, err := rights.Read(strings.NewReader(`{"user": "`+manager), manager)
	NewWithT(t).Expect(err).To(HaveOccurred(), "a log that is cut off")
}

func TestExceptionsAreUsedOrIdle(t *testing.T) {
	g := NewWithT(t)
	grants := []rights.Grant{
		{Account: manager, Right: rights.Right{Resource: "pods/exec", Verb: "create"}}, {Account: agent, Right: rights.Right{Resource: "pods", Verb: "get"}},
	}
	of := func(grant *rights.Grant) (string, rights.Right) { return grant.Account, grant.Right }
	exceptions := []rights.Exception{
		{Account: "manager", Right: "create pods/exec", Because: "a proxy lets no WebSocket through"},
		{Account: "manager", Right: "get pods", Because: "that is another account's"},
	}
	left, idle := rights.Except(grants, exceptions, of)
	g.Expect(left).To(Equal(grants[1:]))
	g.Expect(idle).To(Equal(exceptions[1:]))
}
