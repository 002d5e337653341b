// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// ownTables are the tables of iptables that Weave writes to. iptables-nft has them as nftables of the family ip.
var ownTables = []string{"filter", "nat", "mangle"}

// localAPIPort is the port that Weave closes to other nodes.
const localAPIPort = 6784

// removeRules removes Weave's chains and the rules that lead to them, in one transaction: the node's other rules are never
// without an order that somebody chose.
func removeRules(context.Context) error {
	connection, err := nftables.New()
	if err != nil {
		return fmt.Errorf("talking to nftables: %w", err)
	}
	chains, err := connection.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	if noNFTables(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the chains: %w", err)
	}
	var own []*nftables.Chain
	for _, chain := range chains {
		switch {
		case !slices.Contains(ownTables, chain.Table.Name):
		case isOwnChain(chain.Name):
			own = append(own, chain)
		case chain.Hooknum != nil: // INPUT and the like: nothing but them leads to Weave's chains.
			if err := removeRulesOf(connection, chain); err != nil {
				return err
			}
		}
	}
	// All are empty before the first one goes: they lead to each other.
	for _, chain := range own {
		connection.FlushChain(chain)
	}
	for _, chain := range own {
		connection.DelChain(chain)
	}
	if err := connection.Flush(); err != nil {
		return fmt.Errorf("writing the rules: %w", err)
	}
	return nil
}

func removeRulesOf(connection *nftables.Conn, chain *nftables.Chain) error {
	rules, err := connection.GetRules(chain.Table, chain)
	if err != nil {
		return fmt.Errorf("listing the rules of %s: %w", chain.Name, err)
	}
	for _, rule := range rules {
		if !isOwnRule(chain.Table.Name, chain.Name, rule.Exprs) {
			continue
		}
		if err := connection.DelRule(rule); err != nil {
			return fmt.Errorf("deleting a rule of %s: %w", chain.Name, err)
		}
	}
	return nil
}

// noNFTables says that the kernel has no nftables, and so no rules in them.
func noNFTables(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT)
}

// isOwnChain knows WEAVE, WEAVE-EXPOSE, WEAVE-NPC and its kin, WEAVE-IPSEC-* and WEAVE-CANARY.
func isOwnChain(name string) bool {
	return name == "WEAVE" || strings.HasPrefix(name, "WEAVE-")
}

// isOwnRule knows the rules that Weave puts into chains of others: those that lead to its chains, those that let traffic
// of its bridge pass, the one that closes its local API to other nodes, and the one that stops what IPsec should have
// encrypted and has not.
func isOwnRule(table, chain string, expressions []expr.Any) bool {
	rule := readRule(expressions)
	switch {
	case isOwnChain(rule.jump):
		return true
	case table == "filter" && chain == "FORWARD":
		return rule.in == bridgeName || rule.out == bridgeName
	case table == "filter" && chain == "INPUT":
		return rule.tcp && rule.port == localAPIPort && rule.drops
	case table == "filter" && chain == "OUTPUT":
		return rule.policy && rule.marked && rule.drops
	}
	return false
}

// rule is what of a rule tells whose it is.
type rule struct {
	in, out string // the links that a packet must come from and go to, by their whole names
	tcp     bool
	port    uint16 // the port that a packet must go to
	marked  bool   // a packet must have the mark of IPsec
	policy  bool   // and policies of IPsec, or none
	spi     uint32 // the number of the state of IPsec that a packet must be for; 0 is none
	jump    string
	drops   bool
}

// What a register holds, for the comparison that follows.
type loaded int

const (
	loadedOther loaded = iota
	loadedIn
	loadedOut
	loadedProtocol
	loadedPort
	loadedMark
	loadedOwnMark // what IPsec's mask leaves of it
)

// readRule follows a rule's expressions. What it does not know tells nothing.
func readRule(expressions []expr.Any) rule {
	var read rule
	registers := map[uint32]loaded{}
	for _, expression := range expressions {
		switch e := expression.(type) {
		case *expr.Meta:
			registers[e.Register] = ofMeta(e)
		case *expr.Payload:
			registers[e.DestRegister] = ofPayload(e)
		case *expr.Bitwise:
			registers[e.DestRegister] = ofBitwise(registers[e.SourceRegister], e)
		case *expr.Cmp:
			if e.Op == expr.CmpOpEq {
				read.compare(registers[e.Register], e.Data)
			}
		case *expr.Match:
			read.match(e)
		case *expr.Verdict:
			read.drops = e.Kind == expr.VerdictDrop
			if e.Kind == expr.VerdictJump || e.Kind == expr.VerdictGoto {
				read.jump = e.Chain
			}
		}
	}
	return read
}

func ofMeta(e *expr.Meta) loaded {
	switch {
	case e.SourceRegister: // It writes.
		return loadedOther
	case e.Key == expr.MetaKeyIIFNAME:
		return loadedIn
	case e.Key == expr.MetaKeyOIFNAME:
		return loadedOut
	case e.Key == expr.MetaKeyL4PROTO:
		return loadedProtocol
	case e.Key == expr.MetaKeyMARK:
		return loadedMark
	}
	return loadedOther
}

func ofBitwise(of loaded, e *expr.Bitwise) loaded {
	if of == loadedMark && isMark(e.Mask) && !slices.ContainsFunc(e.Xor, func(b byte) bool { return b != 0 }) {
		return loadedOwnMark
	}
	return loadedOther // A part of a port or of a name.
}

// isMark knows the mark of IPsec, as the kernel has it.
func isMark(data []byte) bool {
	return len(data) == 4 && binary.NativeEndian.Uint32(data) == ipsecMark
}

func ofPayload(e *expr.Payload) loaded {
	switch {
	case e.Base == expr.PayloadBaseNetworkHeader && e.Offset == 9 && e.Len == 1:
		return loadedProtocol
	case e.Base == expr.PayloadBaseTransportHeader && e.Offset == 2 && e.Len == 2:
		return loadedPort
	}
	return loadedOther
}

func (r *rule) compare(with loaded, data []byte) {
	switch with {
	case loadedIn:
		r.in = linkName(data)
	case loadedOut:
		r.out = linkName(data)
	case loadedProtocol:
		r.tcp = bytes.Equal(data, []byte{unix.IPPROTO_TCP})
	case loadedPort:
		if len(data) == 2 {
			r.port = binary.BigEndian.Uint16(data)
		}
	case loadedOwnMark:
		r.marked = isMark(data)
	case loadedMark, loadedOther:
	}
}

// linkName is a link's whole name. Without the zero at its end it is a beginning: -i weave+ is data without one.
func linkName(data []byte) string {
	name, _, whole := bytes.Cut(data, []byte{0})
	if !whole {
		return ""
	}
	return string(name)
}

// match reads what iptables-nft, its older versions more than others, leaves to the matches of iptables.
func (r *rule) match(e *expr.Match) {
	switch info := e.Info.(type) {
	case *xt.Tcp:
		if info.InvFlags&xt.TcpInvDestPorts != 0 {
			return
		}
		r.tcp = true
		if info.DstPorts[0] == info.DstPorts[1] {
			r.port = info.DstPorts[0]
		}
	case *xt.Unknown:
		r.matchUnknown(e.Name, *info)
	}
}

// matchUnknown reads the matches that the library leaves as the kernel's structs.
func (r *rule) matchUnknown(name string, info []byte) {
	const word = 4
	switch {
	case name == "policy":
		r.policy = true
	case len(info) <= 2*word || info[2*word] != 0: // Inverted, in both of the others.
	case name == "mark": // struct xt_mark_mtinfo1: mark, mask, invert
		r.marked = isMark(info[:word]) && isMark(info[word:2*word])
	case name == "esp" && bytes.Equal(info[:word], info[word:2*word]): // struct xt_esp: the first SPI, the last one, inverted
		r.spi = binary.NativeEndian.Uint32(info)
	}
}
