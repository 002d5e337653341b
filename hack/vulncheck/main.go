// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command vulncheck runs govulncheck on the operator as it is shipped, and says what it means for this project: vulncheck DATABASE
// PROGRAM. A known fault in a module, in code that the program has, is an error: a newer version mends it. One in Go's own library is
// printed, with the version of Go that mends it: which Go builds the program is up to who builds it. The program must have its
// symbols: without them, all faults of a module would count.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/vuln/scan"
)

// message is a part of govulncheck's JSON, of which a stream has many.
type message struct {
	// SBOM is what the program was made of. (Config has a Go version too: that of the go command in PATH, if govulncheck finds one.)
	SBOM *struct {
		GoVersion string `json:"go_version"`
	}
	Finding *finding
}

type finding struct {
	OSV          string
	FixedVersion string `json:"fixed_version"`
	// Trace begins with what has the fault. With a function, the program has it.
	Trace []struct{ Module, Version, Package, Function string }
}

// goLibrary is what govulncheck calls Go's own library.
const goLibrary = "stdlib"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: vulncheck DATABASE PROGRAM")
		os.Exit(2)
	}
	output, err := check(os.Args[1], os.Args[2])
	if err == nil {
		err = judge(output, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check runs govulncheck on a program. From its sources, who calls whom would be known besides; that takes minutes, and what nobody
// calls the linker has left out.
func check(database, program string) (io.Reader, error) {
	var output, said bytes.Buffer
	command := scan.Command(context.Background(), "-format=json", "-db="+database, "-mode=binary", program)
	command.Stdout, command.Stderr = &output, &said
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting govulncheck: %w", err)
	}
	if err := command.Wait(); err != nil {
		return nil, fmt.Errorf("govulncheck: %w\n%s", err, &said)
	}
	return &output, nil
}

// judge prints what was found and fails if anything of it is this project's to mend.
func judge(output io.Reader, to io.Writer) error {
	ours, goes, with := map[string]bool{}, map[string]bool{}, ""
	for decoder := json.NewDecoder(output); ; {
		var next message
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading what govulncheck says: %w", err)
		}
		if next.SBOM != nil {
			with = next.SBOM.GoVersion
		}
		if found := next.Finding; found != nil && len(found.Trace) > 0 && found.Trace[0].Function != "" {
			at := found.Trace[0]
			if at.Module == goLibrary {
				goes[fmt.Sprintf("%s in %s: mended in %s", found.OSV, at.Package, strings.Replace(found.FixedVersion, "v", "go", 1))] = true
				continue
			}
			ours[fmt.Sprintf("%s in %s %s: mended in %s", found.OSV, at.Module, at.Version, found.FixedVersion)] = true
		}
	}
	if with == "" {
		return errors.New("govulncheck said nothing")
	}
	fmt.Fprintf(to, "known faults in code that the operator has: %d in modules, %d in the library of %s\n", len(ours), len(goes), with)
	for _, found := range sorted(goes) {
		fmt.Fprintln(to, "  "+found)
	}
	if len(goes) > 0 {
		fmt.Fprintln(to, "What is in Go's library goes away when a newer Go builds the image.")
	}
	if len(ours) > 0 {
		return fmt.Errorf("go get a version that mends it:\n  %s", strings.Join(sorted(ours), "\n  "))
	}
	return nil
}

func sorted(set map[string]bool) []string {
	all := make([]string, 0, len(set))
	for one := range set {
		all = append(all, one)
	}
	slices.Sort(all)
	return all
}
