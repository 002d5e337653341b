// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line: egosh, egoconfig, soamview, and what only a test uses.
package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// Streams are a process's standard files.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	lines *bufio.Reader
}

func (s *Streams) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format, args...) }

func (s *Streams) complain(format string, args ...any) int {
	_, _ = fmt.Fprintf(s.Err, format+"\n", args...)
	return 1
}

// line reads one line of the standard input. All questions of a process share one reader, so that none of them takes
// the answer of the next.
func (s *Streams) line() (string, error) {
	if s.lines == nil {
		s.lines = bufio.NewReader(s.In)
	}
	text, err := s.lines.ReadString('\n')
	if err != nil && text == "" {
		return "", err
	}
	return strings.TrimSpace(text), nil
}

// confirm asks; anything but yes, and the end of the input, is no. The product's words are not documented.
func (s *Streams) confirm(question string) bool {
	s.printf("%s (y/n) ", question)
	answer, err := s.line()
	return err == nil && strings.HasPrefix(strings.ToLower(answer), "y")
}

// errUnreachable is what everybody gets while EGO is not up. The text is a guess.
var errUnreachable = errors.New("Cannot contact EGO: the master host does not answer")

// ask sends a request to the master's VEMKD, wherever this host is.
func ask(where install.Installation, request wire.Request) (wire.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, name := range where.MasterList() {
		address, err := where.Lookup(ctx, name)
		if err != nil {
			continue
		}
		port := where.Port("EGO_KD_PORT", where.Port("EGO_LIM_PORT", 7869)+1)
		target := net.JoinHostPort(address.String(), strconv.Itoa(port))
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
		if err != nil {
			continue
		}
		return exchange(connection, request)
	}
	return wire.Response{}, errUnreachable
}

func exchange(connection net.Conn, request wire.Request) (wire.Response, error) {
	defer func() { _ = connection.Close() }()
	var response wire.Response
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return response, err
	}
	if err := json.NewEncoder(connection).Encode(request); err != nil {
		return response, errUnreachable
	}
	if err := json.NewDecoder(connection).Decode(&response); err != nil {
		return response, errUnreachable
	}
	if response.Error != "" {
		return response, errors.New(response.Error)
	}
	return response, nil
}

// credentialFile is per operating system user and per container: another uid or pod has its own.
func credentialFile(where install.Installation) string {
	if file := os.Getenv("EGOCC_FILE"); file != "" {
		return file
	}
	cluster, err := where.ClusterName()
	if err != nil {
		cluster = "unknown"
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("secegocc_%s_%d", cluster, os.Getuid()))
}

func credential(where install.Installation) string {
	text, _ := os.ReadFile(credentialFile(where))
	return string(text)
}
