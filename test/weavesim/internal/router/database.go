// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package router

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record is what a router keeps on its node.
type record struct {
	// StandIn says to whoever opens the file whose it is.
	StandIn string `json:"standIn"`
	Peer    string `json:"peer"`
	Range   string `json:"range"`
	// Claim is the node's address; while it is empty there was no agreement on the addresses.
	Claim string `json:"claim"`
}

// load reads what was kept. Of another peer or another range it is nothing: weaver wipes it then (facts 4.2).
func load(path, peer, ipRange string) (record, error) {
	empty := record{StandIn: "weavesim", Peer: peer, Range: ipRange}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, fmt.Errorf("reading the database: %w", err)
	}
	var kept record
	if err := json.Unmarshal(data, &kept); err != nil || kept.Peer != peer || kept.Range != ipRange {
		return empty, nil //nolint:nilerr // Whatever it is, it is wiped.
	}
	return kept, nil
}

func (r *record) save(path string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".weavesim")
	if err != nil {
		return fmt.Errorf("writing the database: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(append(data, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the database: %w", err)
	}
	return os.Rename(file.Name(), path)
}
