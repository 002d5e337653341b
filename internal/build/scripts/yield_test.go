// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scripts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/layout"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// yielded is the last word of a master that was asked to end.
const yielded = "A newer master asked for the shared directory: EGO was stopped here.\n"

// yielding is long enough for two renewals, a stop and a start on a slow machine.
const yielding = 2 * symsimtest.Deadline

// hadItsTurn has the directory remember that the pod held the lease: it waits, and does not ask.
func (c *container) hadItsTurn(number int) {
	c.t.Helper()
	c.Write(c.own(fmt.Sprintf("pod-%d-%s", number, c.variables["SYMPHONY_POD_UID"])), "held\n")
}

// yields waits for the end of a master that stops in order for another one.
func (c *container) yields(this *run) {
	c.t.Helper()
	c.g.Eventually(this.ended, yielding).Should(BeClosed())
	c.g.Expect(this.command.ProcessState.ExitCode()).To(BeZero())
	c.g.Expect(c.terminationMessage()).To(Equal(yielded))
	c.g.Expect(c.LIM()).To(BeZero())
	c.g.Expect(this.output.String()).To(And(
		ContainSubstring("asks for the shared directory\n"), ContainSubstring("the shared directory is released\n"), ContainSubstring(yielded)))
}

// neverTwo reads the simulator's own log: of all starts of EGO on the directory, each wrote its last before the next wrote its first.
func (c *container) neverTwo(starts int) {
	c.t.Helper()
	type span struct{ first, last string }
	spans := map[string]*span{}
	for line := range strings.Lines(c.Read(c.shared("symsim-writes.log"))) {
		fields := strings.Fields(line)
		when, err := time.Parse(time.RFC3339Nano, fields[0])
		c.g.Expect(err).NotTo(HaveOccurred())
		at := when.UTC().Format("2006-01-02T15:04:05.000000000")
		if spans[fields[1]] == nil {
			spans[fields[1]] = &span{first: at}
		}
		spans[fields[1]].last = at
	}
	c.g.Expect(spans).To(HaveLen(starts))
	var all []span
	for _, one := range spans {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b span) int { return strings.Compare(a.first, b.first) })
	for i := range len(all) - 1 {
		c.g.Expect(all[i].last < all[i+1].first).To(BeTrue(), "%v and %v", all[i], all[i+1])
	}
}

// Its node has lost its kubelet, say: it goes on, and Kubernetes has made another one.
func TestAMasterYieldsToANewerOne(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	first, second := sharing(t, share, "pod-1", layout.V712), sharing(t, share, "pod-2", layout.V712)
	for _, one := range []*container{first, second} {
		one.variables["SYMPHONY_LEASE_SECONDS"] = "15"
	}
	atFirst := first.startMaster()
	first.becomesReady()
	second.waitsForItsTurn(second.startMaster())
	first.yields(atFirst)
	g.Eventually(second.LIM, "7s").ShouldNot(BeZero(), "well before the lease would have expired")
	second.becomesReady()
	g.Expect(second.Read(second.own("lease"))).To(HavePrefix("epoch=2\nholder=pod-2\n"))

	// The kubelet is back: the container starts again, and waits.
	again := sharing(t, share, "pod-1", layout.V712)
	atAgain := again.startMaster()
	again.waitsForItsTurn(atAgain)
	g.Expect(atAgain.output.String()).To(ContainSubstring("this pod had its turn"))
	// However many pods there were since, it is not forgotten while it waits.
	g.Expect(os.Remove(again.own("pod-1-pod-1"))).To(Succeed())
	lim := second.LIM()
	g.Consistently(func() []int { return []int{again.LIM(), second.LIM()} }, "10s").Should(Equal([]int{0, lim}))
	g.Expect(again.Read(again.own("pod-1-pod-1"))).To(Equal("held\n"))
	g.Expect(second.Read(second.own("lease"))).To(HavePrefix("epoch=2\nholder=pod-2\n"))
	second.neverTwo(2)
}

// What others left or go on writing: only a newer one that lives is yielded to.
func TestWhomAMasterDoesNotYieldTo(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	first := sharing(t, newShare(t), "pod-1", layout.V712)
	first.Write(first.own("pod-3-older"), "1\n")
	first.Write(first.own("pod-9-ended-before"), "41\n")
	running := first.startMaster()
	first.becomesReady()
	g.Expect(first.own("pod-10-pod-1")).To(BeAnExistingFile())
	first.Write(first.own("pod-11-ended-since"), "1\n")
	first.Write(first.own("pod-12-arrived"), "")
	first.Write(first.own("pod-13-had-its-turn"), "held\n")
	count := 1
	g.Consistently(func() int {
		count++
		first.Write(first.own("pod-3-older"), strconv.Itoa(count)+"\n")
		return first.LIM()
	}, "6s", "300ms").ShouldNot(BeZero())
	g.Expect(running.output.String()).NotTo(ContainSubstring("asks for the shared directory"))

	first.Write(first.own("pod-11-ended-since"), "2\n")
	first.yields(running)

	// Who asked has died. The lease is free, and what is left of the request moves nobody.
	again := sharing(t, first.variables["SYMPHONY_SHARED_DIR"], "pod-1", layout.V712)
	atAgain := again.startMaster()
	again.becomesReady()
	g.Consistently(atAgain.ended, "4s").ShouldNot(BeClosed())
	again.neverTwo(2)
}

// An EGO that hangs is killed in the end; until then the lease is renewed.
func TestAMasterThatCannotStopInOrderYieldsAllTheSame(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	share := newShare(t)
	first, second := sharing(t, share, "pod-1", layout.V712), sharing(t, share, "pod-2", layout.V712)
	first.variables["SYMPHONY_STOP_SECONDS"] = "12"
	atFirst := first.startMaster()
	first.becomesReady()
	g.Expect(syscall.Kill(first.LIM(), syscall.SIGSTOP)).To(Succeed())
	second.startMaster()
	g.Eventually(atFirst.output.String, yielding).Should(ContainSubstring("stopping EGO"))
	g.Consistently(func() bool { return first.LIM() != 0 && second.LIM() == 0 }, "7s").Should(BeTrue(), "longer than a lease")
	first.yields(atFirst)
	second.becomesReady()
	second.neverTwo(2)
}

// slowly is a container that, when it starts again, leaves others more than a moment to take what it gave back.
func slowly(t *testing.T, share, pod string) *container {
	t.Helper()
	this := sharing(t, share, pod, layout.V712)
	this.variables["SYMPHONY_LEASE_SECONDS"] = "12"
	return this
}

// podOf is a pod on a node with a kubelet, which starts containers that have ended again.
type podOf struct {
	*container

	share   string
	running *run
}

func (p *podOf) keepRunning() {
	p.t.Helper()
	select {
	case <-p.running.ended:
		p.container = slowly(p.t, p.share, p.variables["SYMPHONY_POD_UID"])
		p.running = p.startMaster()
	default:
	}
}

// Each takes it from older ones only, and once: it ends with the one that came last.
func TestOfManyNewMastersTheLastOneStays(t *testing.T) {
	for name, old := range map[string]bool{"on an empty directory": false, "besides an old one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manyNewMasters(t, old)
		})
	}
}

func manyNewMasters(t *testing.T, old bool) {
	t.Helper()
	g := NewWithT(t)
	share := newShare(t)
	var pods []*podOf
	for i, uid := range []string{"pod-c", "pod-a", "pod-b"} {
		this := &podOf{container: slowly(t, share, uid), share: share}
		this.running = this.startMaster()
		if i == 0 && old {
			this.becomesReady()
		}
		pods = append(pods, this)
	}
	masters := func() (found []string) {
		for _, pod := range pods {
			pod.keepRunning()
			if pod.LIM() != 0 {
				found = append(found, pod.variables["SYMPHONY_POD_UID"])
			}
		}
		return found
	}
	g.Eventually(func() int { records, _ := filepath.Glob(pods[0].own("pod-[1-9]-pod-?")); return len(records) }, yielding).Should(Equal(3))
	last := pods[0].lastToCome()
	g.Eventually(masters, 2*yielding).Should(Equal([]string{last}))
	g.Consistently(masters, "8s").Should(Equal([]string{last}))
	starts := map[string]bool{}
	for line := range strings.Lines(pods[0].Read(pods[0].shared("symsim-writes.log"))) {
		starts[strings.Fields(line)[1]] = true
	}
	g.Expect(len(starts)).To(BeNumerically("<=", 3))
	pods[0].neverTwo(len(starts))
}

// lastToCome is the pod with the greatest number and, of several, the greatest name.
func (c *container) lastToCome() string {
	records, err := filepath.Glob(c.own("pod-[1-9]-pod-?"))
	c.g.Expect(err).NotTo(HaveOccurred())
	_, uid, _ := strings.Cut(strings.TrimPrefix(filepath.Base(slices.Max(records)), "pod-"), "-")
	return uid
}

func TestPodsOfLongAgoAreForgotten(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master := sharing(t, newShare(t), "pod-1", layout.V712)
	for number := 1; number <= 60; number++ {
		master.Write(master.own(fmt.Sprintf("pod-%d-old", number)), "held\n")
	}
	master.startMaster()
	master.becomesReady()
	records, err := filepath.Glob(master.own("pod-*"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(records).To(HaveLen(50))
	g.Expect(master.own("pod-61-pod-1")).To(BeAnExistingFile())
	g.Expect(master.own("pod-12-old")).To(BeAnExistingFile())
}
