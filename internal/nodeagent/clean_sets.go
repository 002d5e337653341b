// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/util/wait"
)

// ownSetNames are Weave's ipsets.
var ownSetNames = []string{"weaver-no-masq-local", "weave-*"}

const (
	setsEvery = 100 * time.Millisecond
	setsTime  = 3 * time.Second
	// setNamesOnly is IPSET_FLAG_LIST_SETNAME: the sets without what is in them.
	setNamesOnly = 1 << 1
)

// errSetInUse says that a rule, or another set, needs a set.
var errSetInUse = errors.New("in use")

// removeSets removes Weave's ipsets. A set that is in use is refused, and both uses take a moment to end: the kernel lets
// go of deleted rules in the background, and a set can be in another one, which is removed in the same round.
func removeSets(ctx context.Context) error {
	var problem error
	err := wait.PollUntilContextTimeout(ctx, setsEvery, setsTime, true, func(context.Context) (bool, error) {
		problem = removeSetsOnce()
		return !errors.Is(problem, errSetInUse), nil
	})
	if problem != nil {
		return problem
	}
	return err
}

// removeSetsOnce gives one error for all of a kind, by the pattern: the names of a policy's sets are hashes. What may pass
// by itself counts only when nothing else is wrong.
func removeSetsOnce() error {
	names, err := listSets()
	if err != nil {
		return fmt.Errorf("listing the sets: %w", err)
	}
	var problem, inUse error
	for _, pattern := range ownSetNames {
		for _, name := range names {
			if matched, err := path.Match(pattern, name); err != nil || !matched {
				continue
			}
			err := netlink.IpsetDestroy(name)
			switch {
			case err == nil, errors.Is(err, unix.ENOENT):
			case errors.Is(err, nl.IPSetError(nl.IPSET_ERR_BUSY)):
				inUse = fmt.Errorf("%s: %w", pattern, errSetInUse)
			default:
				problem = fmt.Errorf("%s: %w", pattern, err)
			}
		}
	}
	return cmp.Or(problem, inUse)
}

// listSets are the names of all ipsets.
func listSets() ([]string, error) {
	messages, err := dump(func() ([][]byte, error) {
		request := nl.NewNetlinkRequest(nl.IPSET_CMD_LIST|unix.NFNL_SUBSYS_IPSET<<8, nl.GetIpsetFlags(nl.IPSET_CMD_LIST))
		request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_INET, Version: nl.NFNETLINK_V0})
		request.AddData(nl.NewRtAttr(nl.IPSET_ATTR_PROTOCOL, nl.Uint8Attr(nl.IPSET_PROTOCOL)))
		request.AddData(&nl.Uint32Attribute{Type: nl.IPSET_ATTR_FLAGS | nl.NLA_F_NET_BYTEORDER, Value: setNamesOnly})
		return request.Execute(unix.NETLINK_NETFILTER, 0)
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, nil // The kernel has no ipset.
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, message := range messages {
		for attribute := range nl.ParseAttributes(message[nl.SizeofNfgenmsg:]) {
			if attribute.Type == nl.IPSET_ATTR_SETNAME {
				names = append(names, nl.BytesToString(attribute.Value))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
