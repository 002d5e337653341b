// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"crypto/tls"
	"os"
	"strconv"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// soamviewNotUp is the documented exit status while the session director is not up.
const soamviewNotUp = 85

// Soamview knows that there are no applications.
func Soamview(streams Streams, args []string) int {
	where, err := install.FromEnvironment()
	if err != nil {
		return streams.complain("soamview: %v", err)
	}
	if len(args) == 0 || args[0] != "app" {
		return streams.complain("Usage: soamview app [name]")
	}
	if _, err := ask(where, wire.Request{Verb: "ego info"}); err != nil {
		streams.complain("Unable to contact IBM Spectrum Symphony system")
		return soamviewNotUp
	}
	if len(args) > 1 {
		streams.complain("Application <%s> does not exist", args[1])
		return 81
	}
	streams.printf("No applications found\n")
	return 0
}

// Symsim is for tests only: `symsim alloc HOST N` holds slots of a host as workload would, `symsim free HOST|ID`
// gives them back.
func Symsim(streams Streams, args []string) int {
	const usage = "symsim is a test double of IBM Spectrum Symphony.\nUsage: symsim alloc host slots | symsim free host|id ..."
	where, err := install.FromEnvironment()
	if err != nil {
		if where, err = install.FromProgram(); err != nil {
			return streams.complain("symsim: %v", err)
		}
	}
	switch {
	case len(args) == 3 && args[0] == "alloc":
		slots, err := strconv.Atoi(args[2])
		if err != nil || slots < 1 {
			return streams.complain(usage)
		}
		response, err := ask(where, wire.Request{Verb: "symsim alloc", Args: args[1:2], Number: slots})
		if err != nil {
			return streams.complain("%v", err)
		}
		streams.printf("%d\n", response.Allocs[0].ID)
	case len(args) > 1 && args[0] == "free":
		response, err := ask(where, wire.Request{Verb: "symsim free", Args: args[1:]})
		if err != nil {
			return streams.complain("%v", err)
		}
		streams.printf("%s\n", response.Text)
	default:
		return streams.complain(usage)
	}
	return 0
}

// Openssl and Keytool do the two steps that bring a PEM certificate into the console's key store, with the options that
// the real ones have. Their key stores are PEM: the simulator's console reads them.
func Openssl(streams Streams, args []string) int {
	if len(args) < 2 || args[0] != "pkcs12" || args[1] != "-export" {
		return streams.complain("openssl (simulator): only pkcs12 -export")
	}
	flags, rest, unknown := options(args[2:], "-name -in -inkey -out -passout", "")
	if unknown != "" || len(rest) > 0 || flags["-passout"] == "" {
		return streams.complain("openssl (simulator): unknown option %s%s", unknown, strings.Join(rest, " "))
	}
	certificate, err := os.ReadFile(flags["-in"])
	if err != nil {
		return streams.complain("%v", err)
	}
	key, err := os.ReadFile(flags["-inkey"])
	if err != nil {
		return streams.complain("%v", err)
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return streams.complain("%v", err)
	}
	both := append(append(bytes.TrimSpace(certificate), '\n'), key...)
	if err := os.WriteFile(flags["-out"], both, 0o600); err != nil {
		return streams.complain("%v", err)
	}
	return 0
}

// Keytool is Java's, of which -importkeystore is simulated.
func Keytool(streams Streams, args []string) int {
	if len(args) == 0 || args[0] != "-importkeystore" {
		return streams.complain("keytool (simulator): only -importkeystore")
	}
	flags, rest, unknown := options(args[1:], "-srcalias -destalias -srckeystore -srcstoretype -srcstorepass:env "+
		"-destkeystore -deststorepass:env", "-noprompt")
	if unknown != "" || len(rest) > 0 {
		return streams.complain("keytool (simulator): unknown option %s%s", unknown, strings.Join(rest, " "))
	}
	if os.Getenv(flags["-deststorepass:env"]) != "Liberty" {
		return streams.complain("Keystore was tampered with, or password was incorrect")
	}
	store, err := os.ReadFile(flags["-srckeystore"])
	if err != nil {
		return streams.complain("%v", err)
	}
	if err := install.WriteFile(flags["-destkeystore"], store, 0o600); err != nil {
		return streams.complain("%v", err)
	}
	return 0
}
