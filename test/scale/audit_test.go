// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func line(user, verb, resource, subresource string, code int) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","verb":%q,`+
		`"user":{"username":%q},"objectRef":{"resource":%q,"subresource":%q,"name":"one"},"responseStatus":{"code":%d}}`+"\n",
		verb, user, resource, subresource, code)
}

func TestRequestsAreCountedByWhoMakesThem(t *testing.T) {
	g := NewWithT(t)
	log := line(operatorUser, "patch", "configmaps", "", 201) +
		line(operatorUser, "patch", "symphonyclusters", "status", 200) +
		line(operatorUser, "patch", "symphonyclusters", "status", 409) +
		line(operatorUser, "delete", "pods", "", 404) +
		line(operatorUser, "get", "configmaps", "", 404) +
		line(operatorUser, "watch", "pods", "", 200) +
		line(operatorUser, "get", "pods", "", 200) +
		line(operatorUser, "create", "pods", "exec", 403) +
		line(operatorUser, "update", "leases", "", 200) +
		line(kubernetesUsers+"replicaset-controller", "create", "pods", "", 201) +
		line(kubernetesUsers+"replicaset-controller", "update", "leases", "", 200) +
		line("admin", "create", "symphonyclusters", "", 201) +
		`{"kind":"Event","user":{"username":"` + operatorUser // Half a line: it is being written.

	read, err := readRequests(strings.NewReader(log))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(read.writes()).To(Equal(2), "that the API server took")
	g.Expect(read.conflicts()).To(Equal(1))
	g.Expect(read.errors()).To(Equal(1), "the deletion; to find nothing before a creation is none")
	g.Expect(read.readsButWatches()).To(Equal(2))
	g.Expect(read.beside).To(Equal(1))
	g.Expect(read.String()).To(ContainSubstring("1 patch symphonyclusters/status 409\n"))
}
