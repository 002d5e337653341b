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

// features are what Weave needs of the kernel, with the option that builds each.
var features = []struct{ module, option string }{
	{"br_netfilter", "CONFIG_BRIDGE_NETFILTER"},
	{"bridge", "CONFIG_BRIDGE"},
	{"dummy", "CONFIG_DUMMY"},
	{"ip_set", "CONFIG_IP_SET"},
	{"veth", "CONFIG_VETH"},
	{"xt_set", "CONFIG_NETFILTER_XT_SET"},
}

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

// missing are the features that the kernel is known to lack. Where it cannot be told, the feature is not among them: a
// refusal must have a reason.
func (k *kernel) missing(links []netlink.Link) ([]string, error) {
	present := map[string]bool{}
	for _, link := range links {
		present[link.Type()] = true // A link of a kind proves it better than any file.
	}
	complete, err := k.addModules(present)
	if err != nil {
		return nil, err
	}
	if err := k.readOptions(); err != nil {
		return nil, err
	}
	var missing []string
	for _, feature := range features {
		if _, err := os.Stat(filepath.Join(k.loaded, feature.module)); err == nil || present[feature.module] {
			continue
		}
		option, told := k.options[feature.option]
		switch {
		case option == "y":
			// Built in, and without parameters that it would show in /sys/module.
		case complete, k.options != nil && !told:
			// As a module it would be among the installed ones, or the kernel has been built without it.
			missing = append(missing, feature.module)
		}
	}
	return missing, nil
}

// addModules adds the modules of the running kernel, built in and installed; false if they are not to be seen.
func (k *kernel) addModules(present map[string]bool) (complete bool, err error) {
	release := k.release
	if release == "" {
		var name unix.Utsname
		if err := unix.Uname(&name); err != nil {
			return false, fmt.Errorf("asking for the kernel's release: %w", err)
		}
		release = unix.ByteSliceToString(name.Release[:])
	}
	complete = true
	for file, list := range map[string]*remembered[map[string]bool]{
		"modules.builtin": &k.builtin, "modules.dep": &k.loadable,
	} {
		modules, err := list.read(filepath.Join(k.modules, release, file), parseModules)
		if errors.Is(err, fs.ErrNotExist) {
			complete = false
			continue
		}
		if err != nil {
			return false, fmt.Errorf("reading the kernel's modules: %w", err)
		}
		for module := range modules {
			present[module] = true
		}
	}
	return complete, nil
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
