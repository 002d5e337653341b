// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"crypto/tls"
	"os"
	"strings"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/install"
)

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
