// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// users are EGO's own accounts. They are in the configuration directory, so they live as long as it does.
type users struct {
	mutex       sync.Mutex
	where       install.Installation
	share       *share
	accounts    []install.Account
	credentials map[string]string // credential to user name
}

var (
	errNotLoggedOn = errors.New("You must log on before you run this command")
	errRole        = errors.New("You do not have the permission to run this command")
	errPassword    = errors.New("Password is invalid: at most 40 characters, none of < > &")
	userName       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 _-]{0,31}$`)
)

// The roles that the product has.
var roles = []string{"CLUSTER_ADMIN", "CLUSTER_READONLY_ADMIN", "CONSUMER_ADMIN", "CONSUMER_USER"}

func loadUsers(where install.Installation, share *share) (*users, error) {
	accounts, err := where.Accounts()
	if err != nil {
		return nil, err
	}
	return &users{where: where, share: share, accounts: accounts, credentials: map[string]string{}}, nil
}

func (u *users) logon(name, password string) (string, error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	account := u.find(name)
	if account == nil || account.Password != password {
		return "", errors.New("User name or password is not valid")
	}
	credential := rand.Text()
	u.credentials[credential] = name
	return credential, nil
}

// mayAdminister tells whether a credential is a cluster administrator's.
func (u *users) mayAdminister(credential string) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	account := u.find(u.credentials[credential])
	if account == nil {
		return errNotLoggedOn
	}
	if account.Role != "CLUSTER_ADMIN" {
		return errRole
	}
	return nil
}

func (u *users) add(name, password string) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if !userName.MatchString(name) {
		return fmt.Errorf("User name < %s > is not valid", name)
	}
	if err := checkPassword(password); err != nil {
		return err
	}
	if u.find(name) != nil {
		return fmt.Errorf("User account < %s > already exists", name)
	}
	u.accounts = append(u.accounts, install.Account{Name: name, Password: password})
	return u.store()
}

func (u *users) modify(name, password string) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if err := checkPassword(password); err != nil {
		return err
	}
	account := u.find(name)
	if account == nil {
		return fmt.Errorf("User account < %s > does not exist", name)
	}
	account.Password = password
	return u.store()
}

func (u *users) remove(name string) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.find(name) == nil {
		return fmt.Errorf("User account < %s > does not exist", name)
	}
	u.accounts = slices.DeleteFunc(u.accounts, func(a install.Account) bool { return a.Name == name })
	return u.store()
}

func (u *users) assign(name, role string) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if !slices.Contains(roles, role) {
		return fmt.Errorf("Role <%s> does not exist", role)
	}
	account := u.find(name)
	if account == nil {
		return fmt.Errorf("User account < %s > does not exist", name)
	}
	account.Role = role
	return u.store()
}

func (u *users) store() error {
	return u.share.write(u.where.AccountsFile(), func() error { return u.where.SetAccounts(u.accounts) })
}

func (u *users) list() []wire.User {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	var list []wire.User
	for _, account := range u.accounts {
		list = append(list, wire.User{Name: account.Name, Role: account.Role})
	}
	return list
}

func (u *users) find(name string) *install.Account {
	for at := range u.accounts {
		if u.accounts[at].Name == name {
			return &u.accounts[at]
		}
	}
	return nil
}

func checkPassword(password string) error {
	if password == "" || len(password) > 40 || strings.ContainsAny(password, "<>&") {
		return errPassword
	}
	return nil
}
