// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Account is an EGO user.
type Account struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Role     string `json:"role,omitempty"`
}

// AccountsFile is where the users are stored.
func (i Installation) AccountsFile() string { return filepath.Join(i.ConfDir, "symsim-users.json") }

// NeedsPassword tells whether the installation is one without: since 7.3.2 there is no default password, and `egoconfig setpassword` comes before the first start.
func (i Installation) NeedsPassword() bool { return i.VersionAtLeast(4, 0) }

// HasPassword tells whether Admin has one.
func (i Installation) HasPassword() bool {
	_, err := os.Stat(i.AccountsFile())
	return err == nil || !i.NeedsPassword()
}

// Accounts are the users that were stored, or the built-in ones.
func (i Installation) Accounts() ([]Account, error) {
	text, err := os.ReadFile(i.AccountsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return []Account{
			{Name: "Admin", Password: "Admin", Role: "CLUSTER_ADMIN"},
			{Name: "Guest", Password: "Guest", Role: "CONSUMER_USER"},
		}, nil
	}
	if err != nil {
		return nil, err
	}
	var accounts []Account
	if err := json.Unmarshal(text, &accounts); err != nil {
		return nil, err
	}
	return accounts, nil
}

// SetAccounts stores the users.
func (i Installation) SetAccounts(accounts []Account) error {
	text, err := json.Marshal(accounts)
	if err != nil {
		return err
	}
	return WriteFile(i.AccountsFile(), text, 0o600)
}
