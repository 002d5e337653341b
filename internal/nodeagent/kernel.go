// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// feature is a module of the kernel's, with the option that builds it.
type feature struct{ module, option string }

// features are what Weave needs.
var features = []feature{
	{"br_netfilter", "CONFIG_BRIDGE_NETFILTER"},
	{"bridge", "CONFIG_BRIDGE"},
	{"dummy", "CONFIG_DUMMY"},
	{"ip_set", "CONFIG_IP_SET"},
	{"veth", "CONFIG_VETH"},
	{"xt_set", "CONFIG_NETFILTER_XT_SET"},
}

// openVSwitch is what the fast datapath needs. The kernel is not asked for it: it would load the module, on a node that is
// only looked at.
var openVSwitch = feature{"openvswitch", "CONFIG_OPENVSWITCH"}

// knowledge is what is known of a feature.
type knowledge int

const (
	unknown knowledge = iota
	present
	absent
)

// kernel tells what the node's kernel has.
type kernel struct {
	// modules is /lib/modules, loaded is /sys/module and config is /proc/config.gz.
	modules, loaded, config string
	// release names the directory of the running kernel's modules; "" asks the kernel.
	release string

	builtin, loadable remembered[map[string]bool]
	// options are the ones the kernel was built with; they do not change while it runs.
	options map[string]string
}

// inventory is what a look at the kernel found.
type inventory struct {
	// loaded is /sys/module.
	loaded string
	// links are the kinds of links that there are: one proves its module better than any file.
	links map[string]bool
	// builtin and installed are the running kernel's modules; nil if the list cannot be seen.
	builtin, installed map[string]bool
	// options are nil if they cannot be seen.
	options map[string]string
}

func (k *kernel) read(links []netlink.Link) (*inventory, error) {
	found := &inventory{loaded: k.loaded, links: map[string]bool{}}
	for _, link := range links {
		found.links[link.Type()] = true
	}
	release := k.release
	if release == "" {
		var name unix.Utsname
		if err := unix.Uname(&name); err != nil {
			return nil, fmt.Errorf("asking for the kernel's release: %w", err)
		}
		release = unix.ByteSliceToString(name.Release[:])
	}
	var err error
	if found.builtin, err = readModules(&k.builtin, filepath.Join(k.modules, release, "modules.builtin")); err != nil {
		return nil, err
	}
	if found.installed, err = readModules(&k.loadable, filepath.Join(k.modules, release, "modules.dep")); err != nil {
		return nil, err
	}
	if err := k.readOptions(); err != nil {
		return nil, err
	}
	found.options = k.options
	return found, nil
}

// missing are the features that the kernel is known to lack. Where it cannot be told, the feature is not among them: a
// refusal must have a reason.
func (i *inventory) missing() []string {
	var missing []string
	for _, needed := range features {
		if i.knows(needed) == absent {
			missing = append(missing, needed.module)
		}
	}
	return missing
}

// knows tells whether the kernel has a feature, or can load it.
func (i *inventory) knows(wanted feature) knowledge {
	if _, err := os.Stat(filepath.Join(i.loaded, wanted.module)); err == nil {
		return present
	}
	option, told := i.options[wanted.option]
	switch {
	case i.links[wanted.module], i.builtin[wanted.module], i.installed[wanted.module]:
		return present
	case option == "y":
		return present // Built in, and without parameters that it would show in /sys/module.
	case i.builtin != nil && i.installed != nil, i.options != nil && !told:
		// As a module it would be among the installed ones, or the kernel has been built without it.
		return absent
	case told:
		return present // As a module, and where these are cannot be seen.
	}
	return unknown
}

// readModules are the modules of a list; nil if it is not to be seen.
func readModules(list *remembered[map[string]bool], name string) (map[string]bool, error) {
	modules, err := list.read(name, parseModules)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kernel's %s: %w", filepath.Base(name), cause(err))
	}
	return modules, nil
}

// parseModules reads the names of a list of modules: `kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz …`.
func parseModules(list io.Reader) (map[string]bool, error) {
	modules := map[string]bool{}
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, 1<<20) // A module that needs many others has a long line.
	for lines.Scan() {
		file, _, _ := strings.Cut(lines.Text(), ":")
		if name, _, found := strings.Cut(path.Base(strings.TrimSpace(file)), ".ko"); found {
			modules[strings.ReplaceAll(name, "-", "_")] = true
		}
	}
	return modules, lines.Err()
}

func (k *kernel) readOptions() error {
	if k.options != nil {
		return nil
	}
	file, err := os.Open(k.config)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil // Many kernels do not tell, and some runtimes hide it.
	}
	if err != nil {
		return fmt.Errorf("reading how the kernel was built: %w", err)
	}
	defer func() { _ = file.Close() }()
	k.options, err = parseOptions(file)
	if err != nil {
		return fmt.Errorf("reading how the kernel was built: %w", err)
	}
	return nil
}

// parseOptions reads a kernel's options: `CONFIG_BRIDGE=y` or `=m`; one that is not set is in a comment.
func parseOptions(compressed io.Reader) (map[string]string, error) {
	text, err := gzip.NewReader(compressed)
	if err != nil {
		return nil, err
	}
	options := map[string]string{}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		option, value, found := strings.Cut(lines.Text(), "=")
		if found && strings.HasPrefix(option, "CONFIG_") {
			options[option] = value
		}
	}
	return options, lines.Err()
}

// remembered is what a file says, read again when the file has changed: the list of modules has thousands of lines, and
// the agent looks every few seconds.
type remembered[T any] struct {
	path     string
	modified time.Time
	size     int64
	value    T
}

func (r *remembered[T]) read(name string, parse func(io.Reader) (T, error)) (T, error) {
	var none T
	file, err := os.Open(name) //nolint:gosec // A path of the agent's configuration.
	if err != nil {
		return none, err
	}
	defer func() { _ = file.Close() }()
	state, err := file.Stat()
	if err != nil {
		return none, err
	}
	if r.path == name && r.size == state.Size() && r.modified.Equal(state.ModTime()) {
		return r.value, nil
	}
	value, err := parse(file)
	if err != nil {
		return none, err
	}
	*r = remembered[T]{path: name, modified: state.ModTime(), size: state.Size(), value: value}
	return value, nil
}
