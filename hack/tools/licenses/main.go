// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command licenses lists the licences of what is linked into the program of a directory, a line a module, and fails if one of
// them is not among those that this project takes: licenses DIRECTORY FILE.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed ask for no more than a notice.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// leastCoverage is how much of a file, in percent, must be the text of known licences.
const leastCoverage = 70

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)([-.].*)?$`)

// linked is a package of the program, as `go list` has it.
type linked struct {
	Dir    string
	Module *struct {
		Path, Dir string
		Main      bool
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: licenses DIRECTORY FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(directory, file string) error {
	packages, err := list(directory)
	if err != nil {
		return err
	}
	text, err := table(packages)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}

// list has the packages of the program as it is built for its image, whatever machine this is.
func list(directory string) ([]linked, error) {
	command := exec.CommandContext(context.Background(), "go", "list", "-deps", "-json=Dir,Module", ".")
	command.Dir, command.Stderr = directory, os.Stderr
	command.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	var all []linked
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var next linked
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what go list says: %w", err)
		}
		// Go's own library has no module.
		if next.Module != nil && !next.Module.Main {
			all = append(all, next)
		}
	}
}

// table is the list, and an error for every module that is not to be linked.
func table(packages []linked) (string, error) {
	licences, looked := map[string]map[string]bool{}, map[string]bool{}
	var failed []error
	for _, one := range packages {
		if licences[one.Module.Path] == nil {
			licences[one.Module.Path] = map[string]bool{}
		}
		directory, err := nearest(one.Dir, one.Module.Dir)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", one.Module.Path, err))
			continue
		}
		if looked[directory] {
			continue
		}
		looked[directory] = true
		found, err := licencesIn(directory)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", one.Module.Path, err))
		}
		for _, licence := range found {
			licences[one.Module.Path][licence] = true
		}
	}
	var text strings.Builder
	text.WriteString("module,licences\n")
	for _, module := range slices.Sorted(maps.Keys(licences)) {
		fmt.Fprintf(&text, "%s,%s\n", module, strings.Join(slices.Sorted(maps.Keys(licences[module])), " AND "))
	}
	return text.String(), errors.Join(failed...)
}

// nearest is the directory, from the package's upwards to its module's, that has a licence: a package may have one of its own.
func nearest(directory, module string) (string, error) {
	for at := directory; ; at = filepath.Dir(at) {
		files, err := files(at)
		if err != nil {
			return "", err
		}
		if len(files) > 0 {
			return at, nil
		}
		if at == module || len(at) <= len(module) {
			return "", errors.New("there is no licence")
		}
	}
}

func files(directory string) ([]string, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("looking for a licence: %w", err)
	}
	var found []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && licenceFile.MatchString(entry.Name()) && filepath.Ext(entry.Name()) != ".go" {
			found = append(found, filepath.Join(directory, entry.Name()))
		}
	}
	return found, nil
}

// licencesIn are those of the files of a directory.
func licencesIn(directory string) ([]string, error) {
	names, err := files(directory)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading a licence: %w", err)
		}
		found := licensecheck.Scan(text)
		if found.Percent < leastCoverage {
			return nil, fmt.Errorf("%s is no licence that is known (%.0f %% of it are)", filepath.Base(name), found.Percent)
		}
		for _, match := range found.Match {
			if !slices.Contains(allowed, match.ID) {
				return nil, fmt.Errorf("%s is %s, which is not among %s", filepath.Base(name), match.ID, strings.Join(allowed, ", "))
			}
			all = append(all, match.ID)
		}
	}
	return all, nil
}
