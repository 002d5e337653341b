// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var (
	here  = net.ParseIP("192.0.2.1")
	there = net.ParseIP("192.0.2.2")
	other = net.ParseIP("192.0.2.3")
)

// words are numbers as the kernel has them in its structs.
func words(numbers ...uint32) []byte {
	var data []byte
	for _, number := range numbers {
		data = binary.NativeEndian.AppendUint32(data, number)
	}
	return data
}

func xtMatch(name string, revision uint32, info []byte) []expr.Any {
	unknown := xt.Unknown(info)
	return []expr.Any{&expr.Match{Name: name, Rev: revision, Info: &unknown}}
}

// policyNone is -m policy --dir out --pol none.
func policyNone() []expr.Any {
	info := make([]byte, 312)
	binary.NativeEndian.PutUint16(info[304:], 2|4) // XT_POLICY_MATCH_OUT | XT_POLICY_MATCH_NONE
	return xtMatch("policy", 0, info)
}

// marked is -m mark --mark 0x20000/0x20000, and variations.
func marked(mask, xor, value uint32, op expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: words(mask), Xor: words(xor)},
		&expr.Cmp{Op: op, Register: 1, Data: words(value)},
	}
}

func notESP() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{unix.IPPROTO_ESP}},
	}
}

func spi(number uint32) []expr.Any {
	return xtMatch("esp", 0, words(number, number, 0, 0))
}

func TestTheRuleThatStopsWhatIsNotEncryptedIsOwn(t *testing.T) {
	accept, drop := verdict(expr.VerdictAccept, ""), verdict(expr.VerdictDrop, "")
	mark := marked(0x20000, 0, 0x20000, expr.CmpOpEq)
	unmasked := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: words(0x20000)},
	}
	for name, test := range map[string]struct {
		table, chain string
		rule         []expr.Any
		own          bool
	}{
		"iptables 1.8.9":           {"filter", "OUTPUT", all(notESP(), policyNone(), mark, drop), true},
		"an older iptables":        {"filter", "OUTPUT", all(notESP(), policyNone(), xtMatch("mark", 1, words(0x20000, 0x20000, 0, 0)), drop), true},
		"the mark by a half":       {"filter", "OUTPUT", all(notESP(), policyNone(), xtMatch("mark", 1, words(0x20000)), drop), false},
		"without the mark":         {"filter", "OUTPUT", all(notESP(), policyNone(), xtMatch("mark", 1, words(0x20000, 0x20000, 1, 0)), drop), false},
		"another mark, older":      {"filter", "OUTPUT", all(notESP(), policyNone(), xtMatch("mark", 1, words(0x4000, 0x4000, 0, 0)), drop), false},
		"not the mark":             {"filter", "OUTPUT", all(notESP(), policyNone(), marked(0x20000, 0, 0x20000, expr.CmpOpNeq), drop), false},
		"another mask":             {"filter", "OUTPUT", all(notESP(), policyNone(), marked(0x30000, 0, 0x20000, expr.CmpOpEq), drop), false},
		"another mark":             {"filter", "OUTPUT", all(notESP(), policyNone(), marked(0x4000, 0, 0x4000, expr.CmpOpEq), drop), false},
		"the mark, turned over":    {"filter", "OUTPUT", all(notESP(), policyNone(), marked(0x20000, 0x20000, 0x20000, expr.CmpOpEq), drop), false},
		"the mark and no other":    {"filter", "OUTPUT", all(notESP(), policyNone(), unmasked, drop), false},
		"no word of policies":      {"filter", "OUTPUT", all(notESP(), mark, drop), false},
		"not dropped":              {"filter", "OUTPUT", all(notESP(), policyNone(), mark, accept), false},
		"elsewhere":                {"filter", "FORWARD", all(notESP(), policyNone(), mark, drop), false},
		"in another table":         {"mangle", "OUTPUT", all(notESP(), policyNone(), mark, drop), false},
		"a jump to a chain of its": {"mangle", "OUTPUT", verdict(expr.VerdictJump, "WEAVE-IPSEC-OUT"), true},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(isOwnRule(test.table, test.chain, test.rule)).To(Equal(test.own))
		})
	}
}

func TestARuleNamesAState(t *testing.T) {
	for name, test := range map[string]struct {
		rule []expr.Any
		want uint32
	}{
		"one":      {all(protocol(unix.IPPROTO_ESP), spi(0x80000001), verdict(expr.VerdictJump, "WEAVE-IPSEC-IN-MARK")), 0x80000001},
		"several":  {xtMatch("esp", 0, words(1, 2, 0, 0)), 0},
		"all but":  {xtMatch("esp", 0, words(1, 1, 1, 0)), 0},
		"too few":  {xtMatch("esp", 0, words(1, 1)), 0},
		"of ports": {xtMatch("udplite", 0, words(1, 1, 0, 0)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(readRule(test.rule).spi).To(Equal(test.want))
		})
	}
}

// weavePolicy is the policy of a router's, changed.
func weavePolicy(change func(*netlink.XfrmPolicy)) *netlink.XfrmPolicy {
	host := net.CIDRMask(32, 32)
	policy := &netlink.XfrmPolicy{
		Src: &net.IPNet{IP: here, Mask: host}, Dst: &net.IPNet{IP: there, Mask: host},
		Proto: unix.IPPROTO_UDP, Dir: netlink.XFRM_DIR_OUT, Mark: &netlink.XfrmMark{Value: 0x20000, Mask: 0x20000},
		Tmpls: []netlink.XfrmPolicyTmpl{{
			Src: here, Dst: there, Proto: netlink.XFRM_PROTO_ESP, Mode: netlink.XFRM_MODE_TRANSPORT, Spi: 0x80000001,
		}},
	}
	if change != nil {
		change(policy)
	}
	return policy
}

// foreign are changes that make a policy somebody else's.
var foreign = map[string]func(*netlink.XfrmPolicy){
	"without a mark":     func(p *netlink.XfrmPolicy) { p.Mark = nil },
	"another mark":       func(p *netlink.XfrmPolicy) { p.Mark = &netlink.XfrmMark{Value: 0x10000, Mask: 0x10000} },
	"another mask":       func(p *netlink.XfrmPolicy) { p.Mark.Mask = 0xffffffff },
	"inbound":            func(p *netlink.XfrmPolicy) { p.Dir = netlink.XFRM_DIR_IN },
	"of all protocols":   func(p *netlink.XfrmPolicy) { p.Proto = 0 },
	"without a template": func(p *netlink.XfrmPolicy) { p.Tmpls = nil },
	"of a tunnel":        func(p *netlink.XfrmPolicy) { p.Tmpls[0].Mode = netlink.XFRM_MODE_TUNNEL },
	"of authentication":  func(p *netlink.XfrmPolicy) { p.Tmpls[0].Proto = netlink.XFRM_PROTO_AH },
}

func TestOwnPolicies(t *testing.T) {
	g := NewWithT(t)
	g.Expect(isOwnPolicy(weavePolicy(nil))).To(BeTrue())
	for name, change := range foreign {
		g.Expect(isOwnPolicy(weavePolicy(change))).To(BeFalse(), name)
	}
}

func TestOwnStates(t *testing.T) {
	own := &ipsec{inbound: map[uint32]bool{0x80000002: true}, pairs: map[[2]netip.Addr]bool{}}
	own.add(weavePolicy(nil))
	own.add(weavePolicy(func(p *netlink.XfrmPolicy) { p.Mark, p.Tmpls[0].Dst = nil, other }))
	gcm := &netlink.XfrmStateAlgo{Name: "rfc4106(gcm(aes))", ICVLen: 128}
	for name, test := range map[string]struct {
		change func(*netlink.XfrmState)
		own    bool
	}{
		"outbound":                       {func(*netlink.XfrmState) {}, true},
		"outbound, of an earlier router": {func(s *netlink.XfrmState) { s.Spi = 7 }, true},
		"inbound":                        {func(s *netlink.XfrmState) { s.Src, s.Dst, s.Spi = there, here, 8 }, true},
		"inbound, only begun":            {func(s *netlink.XfrmState) { s.Src, s.Dst, s.Spi, s.Aead = other, here, 0x80000002, nil }, true},
		"of 4-byte addresses":            {func(s *netlink.XfrmState) { s.Src, s.Dst = here.To4(), there.To4() }, true},
		"of another node":                {func(s *netlink.XfrmState) { s.Dst = other }, false},
		"of another cipher":              {func(s *netlink.XfrmState) { s.Aead = nil }, false},
		"of a program's request":         {func(s *netlink.XfrmState) { s.Reqid = 1 }, false},
		"of a request, by number":        {func(s *netlink.XfrmState) { s.Reqid, s.Spi = 1, 0x80000002 }, false},
		"of a tunnel":                    {func(s *netlink.XfrmState) { s.Mode = netlink.XFRM_MODE_TUNNEL }, false},
		"of authentication":              {func(s *netlink.XfrmState) { s.Proto = netlink.XFRM_PROTO_AH }, false},
		"with a mark":                    {func(s *netlink.XfrmState) { s.Mark = &netlink.XfrmMark{Value: 0x20000, Mask: 0x20000} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			state := &netlink.XfrmState{
				Src: here, Dst: there, Proto: netlink.XFRM_PROTO_ESP, Mode: netlink.XFRM_MODE_TRANSPORT, Spi: 0x80000001, Aead: gcm,
			}
			test.change(state)
			NewWithT(t).Expect(own.owns(state)).To(Equal(test.own))
		})
	}
}

func TestAKernelWithoutIPsecHasNoneOfWeaves(t *testing.T) {
	g := NewWithT(t)
	for _, err := range []error{unix.EPROTONOSUPPORT, unix.EOPNOTSUPP, unix.ENOPROTOOPT, unix.EAFNOSUPPORT, unix.ESOCKTNOSUPPORT} {
		g.Expect(noIPsec(fmt.Errorf("listing: %w", err))).To(BeTrue(), err.Error())
	}
	for _, err := range []error{nil, unix.EPERM, os.ErrNotExist} {
		g.Expect(noIPsec(err)).To(BeFalse(), "%v", err)
	}
}

func TestCleanRemovesIPsec(t *testing.T) {
	inNamespace(t)
	g := NewWithT(t)
	if err := netlink.XfrmPolicyAdd(weavePolicy(nil)); noIPsec(err) {
		t.Skip("the kernel has no IPsec")
	} else if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"without a mark", "another mark", "inbound"} {
		g.Expect(netlink.XfrmPolicyAdd(weavePolicy(foreign[kept]))).To(Succeed(), kept)
	}
	// States without a key: this kernel may have no cipher. The kernel chooses their numbers.
	begin := func(from, to net.IP) *netlink.XfrmState {
		state, err := netlink.XfrmStateAllocSpi(&netlink.XfrmState{
			Src: from, Dst: to, Proto: netlink.XFRM_PROTO_ESP, Mode: netlink.XFRM_MODE_TRANSPORT,
		})
		g.Expect(err).NotTo(HaveOccurred())
		return state
	}
	inbound, foreign := begin(there, here), begin(other, here)

	connection, err := nftables.New()
	g.Expect(err).NotTo(HaveOccurred())
	mangle := connection.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "mangle"})
	mark := connection.AddChain(&nftables.Chain{Table: mangle, Name: "WEAVE-IPSEC-IN-MARK"})
	in := connection.AddChain(&nftables.Chain{Table: mangle, Name: "WEAVE-IPSEC-IN"})
	filter := connection.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "filter"})
	output := connection.AddChain(&nftables.Chain{
		Table: filter, Name: "OUTPUT", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter,
	})
	connection.AddRule(&nftables.Rule{Table: mangle, Chain: in, Exprs: all(
		protocol(unix.IPPROTO_ESP), spi(uint32(inbound.Spi)), verdict(expr.VerdictJump, mark.Name))})
	connection.AddRule(&nftables.Rule{Table: filter, Chain: output, Exprs: all(
		notESP(), policyNone(), marked(0x20000, 0, 0x20000, expr.CmpOpEq), verdict(expr.VerdictDrop, ""))})
	connection.AddRule(&nftables.Rule{Table: filter, Chain: output, Exprs: all(notESP(), verdict(expr.VerdictAccept, ""))})
	if err := connection.Flush(); err != nil {
		t.Skip("the kernel lacks a match of iptables: " + err.Error())
	}

	for range 2 { // The second time finds nothing to do.
		g.Expect(removeIPsec(t.Context())).To(Succeed())
		g.Expect(removeRules(t.Context())).To(Succeed())
		g.Expect(netlink.XfrmPolicyList(netlink.FAMILY_V4)).To(HaveLen(3))
		states, err := netlink.XfrmStateList(netlink.FAMILY_V4)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(states).To(HaveLen(1))
		g.Expect(states[0].Spi).To(Equal(foreign.Spi))
	}
	g.Expect(rules(t, connection, "mangle", "WEAVE-IPSEC-IN")).To(Equal(-1))
	g.Expect(rules(t, connection, "filter", "OUTPUT")).To(Equal(1))
}
