// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// nodeOf is a node whose directories are the test's own, with files of these names and contents in them.
func nodeOf(t *testing.T, files map[string]string) *Host {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		NewWithT(t).Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
	}
	return NewHost(&Options{
		Task:          v1alpha1.AgentReport,
		CNIConfig:     Place{Path: filepath.Join(root, "net.d"), Host: "/etc/cni/net.d"},
		CNIBin:        Place{Path: filepath.Join(root, "bin"), Host: "/opt/cni/bin"},
		Data:          Place{Path: filepath.Join(root, "data"), Host: "/var/lib/weave"},
		ModulesDir:    filepath.Join(root, "modules"),
		MachineID:     Place{Path: filepath.Join(root, "machine-id"), Host: "/etc/machine-id"},
		ProcDir:       filepath.Join(root, "proc"),
		SysModuleDir:  filepath.Join(root, "sys"),
		KernelRelease: "6.1.0",
		RouterAPI:     "http://127.0.0.1:1", // Nothing listens there.
		Clock:         clocktesting.NewFakePassiveClock(noon.Time),
	})
}

// asNobody has the rest of the test look at files with nobody's rights: root may do everything with them.
func asNobody(t *testing.T, node *Host) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	for dir := filepath.Dir(node.Data.Path); dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		NewWithT(t).Expect(os.Chmod(dir, 0o755)).To(Succeed())
	}
	const nobody = 65534
	runtime.LockOSThread() // It is the thread's right, which is given back before another goroutine gets the thread.
	_, err := unix.SetfsuidRetUid(nobody)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		_, err := unix.SetfsuidRetUid(0)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		runtime.UnlockOSThread()
	})
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	_, err := io.WriteString(writer, text)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(writer.Close()).To(Succeed())
	return buffer.String()
}

func TestTheMachinesIDIsNotTold(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, map[string]string{"machine-id": "0123456789abcdef0123456789abcdef\n"})
	digest, missing, err := node.machine()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(missing).To(BeEmpty())
	// printf 'symphony-operator0123456789abcdef0123456789abcdef' | sha256sum | cut -c 1-16
	g.Expect(digest).To(Equal("cb78c0ed03300bfb"))

	digest, missing, err = nodeOf(t, map[string]string{"machine-id": "\n"}).machine()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(digest).To(BeEmpty(), "an image that has not started yet")
	g.Expect(missing).To(BeEmpty())
}

func TestAMachineWithoutAnIDIsReported(t *testing.T) {
	g := NewWithT(t)
	host, err := nodeOf(t, map[string]string{"bin/portmap": ""}).host(nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(host.Machine).To(BeEmpty())
	g.Expect(host.Missing).To(HaveExactElements("file: /etc/machine-id"))
}

func TestErrorsNameTheNodesPlaces(t *testing.T) {
	g := NewWithT(t)
	for file, want := range map[string]string{
		"machine-id/file": "reading /etc/machine-id: is a directory",
		"net.d":           "listing the networks in /etc/cni/net.d: not a directory",
		"bin":             "looking for the plugin portmap in /opt/cni/bin: not a directory",
	} {
		_, err := nodeOf(t, map[string]string{file: ""}).host(nil)
		g.Expect(err).To(MatchError(want), file)
	}
	node := nodeOf(t, map[string]string{"data": ""})
	g.Expect(node.removeFiles(t.Context())).To(MatchError("/var/lib/weave/weave-netdata*: not a directory"))
}

func TestNetworksOfOthersAreListed(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, map[string]string{
		"net.d/10-weave.conflist": "{}", "net.d/10-flannel.conflist": "{}", "net.d/05-cilium.conf": "{}",
		"net.d/99-old.json": "{}", "net.d/README": "", "net.d/10-calico.conflist.bak": "", "net.d/d.conf/file": "",
		"bin/portmap": "",
	})
	files, missing, err := node.cni()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(HaveExactElements("05-cilium.conf", "10-flannel.conflist", "99-old.json"))
	g.Expect(missing).To(BeEmpty())
}

func TestWhatTheContainerRuntimeLacksIsMissing(t *testing.T) {
	g := NewWithT(t)
	files, missing, err := nodeOf(t, nil).cni()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(BeEmpty())
	g.Expect(missing).To(HaveExactElements("file: /opt/cni/bin/portmap"))
}

func TestADirectoryThatMayNotBeReadIsNotTakenForEmpty(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, map[string]string{"net.d/10-flannel.conflist": "{}", "bin/portmap": ""})
	g.Expect(os.Chmod(node.CNIConfig.Path, 0)).To(Succeed())
	g.Expect(os.Chmod(node.CNIBin.Path, 0)).To(Succeed())
	t.Cleanup(func() {
		_ = os.Chmod(node.CNIConfig.Path, 0o700)
		_ = os.Chmod(node.CNIBin.Path, 0o700)
	})
	asNobody(t, node)
	_, missing, err := node.cni()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(missing).To(HaveExactElements("unreadable: /etc/cni/net.d", "unreadable: /opt/cni/bin"))
}

func TestThePasswordIsLookedForByItsFile(t *testing.T) {
	node := nodeOf(t, map[string]string{"secret/password": "s", "secret/empty": ""})
	secret := filepath.Join(filepath.Dir(node.Data.Path), "secret")
	for file, want := range map[string]v1alpha1.WeaveSecretPresence{
		"": "", secret + "/password": v1alpha1.SecretPresent,
		secret + "/empty": v1alpha1.SecretMissing, secret + "/none": v1alpha1.SecretMissing,
	} {
		node.PasswordFile = file
		NewWithT(t).Expect(node.password()).To(Equal(want), file)
	}
}

func TestOpenVSwitchIsLookedFor(t *testing.T) {
	const (
		builtin = "modules/6.1.0/modules.builtin"
		dep     = "modules/6.1.0/modules.dep"
		config  = "proc/config.gz"
		module  = "kernel/net/openvswitch/openvswitch.ko.zst: kernel/net/nsh/nsh.ko.zst\n"
	)
	options := func(value string) string {
		return compressed(t, "CONFIG_DUMMY=m\n"+value+"\n")
	}
	for name, test := range map[string]struct {
		files map[string]string
		links []netlink.Link
		want  bool
	}{
		"nothing can be told":        {},
		"loaded":                     {files: map[string]string{"sys/openvswitch/refcnt": "1"}, want: true},
		"built in":                   {files: map[string]string{builtin: module}, want: true},
		"installed":                  {files: map[string]string{dep: module}, want: true},
		"what it needs is installed": {files: map[string]string{builtin: "\n", dep: "kernel/net/nsh/nsh.ko.zst:\n"}},
		"a link of it":               {links: []netlink.Link{&netlink.GenericLink{LinkType: "openvswitch"}}, want: true},
		"option y":                   {files: map[string]string{config: options("CONFIG_OPENVSWITCH=y")}, want: true},
		"option m":                   {files: map[string]string{config: options("CONFIG_OPENVSWITCH=m")}, want: true},
		"option m, not installed":    {files: map[string]string{config: options("CONFIG_OPENVSWITCH=m"), builtin: "\n", dep: "\n"}},
		"no option":                  {files: map[string]string{config: options("# CONFIG_OPENVSWITCH is not set")}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			host, err := nodeOf(t, test.files).host(test.links)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(host.OpenVSwitch).To(Equal(test.want))
			g.Expect(host.Missing).NotTo(ContainElement(ContainSubstring("openvswitch")), "Weave can do without")
		})
	}
}

func TestPortsInUse(t *testing.T) {
	g := NewWithT(t)
	head := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
	node := nodeOf(t, map[string]string{
		"proc/net/tcp": head +
			"   0: 0100007F:1A80 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n" + // 6784, listens
			"   1: 0100007F:1A7F 0200007F:1A7E 01 00000000:00000000 00:00000000 00000000     0\n" + // 6783, connected
			"   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n",
		"proc/net/tcp6": head +
			"   0: 00000000000000000000000000000000:1A7D 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0\n", // 6781
		"proc/net/udp": head +
			"  10: 00000000:1A7F 00000000:0000 07 00000000:00000000 00:00000000 00000000     0\n" + // 6783
			"  11: 00000000:1A7E 00000000:0000 07 00000000:00000000 00:00000000 00000000     0\n", // 6782 is no UDP port of Weave's
	})
	g.Expect(listPorts(filepath.Join(node.ProcDir, "net"))).To(HaveExactElements("tcp/6781", "tcp/6784", "udp/6783"))
	g.Expect(listPorts(node.Data.Path)).To(BeEmpty(), "a kernel without these tables")
}

// missing are the features that a node's kernel lacks.
func missing(t *testing.T, node *Host, links ...netlink.Link) []string {
	t.Helper()
	found, err := node.kernel.read(links)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return found.missing()
}

func TestKernelFeatures(t *testing.T) {
	const (
		builtin = "modules/6.1.0/modules.builtin"
		dep     = "modules/6.1.0/modules.dep"
		config  = "proc/config.gz"
	)
	all := "kernel/net/bridge/bridge.ko\nkernel/drivers/net/veth.ko\nkernel/net/netfilter/ipset/ip_set.ko\n"
	loadable := "kernel/net/netfilter/xt_set.ko.xz: kernel/net/netfilter/ipset/ip_set.ko.xz\n" +
		"kernel/net/bridge/br-netfilter.ko.zst:\nkernel/drivers/net/dummy.ko: \n"
	options := "CONFIG_DUMMY=m\nCONFIG_BRIDGE=y\nCONFIG_VETH=y\nCONFIG_IP_SET=y\nCONFIG_NETFILTER_XT_SET=y\nCONFIG_BRIDGE_NETFILTER=y\n"
	without := strings.Replace(options, "CONFIG_DUMMY=m", "# CONFIG_DUMMY is not set", 1)
	for name, test := range map[string]struct {
		files map[string]string
		links []netlink.Link
		want  []string
	}{
		"nothing can be told":          {},
		"all installed":                {files: map[string]string{builtin: all, dep: loadable}},
		"dummy not installed":          {files: map[string]string{builtin: all, dep: strings.ReplaceAll(loadable, "dummy", "other")}, want: []string{"dummy"}},
		"only one list can be read":    {files: map[string]string{builtin: all}},
		"nothing installed":            {files: map[string]string{builtin: "\n", dep: "\n"}, want: []string{"br_netfilter", "bridge", "dummy", "ip_set", "veth", "xt_set"}},
		"loaded all the same":          {files: map[string]string{builtin: "\n", dep: "\n", "sys/dummy/refcnt": "1", "sys/ip_set/x": ""}, want: []string{"br_netfilter", "bridge", "veth", "xt_set"}},
		"links prove it":               {files: map[string]string{builtin: "\n", dep: "\n"}, links: []netlink.Link{&netlink.Bridge{}, &netlink.Veth{}, &netlink.Dummy{}}, want: []string{"br_netfilter", "ip_set", "xt_set"}},
		"built as a module, not seen":  {files: map[string]string{config: compressed(t, options)}},
		"built without":                {files: map[string]string{config: compressed(t, without)}, want: []string{"dummy"}},
		"a module that is not there":   {files: map[string]string{config: compressed(t, options), builtin: "\n", dep: "\n"}, want: []string{"dummy"}},
		"built without, added by hand": {files: map[string]string{config: compressed(t, without), builtin: all, dep: loadable}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			node := nodeOf(t, test.files)
			for range 2 { // The second look takes what the first one remembers.
				g.Expect(missing(t, node, test.links...)).To(BeComparableTo(test.want))
			}
		})
	}
}

func TestModulesInstalledLaterAreFound(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, map[string]string{"modules/6.1.0/modules.builtin": "\n", "modules/6.1.0/modules.dep": "\n"})
	g.Expect(missing(t, node)).To(ContainElement("dummy"))
	dep := filepath.Join(node.ModulesDir, "6.1.0", "modules.dep")
	g.Expect(os.WriteFile(dep, []byte("kernel/drivers/net/dummy.ko:\n"), 0o600)).To(Succeed())
	g.Expect(missing(t, node)).NotTo(ContainElement("dummy"))
}

func TestTheRunningKernelIsAsked(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, nil)
	node.kernel.release = ""
	g.Expect(missing(t, node)).To(BeEmpty())
}

func TestAListThatChangesWhileItIsToldIsReadAgain(t *testing.T) {
	g := NewWithT(t)
	tries := 0
	found, err := dump(func() ([]int, error) {
		tries++
		if tries < 3 {
			return []int{1}, netlink.ErrDumpInterrupted
		}
		return []int{1, 2}, nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(Equal([]int{1, 2}))
	_, err = dump(func() ([]int, error) { return []int{1}, netlink.ErrDumpInterrupted })
	g.Expect(err).To(HaveOccurred())
}
