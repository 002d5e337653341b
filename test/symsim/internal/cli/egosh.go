// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// shell is one egosh process.
type shell struct {
	Streams
	install.Installation
}

type verb func(*shell, []string) int

// verbs is a function because the prompt, a verb's way in, needs the verbs.
func verbs() map[string]verb {
	return map[string]verb{
		"ego start":    (*shell).egoStart,
		"ego shutdown": (*shell).egoShutdown,
		"ego restart":  (*shell).egoRestart,
		"ego info":     (*shell).egoInfo,

		"resource list":   (*shell).resourceList,
		"resource view":   (*shell).resourceView,
		"resource close":  (*shell).resourceClose,
		"resource open":   (*shell).resourceOpen,
		"resource remove": (*shell).resourceRemove,

		"alloc list":    (*shell).allocList,
		"activity list": (*shell).activityList,
		"service list":  (*shell).serviceList,
		"service view":  (*shell).serviceView,
		"client view":   (*shell).clientView,

		"entitlement info": (*shell).entitlementInfo,

		"user logon":      (*shell).userLogon,
		"user logoff":     (*shell).userLogoff,
		"user add":        (*shell).userAdd,
		"user modify":     (*shell).userModify,
		"user delete":     (*shell).userDelete,
		"user assignrole": (*shell).userAssignRole,
		"user list":       (*shell).userList,
	}
}

// Egosh is EGO's command line. Without arguments it reads commands, as the product does.
func Egosh(streams Streams, args []string) int {
	where, err := install.FromEnvironment()
	if err != nil {
		return streams.complain("egosh: %v", err)
	}
	this := &shell{Streams: streams, Installation: where}
	if len(args) == 0 {
		return this.interactive()
	}
	return this.run(args)
}

// run does one command: its first two words name it.
func (s *shell) run(args []string) int {
	switch args[0] {
	case "-h":
		return s.usage()
	case "-V":
		return s.complain("Symphony simulator, EGO %s: not IBM Spectrum Symphony", s.Conf("EGO_VERSION"))
	}
	if len(args) < 2 {
		return s.usage()
	}
	do, ok := verbs()[args[0]+" "+args[1]]
	if !ok {
		return s.usage()
	}
	return do(s, args[2:])
}

func (s *shell) usage() int {
	return s.complain("Usage: egosh ego|resource|alloc|activity|service|client|entitlement|user <subcommand> [options]")
}

// interactive: the prompt's text and the exit status are guesses, and so is that words are split at white space. That it
// reads a pipe is one too: SYMSIM_NO_PROMPT=Y is a product that does not.
func (s *shell) interactive() int {
	if os.Getenv("SYMSIM_NO_PROMPT") == "Y" {
		return s.complain("egosh: the standard input is not a terminal")
	}
	for {
		s.printf("egosh> ")
		line, err := s.line()
		words := strings.Fields(line)
		switch {
		case err != nil, line == "quit", line == "exit":
			s.printf("\n")
			return 0
		case len(words) > 0:
			s.run(words)
		}
	}
}

// ask adds the credential of this user.
func (s *shell) ask(request wire.Request) (wire.Response, error) {
	request.Credential = credential(s.Installation)
	return ask(s.Installation, request)
}

// options takes flags off the front of the arguments: those in withValue have a value. It reports an unknown one.
func options(args []string, withValue, without string) (flags map[string]string, rest []string, unknown string) {
	flags = map[string]string{}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		name := args[0]
		args = args[1:]
		switch {
		case contains(without, name):
			flags[name] = "yes"
		case contains(withValue, name) && len(args) > 0:
			flags[name], args = args[0], args[1:]
		default:
			return nil, nil, name
		}
	}
	return flags, args, ""
}

func contains(list, name string) bool {
	for word := range strings.FieldsSeq(list) {
		if word == name {
			return true
		}
	}
	return false
}

func (s *shell) userLogon(args []string) int {
	flags, _, unknown := options(args, "-u -x", "")
	if unknown != "" || flags["-u"] == "" {
		return s.complain("Usage: egosh user logon -u user -x password")
	}
	response, err := s.ask(wire.Request{Verb: "user logon", User: flags["-u"], Password: flags["-x"]})
	if err != nil {
		return s.complain("%v", err)
	}
	if err := install.WriteFile(credentialFile(s.Installation), []byte(response.Credential), 0o600); err != nil {
		return s.complain("%v", err)
	}
	s.printf("Logged on successfully\n")
	return 0
}

func (s *shell) userLogoff([]string) int {
	if err := os.Remove(credentialFile(s.Installation)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.complain("%v", err)
	}
	s.printf("Logged off successfully\n")
	return 0
}

func (s *shell) userAdd(args []string) int {
	flags, _, unknown := options(args, "-u -x -e -t", "")
	if unknown != "" {
		return s.complain("egosh user add: unknown option %s", unknown)
	}
	if _, err := s.ask(wire.Request{Verb: "user add", User: flags["-u"], Password: flags["-x"]}); err != nil {
		return s.complain("%v", err)
	}
	s.printf("User account < %s > added successfully\n", flags["-u"])
	return 0
}

// userModify asks before it changes Admin, and only then.
func (s *shell) userModify(args []string) int {
	flags, _, unknown := options(args, "-u -x -e -t", "")
	if unknown != "" {
		return s.complain("egosh user modify: unknown option %s", unknown)
	}
	if flags["-u"] == "Admin" && !s.confirm("Do you want to modify the account of the cluster administrator?") {
		return 1
	}
	if _, err := s.ask(wire.Request{Verb: "user modify", User: flags["-u"], Password: flags["-x"]}); err != nil {
		return s.complain("%v", err)
	}
	s.printf("User account < %s > modified successfully\n", flags["-u"])
	return 0
}

func (s *shell) userDelete(args []string) int {
	flags, _, unknown := options(args, "-u", "-f")
	if unknown != "" {
		return s.complain("egosh user delete: unknown option %s", unknown)
	}
	if flags["-f"] == "" && !s.confirm("Do you want to delete the user account?") {
		return 1
	}
	if _, err := s.ask(wire.Request{Verb: "user delete", User: flags["-u"]}); err != nil {
		return s.complain("%v", err)
	}
	return 0
}

// roleTitles are how a role is called in the answer; only the first was seen.
var roleTitles = map[string]string{
	"CONSUMER_USER": "Consumer User", "CONSUMER_ADMIN": "Consumer Admin",
	"CLUSTER_ADMIN": "Cluster Admin", "CLUSTER_READONLY_ADMIN": "Cluster Admin (Read Only)",
}

func (s *shell) userAssignRole(args []string) int {
	flags, _, unknown := options(args, "-u -r -p", "")
	if unknown != "" {
		return s.complain("egosh user assignrole: unknown option %s", unknown)
	}
	if _, err := s.ask(wire.Request{Verb: "user assignrole", User: flags["-u"], Role: flags["-r"]}); err != nil {
		return s.complain("%v", err)
	}
	s.printf("Role <%s> is assigned to user <%s>.\n", roleTitles[flags["-r"]], flags["-u"])
	return 0
}

// userList: the layout is a guess.
func (s *shell) userList([]string) int {
	response, err := s.ask(wire.Request{Verb: "user list"})
	if err != nil {
		return s.complain("%v", err)
	}
	s.printf("%-32s %s\n", "USER", "ROLE")
	for _, user := range response.Users {
		s.printf("%-32s %s\n", user.Name, user.Role)
	}
	return 0
}
