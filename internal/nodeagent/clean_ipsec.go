// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// With a password, Weave encrypts the fast datapath by IPsec: what is for another node gets a mark, a policy for each other
// node sends what has it through ESP, and a state for each direction has a key.
const (
	// ipsecMark is the mark, and its own mask.
	ipsecMark = 0x20000
	// ipsecCipher is what Weave encrypts with.
	ipsecCipher = "rfc4106(gcm(aes))"
	// markedTable and markedChain have a rule for each inbound state, which names it.
	markedTable, markedChain = "mangle", "WEAVE-IPSEC-IN"
)

// ipsec is by what Weave's states are known: they have no mark.
type ipsec struct {
	// inbound are the numbers (SPI) of those that rules name.
	inbound map[uint32]bool
	// pairs are the ends of Weave's policies, each way.
	pairs map[[2]netip.Addr]bool
}

// removeIPsec removes Weave's policies of IPsec, and its states with their keys.
//
// What is left: states of a router that was killed (which forgets its rules and policies when it starts again, but not its
// states) towards a node to which it has no connection any more. Nothing on the node tells them from somebody else's. They
// encrypt nothing, and go with the next reboot.
func removeIPsec(context.Context) error {
	policies, err := dump(func() ([]netlink.XfrmPolicy, error) { return netlink.XfrmPolicyList(netlink.FAMILY_V4) })
	if noIPsec(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the policies: %w", err)
	}
	inbound, err := listInbound()
	if err != nil {
		return err
	}
	own := &ipsec{inbound: inbound, pairs: map[[2]netip.Addr]bool{}}
	for i := range policies {
		own.add(&policies[i])
	}
	// The states come first: after a crash between the two, the policies still name them.
	if err := own.removeStates(); err != nil {
		return err
	}
	for i := range policies {
		if !isOwnPolicy(&policies[i]) {
			continue
		}
		if err := netlink.XfrmPolicyDel(&policies[i]); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("deleting a policy: %w", err)
		}
	}
	return nil
}

// noIPsec says that the kernel has no IPsec, and so nothing of Weave's in it.
func noIPsec(err error) bool {
	for _, known := range []error{unix.EPROTONOSUPPORT, unix.EOPNOTSUPP, unix.ENOPROTOOPT, unix.EAFNOSUPPORT, unix.ESOCKTNOSUPPORT} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// isOwnPolicy knows the policies that Weave itself knows by their mark, and looks at the rest of them as well.
func isOwnPolicy(policy *netlink.XfrmPolicy) bool {
	return policy.Mark != nil && policy.Mark.Value == ipsecMark && policy.Mark.Mask == ipsecMark &&
		policy.Dir == netlink.XFRM_DIR_OUT && policy.Proto == unix.IPPROTO_UDP &&
		len(policy.Tmpls) == 1 && policy.Tmpls[0].Proto == netlink.XFRM_PROTO_ESP && policy.Tmpls[0].Mode == netlink.XFRM_MODE_TRANSPORT
}

// add takes the ends of a policy, if it is Weave's. Not the number that it names: a connection that was made anew has
// another one, and the state of the former is still there.
func (i *ipsec) add(policy *netlink.XfrmPolicy) {
	if !isOwnPolicy(policy) {
		return
	}
	from, to := endOf(policy.Tmpls[0].Src), endOf(policy.Tmpls[0].Dst)
	i.pairs[[2]netip.Addr{from, to}] = true
	i.pairs[[2]netip.Addr{to, from}] = true
}

func endOf(ip net.IP) netip.Addr {
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap()
}

// owns knows Weave's states. Those of the programs that exchange keys (strongSwan and its like) have a request's number,
// which Weave's have not, also where they protect the same two nodes.
func (i *ipsec) owns(state *netlink.XfrmState) bool {
	if state.Proto != netlink.XFRM_PROTO_ESP || state.Mode != netlink.XFRM_MODE_TRANSPORT || state.Reqid != 0 || state.Mark != nil {
		return false
	}
	if i.inbound[uint32(state.Spi)] {
		return true
	}
	return state.Aead != nil && state.Aead.Name == ipsecCipher && i.pairs[[2]netip.Addr{endOf(state.Src), endOf(state.Dst)}]
}

func (i *ipsec) removeStates() error {
	if len(i.inbound) == 0 && len(i.pairs) == 0 {
		return nil
	}
	states, err := dump(func() ([]netlink.XfrmState, error) { return netlink.XfrmStateList(netlink.FAMILY_V4) })
	if err != nil {
		return fmt.Errorf("listing the states: %w", err)
	}
	for at := range states {
		if !i.owns(&states[at]) {
			continue
		}
		if err := netlink.XfrmStateDel(&states[at]); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("deleting a state: %w", err)
		}
	}
	return nil
}

// listInbound are the numbers of the inbound states, by the rules that give their packets the mark. iptables-legacy's cannot
// be read: there, the states are known by the policies alone, which a connection lacks that was only begun.
func listInbound() (map[uint32]bool, error) {
	connection, err := nftables.New()
	if err != nil {
		return nil, fmt.Errorf("talking to nftables: %w", err)
	}
	chains, err := connection.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	if noNFTables(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the chains: %w", err)
	}
	inbound := map[uint32]bool{}
	for _, chain := range chains {
		if chain.Table.Name != markedTable || chain.Name != markedChain {
			continue
		}
		rules, err := connection.GetRules(chain.Table, chain)
		if err != nil {
			return nil, fmt.Errorf("listing the rules of %s: %w", chain.Name, err)
		}
		for _, rule := range rules {
			if spi := readRule(rule.Exprs).spi; spi != 0 {
				inbound[spi] = true
			}
		}
	}
	return inbound, nil
}
