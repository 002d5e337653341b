// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

var pod = types.NamespacedName{Namespace: "default", Name: "prod-master-0"}

// answer is a Runner that says what it is told to.
type answer struct {
	stdout string
	err    error
	calls  [][]string
}

func (a *answer) Run(ctx context.Context, asked types.NamespacedName, args []string) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok || asked != pod {
		return nil, errors.New("no deadline, or another pod")
	}
	a.calls = append(a.calls, args)
	return []byte(a.stdout), a.err
}

func lists(t *testing.T) string {
	t.Helper()
	return fixture(t, "resource-list-ll.csv") + "symphony-operator: alloc list\n" + fixture(t, "alloc-list-ll.csv")
}

func TestHostsHaveTheirAllocations(t *testing.T) {
	g := NewWithT(t)
	runner := &answer{stdout: lists(t)}
	hosts, err := ego.New(runner, pod, 0).Hosts(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	slots := map[string]int{}
	for _, host := range hosts {
		slots[host.Name] = host.Slots()
	}
	g.Expect(slots).To(Equal(map[string]int{
		"hpc-symphony-primary-0.dnsworker.com": 1, "hpc-symphony-worker-0.dnsworker.com": 3,
		"hpc-symphony-worker-1.dnsworker.com": 4, "hpc-symphony-worker-2.dnsworker.com": 0, "WINHOST": 0,
	}))
	g.Expect(runner.calls).To(HaveLen(1))
	g.Expect(runner.calls[0][:2]).To(Equal([]string{"/bin/bash", "-c"}))
	g.Expect(runner.calls[0][3:]).To(Equal([]string{"symphony-operator", "30", "hosts"}))
}

func TestHostsAreUnknownUnlessAllIsUnderstood(t *testing.T) {
	const header = "\"ALLOC\",\"CLIENT\",\"CONSUMER\",\"RGROUP\",\"HOSTS\",\"ALLOCATED\"\n"
	for name, stdout := range map[string]string{
		"nothing":         "",
		"no allocations":  fixture(t, "resource-list-ll.csv"),
		"hosts cut":       fixture(t, "resource-list-ll.csv")[:300] + "symphony-operator: alloc list\n" + fixture(t, "alloc-list-ll.csv"),
		"allocations cut": strings.TrimSuffix(lists(t), "\"\n"),
		"no hosts named":  fixture(t, "resource-list-ll.csv") + "symphony-operator: alloc list\n" + header + `"1","c","/","g","2","2"`,
	} {
		t.Run(name, func(t *testing.T) {
			hosts, err := ego.New(&answer{stdout: stdout}, pod, 0).Hosts(t.Context())
			NewWithT(t).Expect(err).To(MatchError(ego.ErrNotUnderstood))
			NewWithT(t).Expect(hosts).To(BeNil())
		})
	}
}

func TestAllocationsOfHostsThatCannotBeToldApartAreOnBoth(t *testing.T) {
	g := NewWithT(t)
	hosts, err := ego.New(&answer{stdout: "\"NAME\",\"status\"\n\"e.one\",\"ok\"\n\"e.two\",\"ok\"\nsymphony-operator: alloc list\n" +
		"\"ALLOC\",\"CLIENT\",\"CONSUMER\",\"RGROUP\",\"RESOURCE\",\"ALLOCATED\"\n\"1\",\"c\",\"/\",\"g\",\"e\",\"2\"\n"}, pod, 0).Hosts(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect([]int{hosts[0].Slots(), hosts[1].Slots()}).To(Equal([]int{2, 2}))
}

func TestErrorsCarryThePolicy(t *testing.T) {
	for _, test := range []struct {
		err, want error
	}{
		{&ego.ExitError{Code: 71, Stderr: "EGO does not answer"}, ego.ErrUnreachable},
		{&ego.ExitError{Code: 72, Stderr: "no\npassword"}, ego.ErrRefused},
		{&ego.ExitError{Code: 73}, ego.ErrRefused},
		{&ego.ExitError{Code: 137}, ego.ErrUnreachable},
		{&ego.ExitError{Code: 1, Stderr: "bash: syntax error"}, ego.ErrUnreachable},
		{fmt.Errorf("%w: by the API server", ego.ErrForbidden), ego.ErrForbidden},
	} {
		g := NewWithT(t)
		client := ego.New(&answer{err: test.err}, pod, 0)
		_, err := client.Hosts(t.Context())
		g.Expect(err).To(MatchError(test.want))
		_, err = client.Applications(t.Context())
		g.Expect(err).To(MatchError(test.want))
		_, err = client.Workloads(t.Context())
		g.Expect(err).To(MatchError(test.want))
		g.Expect(client.Logon(t.Context())).To(MatchError(test.want))
		g.Expect(client.Open(t.Context(), []string{"a"})).To(MatchError(test.want))
		g.Expect(err.Error()).NotTo(ContainSubstring("\n"))
	}
}

func TestChanges(t *testing.T) {
	g := NewWithT(t)
	runner := &answer{}
	client := ego.New(runner, pod, 7*time.Second)
	g.Expect(client.Close(t.Context(), []string{"a", "b.one"}, ego.CloseOptions{Comment: "symphony-operator: scale-in"})).To(Succeed())
	g.Expect(client.Close(t.Context(), []string{"a"}, ego.CloseOptions{Reclaim: true})).To(Succeed())
	g.Expect(client.Open(t.Context(), []string{"a"})).To(Succeed())
	g.Expect(client.Remove(t.Context(), []string{"a"})).To(Succeed())
	g.Expect(client.Remove(t.Context(), nil)).To(Succeed())
	var said []string
	for _, call := range runner.calls {
		said = append(said, strings.Join(call[4:], "|"))
	}
	g.Expect(said).To(Equal([]string{
		"7|close|-b|-c|symphony-operator: scale-in|a|b.one", "7|close|-b|-reclaim|a", "7|open|a", "7|remove|a",
	}))
}

func TestNothingIsSentThatIsNotAHost(t *testing.T) {
	g := NewWithT(t)
	runner := &answer{}
	client := ego.New(runner, pod, 0)
	for _, name := range []string{"", "-b", "a b", "$(reboot)", "a;b"} {
		g.Expect(client.Close(t.Context(), []string{"a", name}, ego.CloseOptions{})).To(MatchError(ego.ErrRefused))
		g.Expect(client.Open(t.Context(), []string{name})).To(MatchError(ego.ErrRefused))
		g.Expect(client.Remove(t.Context(), []string{name})).To(MatchError(ego.ErrRefused))
	}
	for _, comment := range []string{"-reclaim", "two\nlines", "é", strings.Repeat("x", 1025)} {
		g.Expect(client.Close(t.Context(), []string{"a"}, ego.CloseOptions{Comment: comment})).To(MatchError(ego.ErrRefused))
	}
	g.Expect(runner.calls).To(BeEmpty())
}

func TestUnknownHostsAreNamed(t *testing.T) {
	for _, test := range []struct {
		name, stdout string
		err          error
		want         []string
		text         string
	}{
		{name: "status 0", stdout: "Resource <B> is not found\n", want: []string{"b"}},
		{
			name: "another status", stdout: "Resource <a> is not found\nResource <b> is not found\nNo resource found\n",
			err: &ego.ExitError{Code: 73}, want: []string{"a", "b"},
		},
		{
			name: "something else too", stdout: "Resource <b> is not found\nThe licence is gone\n",
			err: &ego.ExitError{Code: 73, Stderr: "egosh resource close failed"}, text: "The licence is gone",
		},
		{name: "a host that nobody asked for", stdout: "Resource <z> is not found\n", err: &ego.ExitError{Code: 73}, text: "<z>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			client := ego.New(&answer{stdout: test.stdout, err: test.err}, pod, 0)
			err := client.Close(t.Context(), []string{"a", "b"}, ego.CloseOptions{})
			g.Expect(err).To(MatchError(ego.ErrRefused))
			unknown, ok := errors.AsType[*ego.NotFoundError](err)
			g.Expect(ok).To(Equal(test.want != nil))
			if ok {
				g.Expect(unknown.Hosts).To(Equal(test.want))
			}
			g.Expect(err.Error()).To(ContainSubstring(test.text))
		})
	}
	// What EGO says when all went well is not documented, so it may be anything.
	client := ego.New(&answer{stdout: "Resource <a> is closed\n"}, pod, 0)
	NewWithT(t).Expect(client.Close(t.Context(), []string{"a"}, ego.CloseOptions{})).To(Succeed())
}

func TestManyHostsAreSeveralCommands(t *testing.T) {
	g := NewWithT(t)
	hosts := make([]string, 0, 1000)
	for i := range cap(hosts) {
		hosts = append(hosts, fmt.Sprintf("a-cluster-with-a-name-of-forty-characters-compute-%05d", i))
	}
	runner := &answer{}
	g.Expect(ego.New(runner, pod, 0).Close(t.Context(), hosts, ego.CloseOptions{Reclaim: true, Comment: "symphony-operator"})).To(Succeed())
	var sent []string
	for _, call := range runner.calls {
		query := url.Values{"command": call}.Encode()
		g.Expect(len(query)).To(BeNumerically("<", 7500), "an URL of a size that proxies let through")
		at := slices.Index(call, "symphony-operator")
		sent = append(sent, call[at+7:]...)
	}
	g.Expect(sent).To(Equal(hosts))
	g.Expect(len(runner.calls)).To(BeNumerically("<", 30))

	runner = &answer{err: &ego.ExitError{Code: 71}}
	g.Expect(ego.New(runner, pod, 0).Remove(t.Context(), hosts)).To(MatchError(ego.ErrUnreachable))
	g.Expect(runner.calls).To(HaveLen(1), "what follows would fail the same way")
}
