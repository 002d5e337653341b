// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ownLinkNames are Weave's links, in the order to remove them in: what is attached to a bridge goes before it. vethwe*
// are the bridge's and, as vethwepl*, those of pods. vxlan-6784 is the fast datapath's.
var ownLinkNames = []string{"vethwe*", "vxlan-6784", bridgeName, datapathName}

// removeLinks removes the node's ends; the other ends, in pods, go with them.
func removeLinks(context.Context) error {
	links, err := listLinks()
	if err != nil {
		return err
	}
	var problems []error
	for _, pattern := range ownLinkNames {
		// One error for all of a kind, by the pattern: the names of pods' links are random.
		var problem error
		for _, link := range links {
			if matched, err := path.Match(pattern, link.Attrs().Name); err != nil || !matched {
				continue
			}
			if err := removeLink(link); err != nil && !errors.Is(err, unix.ENODEV) { // Gone with its other end.
				problem = fmt.Errorf("%s: %w", pattern, err)
			}
		}
		problems = append(problems, problem)
	}
	return errors.Join(problems...)
}

func removeLink(link netlink.Link) error {
	if link.Type() == "openvswitch" {
		return removeDatapath(link.Attrs().Index)
	}
	return netlink.LinkDel(link)
}

// Of the kernel's uapi/linux/openvswitch.h.
const (
	openVSwitchFamily = "ovs_datapath"
	datapathDelete    = 2 // OVS_DP_CMD_DEL
	datapathVersion   = 2 // OVS_DATAPATH_VERSION
)

// removeDatapath removes a datapath of openvswitch, which is refused as a link (weaveworks/weave#3817).
func removeDatapath(index int) error {
	family, err := netlink.GenlFamilyGet(openVSwitchFamily)
	if err != nil {
		return fmt.Errorf("asking for openvswitch: %w", err)
	}
	_, err = datapathRequest(family.ID, index).Execute(unix.NETLINK_GENERIC, 0)
	return err
}

func datapathRequest(family uint16, index int) *nl.NetlinkRequest {
	request := nl.NewNetlinkRequest(int(family), unix.NLM_F_ACK)
	request.AddData(&nl.Genlmsg{Command: datapathDelete, Version: datapathVersion})
	// struct ovs_header: the datapath is named by the index of its link.
	request.AddRawData(binary.NativeEndian.AppendUint32(nil, uint32(index)))
	return request
}
