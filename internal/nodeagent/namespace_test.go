// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// inNamespace has the rest of the test in a network of its own. The thread is never given back: it ends with the test.
func inNamespace(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to have a network of its own")
	}
	runtime.LockOSThread()
	NewWithT(t).Expect(unix.Unshare(unix.CLONE_NEWNET)).To(Succeed())
}

func bridge(name string) *netlink.Bridge {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	return &netlink.Bridge{LinkAttrs: attributes}
}

func veth(name, peer string) *netlink.Veth {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	return &netlink.Veth{LinkAttrs: attributes, PeerName: peer}
}

// add adds a link that is up, with an address if there is one.
func add(t *testing.T, link netlink.Link, address string) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(netlink.LinkAdd(link)).To(Succeed(), link.Attrs().Name)
	added, err := netlink.LinkByName(link.Attrs().Name)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(netlink.LinkSetUp(added)).To(Succeed())
	if address != "" {
		parsed, err := netlink.ParseAddr(address)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(netlink.AddrAdd(added, parsed)).To(Succeed())
	}
}

func route(t *testing.T, destination, link string, kind int) {
	t.Helper()
	g := NewWithT(t)
	_, network, err := net.ParseCIDR(destination)
	g.Expect(err).NotTo(HaveOccurred())
	wanted := &netlink.Route{Dst: network, Type: kind}
	if link != "" {
		found, err := netlink.LinkByName(link)
		g.Expect(err).NotTo(HaveOccurred())
		wanted.LinkIndex = found.Attrs().Index
	}
	g.Expect(netlink.RouteAdd(wanted)).To(Succeed())
}

func linkNames(t *testing.T) []string {
	t.Helper()
	links, err := listLinks()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, link := range links {
		found = append(found, link.Attrs().Name)
	}
	return found
}

func TestTheBridgesAddressIsTheNodes(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	node := nodeOf(t, nil)
	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Overlay).To(Equal(v1alpha1.WeaveOverlay{}))
	g.Expect(status.Host.Links).To(BeEmpty())

	add(t, bridge("weave"), "10.44.0.0/12")
	add(t, bridge("datapath"), "")
	status, err = node.Look(t.Context(), &status)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Overlay).To(Equal(v1alpha1.WeaveOverlay{Address: "10.44.0.0/12", Since: noon}))
	g.Expect(status.Host.Links).To(HaveExactElements("datapath", "weave"))
}

func TestOfSeveralAddressesTheClaimedOneIsTheNodes(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	add(t, bridge("weave"), "10.32.0.1/12")
	link, err := netlink.LinkByName("weave")
	g.Expect(err).NotTo(HaveOccurred())
	second, err := netlink.ParseAddr("10.50.0.1/24")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(netlink.AddrAdd(link, second)).To(Succeed())
	// The server's own network is the machine's: it is asked from other threads.
	node := nodeOf(t, nil)
	(&fakeRouter{report: fixture(t, "established"), claim: "10.50.0.1/24"}).startElsewhere(t, node)
	links, err := listLinks()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(node.overlay(t.Context(), links, false)).To(HaveField("Address", "10.32.0.1/12"))
	g.Expect(node.overlay(t.Context(), links, true)).To(HaveField("Address", "10.50.0.1/24"))
}

// startElsewhere starts the server in the machine's network, which the client's own threads are in.
func (f *fakeRouter) startElsewhere(t *testing.T, node *Host) {
	t.Helper()
	started := make(chan struct{})
	go func() {
		defer close(started)
		f.start(t, node)
	}()
	<-started
}

func TestRoutesThatOverlap(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	add(t, veth("eth0", "eth0peer"), "192.0.2.1/24")
	add(t, bridge("weave"), "10.32.0.1/12")
	route(t, "0.0.0.0/0", "eth0", 0)
	route(t, "10.0.0.0/8", "eth0", 0)
	route(t, "10.40.0.0/16", "eth0", 0)
	route(t, "10.96.0.0/12", "eth0", 0)
	route(t, "10.33.0.0/24", "", unix.RTN_BLACKHOLE)
	links, err := listLinks()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(listRoutes(netip.MustParsePrefix("10.32.0.0/12"), links)).To(HaveExactElements(
		"10.0.0.0/8 dev eth0", "10.33.0.0/24", "10.40.0.0/16 dev eth0"))
	g.Expect(listRoutes(netip.MustParsePrefix("172.16.0.0/12"), links)).To(BeEmpty())
	g.Expect(listRoutes(netip.Prefix{}, links)).To(BeEmpty())
}

func TestManyRoutesAreCut(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	add(t, veth("eth0", "eth0peer"), "192.0.2.1/24")
	for third := range 20 {
		route(t, fmt.Sprintf("10.32.%d.0/24", third), "eth0", 0)
	}
	links, err := listLinks()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(listRoutes(netip.MustParsePrefix("10.32.0.0/12"), links)).To(HaveLen(routesLimit))
}

func TestSocketsOfTheKernel(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	attributes := netlink.NewLinkAttrs()
	attributes.Name = "vxlan-6784"
	add(t, &netlink.Vxlan{LinkAttrs: attributes, VxlanId: 1, Port: 6784, FlowBased: true}, "")
	g.Expect(listPorts("/proc/thread-self/net")).To(ContainElement("udp/6784"))
}
