// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
	"github.com/symphony-operator/symphony-operator/test/symsim/symsimtest"
)

// Thousands of hosts, all beating every second from one socket: the list keeps them all, and listing them is quick.
func TestThousandsOfHostsAreListed(t *testing.T) {
	g := NewWithT(t)
	const count = 3000
	master := newMaster(t, "m")
	master.Env = append(master.Env, "SYMSIM_UNAVAILABLE_AFTER=30s")
	startMaster(t, master)
	target := net.JoinHostPort(master.Address, strconv.Itoa(master.Version.BasePort))
	socket, err := (&net.Dialer{}).DialContext(t.Context(), "udp", target)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = socket.Close() }()

	g.Eventually(func(g Gomega) {
		for number := range count {
			beat, err := json.Marshal(wire.Beat{Cluster: "cluster1", Host: fmt.Sprintf("prod-compute-%04d", number)})
			g.Expect(err).NotTo(HaveOccurred())
			_, err = socket.Write(beat)
			g.Expect(err).NotTo(HaveOccurred())
		}
		g.Expect(statuses(master)).To(HaveLen(count + 1))
	}, symsimtest.Deadline).Should(Succeed())

	began := time.Now()
	found := statuses(master)
	g.Expect(time.Since(began)).To(BeNumerically("<", 2*time.Second))
	g.Expect(found).To(And(HaveLen(count+1), HaveKeyWithValue("prod-compute-2999", "ok")))
}
