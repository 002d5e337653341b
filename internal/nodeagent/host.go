// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/symphony-operator/symphony-operator/api/v1alpha1"
)

const (
	// conflist is Weave's own network for the container runtime.
	conflist = "10-weave.conflist"
	// portmap is the plugin of others that Weave's network names.
	portmap = "portmap"
)

// host is what Weave would meet, or meets, on the node.
func (h *Host) host(links []netlink.Link) (v1alpha1.WeaveHost, error) {
	found := v1alpha1.WeaveHost{Links: ownLinks(links)}
	var err error
	if found.Machine, found.Missing, err = h.machine(); err != nil {
		return found, err
	}
	if found.Routes, err = listRoutes(h.IPRange, links); err != nil {
		return found, err
	}
	if found.Ports, err = listPorts(filepath.Join(h.ProcDir, "net")); err != nil {
		return found, err
	}
	if found.Password, err = h.password(); err != nil {
		return found, err
	}
	kernel, err := h.kernel.read(links)
	if err != nil {
		return found, err
	}
	found.OpenVSwitch = kernel.knows(openVSwitch) == present
	for _, module := range kernel.missing() {
		found.Missing = append(found.Missing, "kernel: "+module)
	}
	files, missing, err := h.cni()
	if err != nil {
		return found, err
	}
	found.CNIFiles = files
	found.Missing = append(found.Missing, missing...)
	slices.Sort(found.Missing)
	return found, nil
}

// machine stands for the machine's ID, which systemd wants kept from untrusted places; "" for a machine without one. A
// router does not start on a node that has no such file.
func (h *Host) machine() (digest string, missing []string, err error) {
	id, err := os.ReadFile(h.MachineID.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", []string{"file: " + h.MachineID.name()}, nil
	case err != nil:
		return "", nil, fmt.Errorf("reading %s: %w", h.MachineID.name(), cause(err))
	}
	id = bytes.TrimSpace(id)
	if len(id) == 0 {
		return "", nil, nil
	}
	sum := sha256.Sum256(append([]byte("symphony-operator"), id...))
	return hex.EncodeToString(sum[:])[:16], nil, nil
}

// cni lists the networks of other kinds, and what Weave needs of the container runtime and does not find.
func (h *Host) cni() (files, missing []string, err error) {
	entries, err := os.ReadDir(h.CNIConfig.Path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		// Said where a preflight looks: a network that cannot be seen may be there.
		missing = append(missing, "unreadable: "+h.CNIConfig.name())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("listing the networks in %s: %w", h.CNIConfig.name(), cause(err))
	}
	for _, entry := range entries {
		name := entry.Name()
		switch filepath.Ext(name) {
		case ".conf", ".conflist", ".json":
			if name != conflist && !entry.IsDir() {
				files = append(files, name)
			}
		}
	}
	_, err = os.Stat(filepath.Join(h.CNIBin.Path, portmap))
	switch {
	case errors.Is(err, fs.ErrPermission):
		missing = append(missing, "unreadable: "+h.CNIBin.name())
	case errors.Is(err, fs.ErrNotExist):
		missing = append(missing, "file: "+filepath.Join(h.CNIBin.name(), portmap))
	case err != nil:
		return nil, nil, fmt.Errorf("looking for the plugin %s in %s: %w", portmap, h.CNIBin.name(), cause(err))
	}
	slices.Sort(files)
	return files, missing, nil
}

// password tells whether the Secret's key is there, by its file alone. An empty password is none for Weave.
func (h *Host) password() (v1alpha1.WeaveSecretPresence, error) {
	if h.PasswordFile == "" {
		return "", nil
	}
	state, err := os.Stat(h.PasswordFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v1alpha1.SecretMissing, nil
	case err != nil:
		return "", fmt.Errorf("looking for the password: %w", cause(err))
	case state.Size() == 0:
		return v1alpha1.SecretMissing, nil
	}
	return v1alpha1.SecretPresent, nil
}
