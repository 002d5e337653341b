// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
)

// Egoconfig configures a host. The product's words of success are not documented: only the exit status counts.
func Egoconfig(streams Streams, args []string) int {
	where, err := install.FromEnvironment()
	if err != nil {
		return streams.complain("egoconfig: %v", err)
	}
	if os.Geteuid() == 0 {
		return streams.complain("egoconfig: only the cluster administrator can run this command, not root")
	}
	if len(args) == 0 {
		return streams.complain("Usage: egoconfig join|setpassword|setentitlement|mghost|masterlist|addresourceattr|setbaseport")
	}
	this := &configurer{Streams: streams, Installation: where}
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		this.force = this.force || arg == "-f"
		return arg == "-f"
	})
	do, ok := map[string]func([]string) error{
		"join":            this.join,
		"setpassword":     this.setPassword,
		"setentitlement":  this.setEntitlement,
		"mghost":          this.managementHost,
		"masterlist":      this.masterList,
		"addresourceattr": this.addResourceAttr,
		"setbaseport":     this.setBasePort,
	}[args[0]]
	if !ok {
		return streams.complain("egoconfig: unknown subcommand %s", args[0])
	}
	if err := do(args[1:]); err != nil {
		return streams.complain("%v", err)
	}
	return 0
}

type configurer struct {
	Streams
	install.Installation

	force bool
}

var errDeclined = errors.New("nothing was changed")

// sure asks, unless -f was given.
func (c *configurer) sure(question string) error {
	if c.force || c.confirm(question) {
		return nil
	}
	return errDeclined
}

func one(args []string, usage string) (string, error) {
	if len(args) != 1 {
		return "", errors.New("Usage: egoconfig " + usage)
	}
	return args[0], nil
}

// join makes this host the master of a new cluster if it is its own argument, else a member of the named host's.
func (c *configurer) join(args []string) error {
	master, err := one(args, "join host [-f]")
	if err != nil {
		return err
	}
	cluster, err := c.ClusterName()
	if err != nil {
		return err
	}
	if len(c.MasterList()) > 0 {
		return fmt.Errorf("This host belongs to the cluster <%s>", cluster)
	}
	if err := c.sure("Do you want this host to join the cluster of <" + master + ">?"); err != nil {
		return err
	}
	if master != install.HostName() && os.Getenv("EGOCONFIG_DISABLE_HOST_CHECK") != "Y" {
		if err := c.check(master); err != nil {
			return fmt.Errorf("The master host <%s> cannot be contacted: %w", master, err)
		}
	}
	return c.SetMasterList([]string{master})
}

func (c *configurer) check(master string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	address, err := c.Lookup(ctx, master)
	if err != nil {
		return err
	}
	target := net.JoinHostPort(address.String(), strconv.Itoa(c.Port("EGO_LIM_PORT", 7869)))
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		return err
	}
	return connection.Close()
}

func (c *configurer) setPassword(args []string) error {
	if !c.NeedsPassword() {
		return errors.New("egoconfig: unknown subcommand setpassword")
	}
	if len(args) != 2 || args[0] != "-x" || args[1] == "" {
		return errors.New("Usage: egoconfig setpassword -x password [-f]")
	}
	if err := c.sure("Do you want to set the password of Admin?"); err != nil {
		return err
	}
	accounts, err := c.Accounts()
	if err != nil {
		return err
	}
	accounts[0].Password = args[1]
	return c.SetAccounts(accounts)
}

// setEntitlement checks that the file can be read and remembers its text, so that a test can see which was taken.
func (c *configurer) setEntitlement(args []string) error {
	file, err := one(args, "setentitlement file")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(text)) == "" {
		return fmt.Errorf("%s is no entitlement file", file)
	}
	if err := install.WriteFile(filepath.Join(c.ConfDir, "symsim-entitlement"), text, 0o664); err != nil {
		return err
	}
	return c.SetConf("EGO_ENTITLEMENT_FILE", file)
}

// managementHost copies the configuration to the shared directory, unless one is there: then this host takes that.
// From the next sourcing of the profile on, EGO_CONFDIR is the shared one.
func (c *configurer) managementHost(args []string) error {
	top, err := one(args, "mghost directory [-f]")
	if err != nil {
		return err
	}
	if !filepath.IsAbs(top) {
		return fmt.Errorf("%s is not an absolute path", top)
	}
	if len(c.MasterList()) == 0 {
		return errors.New("This host belongs to no cluster: run egoconfig join first")
	}
	if err := c.sure("Do you want to make this host a management host that shares " + top + "?"); err != nil {
		return err
	}
	shared := filepath.Join(top, "kernel", "conf")
	if _, err := os.Stat(filepath.Join(shared, "ego.conf")); err != nil {
		if err := os.MkdirAll(filepath.Dir(shared), 0o775); err != nil {
			return err
		}
		if err := os.CopyFS(shared, os.DirFS(c.LocalConfDir())); err != nil {
			return err
		}
	}
	return c.SetShared(shared)
}

// masterList: commas in, spaces and quotes stored; it counts after a restart of EGO.
func (c *configurer) masterList(args []string) error {
	list, err := one(args, "masterlist host[,host ...] [-f]")
	if err != nil {
		return err
	}
	return c.SetMasterList(strings.Split(list, ","))
}

// addResourceAttr stores the text; what it does to the host's attributes is not simulated.
func (c *configurer) addResourceAttr(args []string) error {
	text, err := one(args, "addresourceattr \"[resource name] [resourcemap value*name]\"")
	if err != nil {
		return err
	}
	return c.SetConf("EGO_LOCAL_RESOURCES", `"`+text+`"`)
}

func (c *configurer) setBasePort(args []string) error {
	text, err := one(args, "setbaseport number")
	if err != nil {
		return err
	}
	base, err := strconv.Atoi(text)
	if err != nil || base <= 0 || base > 65000 {
		return fmt.Errorf("%s is no port", text)
	}
	for at, key := range []string{"EGO_LIM_PORT", "EGO_KD_PORT", "EGO_PEM_PORT"} {
		if err := c.SetConf(key, strconv.Itoa(base+at)); err != nil {
			return err
		}
	}
	return nil
}
