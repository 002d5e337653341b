// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

// The expressions as iptables-nft writes them.

func fromLink(name string) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte(name + "\x00")},
	}
}

func toLink(name string, op expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: op, Register: 1, Data: []byte(name + "\x00")},
	}
}

func protocol(number byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 9, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{number}},
	}
}

func port(number uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, number)},
	}
}

func tcpMatch(from, to uint16, inverted xt.TcpInvFlagset) []expr.Any {
	return []expr.Any{&expr.Match{Name: "tcp", Info: &xt.Tcp{
		SrcPorts: [2]uint16{0, 65535}, DstPorts: [2]uint16{from, to}, InvFlags: inverted,
	}}}
}

func verdict(kind expr.VerdictKind, chain string) []expr.Any {
	return []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: kind, Chain: chain}}
}

func all(parts ...[]expr.Any) []expr.Any {
	var joined []expr.Any
	for _, part := range parts {
		joined = append(joined, part...)
	}
	return joined
}

func TestOwnRules(t *testing.T) {
	accept, drop := verdict(expr.VerdictAccept, ""), verdict(expr.VerdictDrop, "")
	for name, test := range map[string]struct {
		table, chain string
		rule         []expr.Any
		own          bool
	}{
		"a jump":                   {"nat", "POSTROUTING", verdict(expr.VerdictJump, "WEAVE"), true},
		"a jump to a chain of NPC": {"filter", "INPUT", all(fromLink("weave"), verdict(expr.VerdictJump, "WEAVE-NPC-EGRESS")), true},
		"a goto":                   {"mangle", "INPUT", verdict(expr.VerdictGoto, "WEAVE-IPSEC-IN"), true},
		"another's jump":           {"nat", "POSTROUTING", verdict(expr.VerdictJump, "KUBE-POSTROUTING"), false},
		"a name that begins alike": {"filter", "FORWARD", verdict(expr.VerdictJump, "WEAVERS"), false},

		"from the bridge":               {"filter", "FORWARD", all(fromLink("weave"), toLink("weave", expr.CmpOpNeq), accept), true},
		"to the bridge":                 {"filter", "FORWARD", all(toLink("weave", expr.CmpOpEq), drop), true},
		"not to the bridge":             {"filter", "FORWARD", all(fromLink("eth0"), toLink("weave", expr.CmpOpNeq), drop), false},
		"from another link":             {"filter", "FORWARD", all(fromLink("weave1"), accept), false},
		"from links that begin so":      {"filter", "FORWARD", all([]expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte("weave")}}, accept), false},
		"from the bridge, somewhere":    {"filter", "INPUT", all(fromLink("weave"), accept), false},
		"from the bridge, by another":   {"raw", "FORWARD", all(fromLink("weave"), accept), false},
		"a name that is written":        {"filter", "FORWARD", all([]expr.Any{&expr.Meta{Key: expr.MetaKeyMARK, Register: 1, SourceRegister: true}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte("weave\x00")}}, accept), false},
		"a name padded by nft":          {"filter", "FORWARD", all([]expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte("weave\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")}}, accept), true},
		"the API's port":                {"filter", "INPUT", all(protocol(6), port(6784), drop), true},
		"the API's port, older":         {"filter", "INPUT", all(protocol(6), tcpMatch(6784, 6784, 0), drop), true},
		"all ports but the API's":       {"filter", "INPUT", all(protocol(6), tcpMatch(6784, 6784, xt.TcpInvDestPorts), drop), false},
		"ports around the API's":        {"filter", "INPUT", all(protocol(6), tcpMatch(6000, 7000, 0), drop), false},
		"the API's port, open":          {"filter", "INPUT", all(protocol(6), port(6784), accept), false},
		"the fast datapath's port":      {"filter", "INPUT", all(protocol(17), port(6784), drop), false},
		"another port":                  {"filter", "INPUT", all(protocol(6), port(6783), drop), false},
		"the API's port, elsewhere":     {"filter", "FORWARD", all(protocol(6), port(6784), drop), false},
		"a part of a port":              {"filter", "INPUT", all(protocol(6), []expr.Any{&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}, &expr.Bitwise{SourceRegister: 1, DestRegister: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{0x1a, 0x80}}}, drop), false},
		"the protocol by nft's own way": {"filter", "INPUT", all([]expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{6}}}, port(6784), drop), true},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(isOwnRule(test.table, test.chain, test.rule)).To(Equal(test.own))
		})
	}
}

func TestOwnChains(t *testing.T) {
	for name, own := range map[string]bool{
		"WEAVE": true, "WEAVE-EXPOSE": true, "WEAVE-NPC": true, "WEAVE-NPC-EGRESS-DEFAULT": true, "WEAVE-IPSEC-IN": true,
		"WEAVE-CANARY": true, "KUBE-FORWARD": false, "WEAVERS": false, "INPUT": false, "": false,
	} {
		NewWithT(t).Expect(isOwnChain(name)).To(Equal(own), name)
	}
}

func TestTheRequestThatDeletesADatapath(t *testing.T) {
	g := NewWithT(t)
	sent := datapathRequest(32, 7).Serialize()
	g.Expect(sent).To(HaveLen(24), "header 16, genlmsghdr 4, ovs_header 4")
	g.Expect(binary.NativeEndian.Uint16(sent[4:])).To(BeEquivalentTo(32))
	g.Expect(binary.NativeEndian.Uint16(sent[6:])).To(BeEquivalentTo(unix.NLM_F_REQUEST | unix.NLM_F_ACK))
	g.Expect(sent[16:18]).To(Equal([]byte{2, 2}))
	g.Expect(binary.NativeEndian.Uint32(sent[20:])).To(BeEquivalentTo(7))
}

func TestErrorsInOneLine(t *testing.T) {
	busy := errors.New("busy")
	NewWithT(t).Expect(oneLine(errors.Join(busy, errors.New("absent"), busy))).To(Equal("absent; busy"))
}

// weaveFiles are what Weave leaves and, below, what others have in the same directories.
var weaveFiles = map[string]string{
	"net.d/10-weave.conflist": "", "bin/weave-plugin-2.9.0": "", "bin/weave-plugin-2.8.1": "",
	"data/weave-netdata.db": "", "data/weave-netdata.db.bak": "",

	"net.d/10-flannel.conflist": "", "bin/portmap": "", "bin/weave": "", "bin/weave-plugins/file": "", "data/other.db": "",
	"data/weave-netdata.d/file": "",
}

func names(t *testing.T, directory string) []string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func TestOwnFilesAreRemoved(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	for _, link := range []string{"weave-net", "weave-ipam"} {
		g.Expect(os.Symlink("weave-plugin-2.9.0", filepath.Join(node.CNIBin.Path, link))).To(Succeed())
	}
	for range 2 {
		g.Expect(node.removeFiles(t.Context())).To(Succeed())
		g.Expect(names(t, node.CNIConfig.Path)).To(HaveExactElements("10-flannel.conflist"))
		g.Expect(names(t, node.CNIBin.Path)).To(HaveExactElements("portmap", "weave", "weave-plugins"))
		g.Expect(names(t, node.Data.Path)).To(HaveExactElements("other.db", "weave-netdata.d"))
	}
	g.Expect(nodeOf(t, nil).removeFiles(t.Context())).To(Succeed(), "a node without the directories")
}

func TestAFileThatStaysIsNamedAsOnTheNode(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	g.Expect(os.Chmod(node.CNIConfig.Path, 0o555)).To(Succeed())
	for _, open := range []Place{node.CNIBin, node.Data} {
		g.Expect(os.Chmod(open.Path, 0o777)).To(Succeed())
	}
	t.Cleanup(func() { _ = os.Chmod(node.CNIConfig.Path, 0o700) })
	asNobody(t, node)
	g.Expect(node.removeFiles(t.Context())).To(MatchError("/etc/cni/net.d/10-weave.conflist: permission denied"))
	g.Expect(names(t, node.Data.Path)).To(HaveExactElements("other.db", "weave-netdata.d"))
}

func TestCleanWaitsForTheRoutersEnd(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	node.Task = v1alpha1.AgentClean
	(&fakeRouter{report: fixture(t, "established")}).start(t, node)
	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupFailed))
	g.Expect(status.Cleanup.Message).To(ContainSubstring("still runs"))
	g.Expect(names(t, node.CNIConfig.Path)).To(ContainElement("10-weave.conflist"))
}

func TestCleanWaitsWhileTheRouterCannotBeTold(t *testing.T) {
	inNamespace(t) // What it must not remove is not the machine's own.
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	g.Expect(node.clean(t.Context(), &v1alpha1.WeaveNodeStatus{}, "", errors.New("no answer within 5s"))).To(Equal(&v1alpha1.WeaveCleanup{
		State: v1alpha1.CleanupFailed, Message: "Whether Weave's router still runs is not known: no answer within 5s.",
	}))
	g.Expect(names(t, node.CNIConfig.Path)).To(ContainElement("10-weave.conflist"))
}

func TestACleanNodeIsLeftAlone(t *testing.T) {
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	node.Task = v1alpha1.AgentClean
	cleaned := v1alpha1.WeaveNodeStatus{
		Agent: v1alpha1.AgentClean, Cleanup: &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupCleaned, Message: legacyNote},
	}
	status, err := node.Look(t.Context(), &cleaned)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup).To(Equal(cleaned.Cleanup))
	g.Expect(names(t, node.CNIConfig.Path)).To(ContainElement("10-weave.conflist"))
}

// rules of a chain, counted; -1 if there is no such chain.
func rules(t *testing.T, connection *nftables.Conn, table, chain string) int {
	t.Helper()
	g := NewWithT(t)
	chains, err := connection.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	g.Expect(err).NotTo(HaveOccurred())
	for _, found := range chains {
		if found.Table.Name == table && found.Name == chain {
			rules, err := connection.GetRules(found.Table, found)
			g.Expect(err).NotTo(HaveOccurred())
			return len(rules)
		}
	}
	return -1
}

// writeRules writes what a router and its policy controller leave, and rules of others around them.
func writeRules(t *testing.T) *nftables.Conn {
	t.Helper()
	g := NewWithT(t)
	connection, err := nftables.New()
	g.Expect(err).NotTo(HaveOccurred())
	table := func(name string) *nftables.Table {
		return connection.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: name})
	}
	base := func(table *nftables.Table, name string, hook *nftables.ChainHook, kind nftables.ChainType) *nftables.Chain {
		return connection.AddChain(&nftables.Chain{
			Table: table, Name: name, Type: kind, Hooknum: hook, Priority: nftables.ChainPriorityFilter,
		})
	}
	chain := func(table *nftables.Table, name string) *nftables.Chain {
		return connection.AddChain(&nftables.Chain{Table: table, Name: name})
	}
	rule := func(chain *nftables.Chain, expressions ...[]expr.Any) {
		connection.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: all(expressions...)})
	}
	jump := func(to string) []expr.Any { return verdict(expr.VerdictJump, to) }
	accept, drop := verdict(expr.VerdictAccept, ""), verdict(expr.VerdictDrop, "")

	filter := table("filter")
	input := base(filter, "INPUT", nftables.ChainHookInput, nftables.ChainTypeFilter)
	forward := base(filter, "FORWARD", nftables.ChainHookForward, nftables.ChainTypeFilter)
	for _, name := range []string{"WEAVE-NPC-DEFAULT", "WEAVE-EXPOSE", "WEAVE-CANARY", "KUBE-FORWARD"} {
		chain(filter, name)
	}
	npc := chain(filter, "WEAVE-NPC")
	rule(npc, jump("WEAVE-NPC-DEFAULT"))
	rule(input, protocol(6), port(22), accept)
	rule(input, protocol(6), port(6784), drop)
	rule(input, fromLink("weave"), jump("WEAVE-NPC"))
	rule(forward, toLink("weave", expr.CmpOpEq), jump("WEAVE-NPC"))
	rule(forward, toLink("weave", expr.CmpOpEq), drop)
	rule(forward, fromLink("weave"), toLink("weave", expr.CmpOpNeq), accept)
	rule(forward, toLink("weave", expr.CmpOpEq), jump("WEAVE-EXPOSE"))
	rule(forward, jump("KUBE-FORWARD"))
	rule(forward, fromLink("eth0"), accept)

	nat := table("nat")
	postrouting := base(nat, "POSTROUTING", nftables.ChainHookPostrouting, nftables.ChainTypeNAT)
	rule(chain(nat, "WEAVE"), fromLink("eth0"), accept)
	rule(postrouting, jump("WEAVE"))
	rule(postrouting, fromLink("eth0"), accept)

	chain(table("mangle"), "WEAVE-CANARY")
	chain(table("raw"), "WEAVE-OF-OTHERS")
	g.Expect(connection.Flush()).To(Succeed())
	return connection
}

func TestCleanRemovesWeaveAndNothingElse(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	node.Task = v1alpha1.AgentClean

	add(t, bridge("weave"), "10.32.0.1/12")
	add(t, bridge("datapath"), "")
	add(t, veth("vethwe-bridge", "vethwe-datapath"), "")
	add(t, veth("vethwepl0a1b2c", "eth0ofapod"), "")
	attributes := netlink.NewLinkAttrs()
	attributes.Name = "vxlan-6784"
	add(t, &netlink.Vxlan{LinkAttrs: attributes, VxlanId: 1, Port: 6784}, "")
	add(t, veth("vethother", "eth0"), "")
	add(t, bridge("weaver"), "")
	connection := writeRules(t)
	for set, kind := range map[string]string{
		"weaver-no-masq-local": "hash:net", "weave-;rGqyMIl1HN^cfDki~Z$3]6!N": "hash:ip", "weaves": "hash:ip", "other": "hash:ip",
	} {
		g.Expect(netlink.IpsetCreate(set, kind, netlink.IpsetCreateOptions{})).To(Succeed())
	}
	former := v1alpha1.WeaveNodeStatus{Agent: v1alpha1.AgentLeave, Cleanup: &v1alpha1.WeaveCleanup{State: v1alpha1.CleanupLeft}}

	for range 2 { // The second time finds nothing to do.
		status, err := node.Look(t.Context(), &former)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(status.Cleanup).To(Equal(&v1alpha1.WeaveCleanup{State: v1alpha1.CleanupCleaned}))
		g.Expect(status.Host.Links).To(BeEmpty())
		g.Expect(linkNames(t)).To(ConsistOf("lo", "vethother", "eth0", "weaver"))
		g.Expect(listSets()).To(HaveExactElements("other", "weaves"))
		g.Expect(names(t, node.Data.Path)).To(HaveExactElements("other.db", "weave-netdata.d"))
	}

	for _, gone := range []string{"WEAVE-NPC", "WEAVE-NPC-DEFAULT", "WEAVE-EXPOSE", "WEAVE-CANARY"} {
		g.Expect(rules(t, connection, "filter", gone)).To(Equal(-1), gone)
	}
	g.Expect(rules(t, connection, "nat", "WEAVE")).To(Equal(-1))
	g.Expect(rules(t, connection, "mangle", "WEAVE-CANARY")).To(Equal(-1))
	g.Expect(rules(t, connection, "filter", "INPUT")).To(Equal(1))
	g.Expect(rules(t, connection, "filter", "FORWARD")).To(Equal(2))
	g.Expect(rules(t, connection, "filter", "KUBE-FORWARD")).To(Equal(0))
	g.Expect(rules(t, connection, "nat", "POSTROUTING")).To(Equal(1))
	g.Expect(rules(t, connection, "raw", "WEAVE-OF-OTHERS")).To(Equal(0))
}

func TestCleanTellsWhatIsLeftAndGoesOn(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	node := nodeOf(t, weaveFiles)
	node.Task = v1alpha1.AgentClean
	connection := writeRules(t)
	// A chain of somebody else's leads to one of Weave's, which cannot be deleted then.
	filter := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "filter"}
	custom := connection.AddChain(&nftables.Chain{Table: filter, Name: "CUSTOM"})
	connection.AddRule(&nftables.Rule{Table: filter, Chain: custom, Exprs: verdict(expr.VerdictJump, "WEAVE-NPC")})
	g.Expect(connection.Flush()).To(Succeed())

	status, err := node.Look(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupFailed))
	g.Expect(status.Cleanup.Message).To(Equal(
		"Not removed: rules of iptables (writing the rules: conn.Receive: netlink receive: device or resource busy)."))
	g.Expect(rules(t, connection, "filter", "FORWARD")).To(Equal(6), "all of the rules or none")
	g.Expect(names(t, node.CNIConfig.Path)).NotTo(ContainElement("10-weave.conflist"), "the other steps are done")

	connection.DelChain(custom)
	g.Expect(connection.Flush()).To(Succeed())
	status, err = node.Look(t.Context(), &status)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status.Cleanup.State).To(Equal(v1alpha1.CleanupCleaned))
}

// putIntoSet puts a set into another one.
func putIntoSet(t *testing.T, set, member string) {
	t.Helper()
	request := nl.NewNetlinkRequest(nl.IPSET_CMD_ADD|unix.NFNL_SUBSYS_IPSET<<8, nl.GetIpsetFlags(nl.IPSET_CMD_ADD))
	request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_INET})
	request.AddData(nl.NewRtAttr(nl.IPSET_ATTR_PROTOCOL, nl.Uint8Attr(nl.IPSET_PROTOCOL)))
	request.AddData(nl.NewRtAttr(nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(set)))
	data := nl.NewRtAttr(nl.IPSET_ATTR_DATA|int(nl.NLA_F_NESTED), nil)
	data.AddRtAttr(nl.IPSET_ATTR_NAME, nl.ZeroTerminated(member))
	request.AddData(data)
	_, err := request.Execute(unix.NETLINK_NETFILTER, 0)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

func TestSetsInSetsAreRemoved(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	g.Expect(netlink.IpsetCreate("weave-a", "hash:ip", netlink.IpsetCreateOptions{})).To(Succeed())
	g.Expect(netlink.IpsetCreate("weave-b", "list:set", netlink.IpsetCreateOptions{})).To(Succeed())
	putIntoSet(t, "weave-b", "weave-a")
	g.Expect(removeSetsOnce()).To(MatchError("weave-*: in use"))
	g.Expect(removeSets(t.Context())).To(Succeed())
	g.Expect(listSets()).To(BeEmpty())
}

func TestASetThatIsInUseFailsUnlessARuleOfLegacyMayUseIt(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	g.Expect(netlink.IpsetCreate("weave-a", "hash:ip", netlink.IpsetCreateOptions{})).To(Succeed())
	g.Expect(netlink.IpsetCreate("other", "list:set", netlink.IpsetCreateOptions{})).To(Succeed())
	putIntoSet(t, "other", "weave-a")
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 3*setsEvery)
		t.Cleanup(cancel)
		return ctx
	}
	g.Expect(nodeOf(t, nil).removeUnusedSets(short())).To(MatchError("weave-*: in use"))
	legacy := nodeOf(t, map[string]string{"proc/net/ip_tables_names": "filter\n"})
	g.Expect(legacy.removeUnusedSets(short())).To(Succeed())
	g.Expect(listSets()).To(ConsistOf("other", "weave-a"))
}

func TestTablesOfIptablesLegacyAreTold(t *testing.T) {
	g := NewWithT(t)
	g.Expect(nodeOf(t, map[string]string{"proc/net/ip_tables_names": "nat\nfilter\n"}).noteOfLegacy()).To(Equal(legacyNote))
	g.Expect(nodeOf(t, map[string]string{"proc/net/ip_tables_names": ""}).noteOfLegacy()).To(BeEmpty())
	g.Expect(nodeOf(t, nil).noteOfLegacy()).To(BeEmpty())
}
