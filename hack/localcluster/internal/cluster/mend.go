// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mend is a change to one file of a program's module, made when the program is built. Once the module does not have the text any more, the build
// fails: then its authors have changed that place, and the mend may not be needed.
type mend struct {
	module, file, from, to string
}

// kwokResumes has kwok begin a watch that the API server has ended where it was. Version 0.8.0 asks for version 0 each time, which is all that
// there is: of 30,000 pods, watches are ended hundreds of times, because the API server ends those that are slow, and each time all pods that were
// there came again, were looked at, and some of them made ready a second time. kwok took three times its CPU for a pod, and how long pods took was
// decided by how often that happened.
var kwokResumes = mend{
	module: "sigs.k8s.io/kwok", file: "pkg/utils/informer/event.go",
	from: `if !o.EnableListPager || o.EnableStreamWatch {`,
	to:   `if opts.ResourceVersion == "" && (!o.EnableListPager || o.EnableStreamWatch) {`,
}

// mended copies the module, mends the copy, and returns the arguments that have `go` take it: it does not let a file be replaced where modules are
// kept. Paths are left out of what is compiled, or each clone of the project would compile and link it again.
func (c *Cluster) mended(ctx context.Context, one binary) ([]string, error) {
	original, err := c.moduleDirectory(ctx, one.module, one.mend.module)
	if err != nil {
		return nil, err
	}
	to, file := c.in(one.name+".mended"), filepath.FromSlash(one.mend.file)
	source, err := os.ReadFile(filepath.Join(original, file))
	if err != nil {
		return nil, fmt.Errorf("mending %s: %w", one.name, err)
	}
	changed, err := one.mend.of(string(source))
	if err != nil {
		return nil, fmt.Errorf("mending %s: %w", filepath.Join(original, file), err)
	}
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(original))); err != nil {
		return nil, fmt.Errorf("copying %s: %w", original, err)
	}
	if err := c.write(filepath.Join(to, file), changed); err != nil {
		return nil, err
	}
	for _, list := range []struct{ suffix, more string }{{".mod", "\nreplace " + one.mend.module + " => " + to + "\n"}, {".sum", ""}} {
		text, err := os.ReadFile(filepath.Join(c.Source, "binaries", one.module, "go"+list.suffix))
		if err != nil {
			return nil, fmt.Errorf("mending %s: %w", one.name, err)
		}
		if err := c.write(to+list.suffix, string(text)+list.more); err != nil {
			return nil, err
		}
	}
	return []string{"-trimpath", "-modfile=" + to + ".mod"}, nil
}

// of is the mended source.
func (m *mend) of(source string) (string, error) {
	if found := strings.Count(source, m.from); found != 1 {
		return "", fmt.Errorf("%q is there %d times and not once: see whether it still has to be mended", m.from, found)
	}
	return strings.Replace(source, m.from, m.to, 1), nil
}

// moduleDirectory is where the source of a module is that the programs of one of ours are built from. It is downloaded if it is not there: on a new
// machine nothing has been built from it.
func (c *Cluster) moduleDirectory(ctx context.Context, ours, module string) (string, error) {
	inModule := []string{"env", "GOFLAGS=", "GOWORK=off", "go", "-C", filepath.Join(c.Source, "binaries", ours)}
	if _, err := run(ctx, slices.Concat(inModule, []string{"mod", "download", module})...); err != nil {
		return "", err
	}
	printed, err := run(ctx, slices.Concat(inModule, []string{"list", "-m", "-f", "{{.Dir}}", module})...)
	return strings.TrimSpace(printed), err
}
