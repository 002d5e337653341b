// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ego_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/internal/ego"
)

// fixture is an output of the product's. Those of resource list and service list were seen; of alloc list and soamview,
// only what the parsers look for is documented, and the rest is made up.
func fixture(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func known(value float64) ego.Reading { return ego.Reading{Value: value, Known: true} }

func TestParseHosts(t *testing.T) {
	g := NewWithT(t)
	hosts, err := ego.ParseHosts(fixture(t, "resource-list-ll.csv"))
	g.Expect(err).NotTo(HaveOccurred())
	states := map[string]ego.State{}
	for _, host := range hosts {
		states[host.Name] = host.State
	}
	g.Expect(states).To(Equal(map[string]ego.State{
		"hpc-symphony-primary-0.dnsworker.com": ego.StateOK,
		"hpc-symphony-worker-0.dnsworker.com":  ego.StateOK,
		"hpc-symphony-worker-1.dnsworker.com":  ego.StateClosed,
		"hpc-symphony-worker-2.dnsworker.com":  ego.StateUnavailable,
		"WINHOST":                              ego.StateUnavailable,
	}))
	g.Expect(hosts[2].Load).To(Equal(ego.Load{
		Memory: known(15 << 30), Swap: known(0), Tmp: known(65 << 30), CPU: known(1), IdleMinutes: known(11),
		Paging: known(0), Run1m: known(2.5), Run15s: known(3), Run15m: known(1.1), Logins: known(1),
	}))
	g.Expect(hosts[3].Load).To(Equal(ego.Load{}))
	g.Expect(hosts[4].Status).To(Equal("-"))
}

func TestParseHostsWithChosenColumns(t *testing.T) {
	g := NewWithT(t)
	hosts, err := ego.ParseHosts(fixture(t, "resource-list-ll-o.csv"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hosts).To(Equal([]ego.Host{{Name: "symphony-worker-0", State: ego.StateOK, Status: "ok"}}))
}

func TestParseHostsByTheNamesOfColumns(t *testing.T) {
	g := NewWithT(t)
	hosts, err := ego.ParseHosts("\"ut\",\"new\",\"STATUS\",\"name\"\r\n\"*3%\",\"x\",\"Closed\",\"a\"\r\n\"4%\",\"\",\"locked\",\"b\"")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hosts).To(Equal([]ego.Host{
		{Name: "a", State: ego.StateClosed, Status: "Closed"},
		{Name: "b", State: ego.StateUnknown, Status: "locked", Load: ego.Load{CPU: known(0.04)}},
	}))
}

func TestParseHostsRefuses(t *testing.T) {
	const header = `"NAME","status"` + "\n"
	for name, text := range map[string]string{
		"nothing":                   "",
		"an empty line":             "\n",
		"a table for people":        "NAME     status\nhost     ok\n",
		"no status":                 "\"NAME\",\"mem\"\n\"a\",\"1G\"\n",
		"two columns of one name":   "\"NAME\",\"status\",\"Status\"\n\"a\",\"ok\",\"ok\"\n",
		"a sentence first":          "Warning: the licence expires\n" + header + "\"a\",\"ok\"\n",
		"a sentence last":           header + "\"a\",\"ok\"\nNo more resources\n",
		"too few fields":            header + "\"a\"\n",
		"too many fields":           header + "\"a\",\"ok\",\"ok\"\n",
		"half a line":               header + "\"a\",\"o",
		"a quote that does not end": header + "\"a\",\"ok\n",
		"a quote inside":            header + "\"a\",\"o\"k\"\n",
		"no quotes":                 header + "a,ok\n",
		"spaces between":            header + "\"a\", \"ok\"\n",
		"an empty line between":     header + "\n\"a\",\"ok\"\n",
		"an empty name":             header + "\"\",\"ok\"\n",
		"a cut name":                header + "\"hpcc-sy*\",\"ok\"\n",
		"an option as a name":       header + "\"-reclaim\",\"ok\"\n",
		"a host twice":              header + "\"a\",\"ok\"\n\"A\",\"closed\"\n",
		"a control character":       header + "\"a\",\"ok\x00\"\n",
		"no UTF-8":                  header + "\"a\",\"ok\xff\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			hosts, err := ego.ParseHosts(text)
			NewWithT(t).Expect(err).To(MatchError(ego.ErrNotUnderstood))
			NewWithT(t).Expect(hosts).To(BeNil())
		})
	}
}

func TestParseAllocations(t *testing.T) {
	g := NewWithT(t)
	allocations, err := ego.ParseAllocations(fixture(t, "alloc-list-ll.csv"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(allocations).To(HaveLen(4))
	g.Expect(allocations[1]).To(Equal(ego.Allocation{
		ID: "17", Client: "SSM_symping7.3.2", Consumer: "/SampleApplications/SOASamples", Group: "ComputeHosts",
		Slots: 2, Places: []string{"HPC-SYMPHONY-WORKER-0.dnsworker.com"},
	}))
	// The columns that are not documented can be any, and a field can name several hosts.
	allocations, err = ego.ParseAllocations(`"ALLOC","CLIENT","CONSUMER","RGROUP","X","ALLOCATED","Y"` + "\n" +
		`"1","c","/","g","a(2) 3*b.example.com","5","-"` + "\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(allocations[0].Places).To(Equal([]string{"a", "2", "3", "b.example.com"}))

	none, err := ego.ParseAllocations(`"ALLOC","CLIENT","CONSUMER","RGROUP","RESOURCE","ALLOCATED"` + "\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none).To(BeEmpty())
}

func TestParseAllocationsRefuses(t *testing.T) {
	const header = `"ALLOC","CLIENT","CONSUMER","RGROUP","RESOURCE","ALLOCATED"` + "\n"
	for name, text := range map[string]string{
		"nothing":             "",
		"other columns":       "\"ACTIVITY\",\"STATE\"\n\"1\",\"RUN\"\n",
		"no count":            header + `"1","c","/","g","a",""`,
		"a negative count":    header + `"1","c","/","g","a","-1"`,
		"a count and a unit":  header + `"1","c","/","g","a","2 slots"`,
		"a count beyond all":  header + `"1","c","/","g","a","99999999999999999999"`,
		"services, no header": fixture(t, "service-list-ll.csv"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ego.ParseAllocations(text)
			NewWithT(t).Expect(err).To(MatchError(ego.ErrNotUnderstood))
		})
	}
}

func TestParseApplications(t *testing.T) {
	g := NewWithT(t)
	applications, err := ego.ParseApplications(fixture(t, "soamview-app.txt"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(applications).To(Equal([]ego.Application{
		{Name: "symping7.3.2", Enabled: true}, {Name: "SampleAppCPP"},
	}))
	applications, err = ego.ParseApplications("No applications found\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(applications).To(BeEmpty())
	for _, text := range []string{
		"", "NAME STATUS\na enabled\n", "APPLICATION STATUS\na\n", "APPLICATION STATUS\na maybe\n",
		"APPLICATION STATUS\n-a enabled\n", "APPLICATION STATUS\nNo applications found\n",
	} {
		_, err := ego.ParseApplications(text)
		g.Expect(err).To(MatchError(ego.ErrNotUnderstood), text)
	}
}

func TestParseWorkload(t *testing.T) {
	g := NewWithT(t)
	text := fixture(t, "soamview-app-l.txt")
	workload, err := ego.ParseWorkload(text)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(workload).To(Equal(ego.Workload{
		Application: "symping7.3.2", Enabled: true, Consumer: "/SymTesting/Symping732", Pending: 5, Running: 3, Done: 120, Occupied: 4, Unused: 1,
	}))
	g.Expect(workload.Busy()).To(Equal(3))
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "SSM") || strings.HasPrefix(line, "Consumer") {
			continue
		}
		_, err := ego.ParseWorkload(strings.Replace(text, line, "", 1))
		g.Expect(err).To(MatchError(ego.ErrNotUnderstood), "without "+line)
		_, err = ego.ParseWorkload(text + line)
		g.Expect(err).To(MatchError(ego.ErrNotUnderstood), "twice "+line)
	}
}
