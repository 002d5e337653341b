// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/symphony-operator/symphony-operator/test/symsim/internal/wire"
)

// serve is VEMKD's port: one request and one answer a connection.
func (m *master) serve(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go m.answer(connection)
	}
}

func (m *master) answer(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(30 * time.Second))
	var request wire.Request
	if json.NewDecoder(connection).Decode(&request) != nil {
		return
	}
	response, err := m.do(request)
	if err != nil {
		response.Error = err.Error()
	}
	// A client that has gone away needs no answer.
	_ = json.NewEncoder(connection).Encode(response) //nolint:errchkjson // a load is never NaN or infinite
}

type handler func(*master, wire.Request) (wire.Response, error)

// What everybody may ask, and what takes a cluster administrator who has logged on.
var (
	views = map[string]handler{
		"ego info":         (*master).info,
		"resource list":    (*master).listHosts,
		"alloc list":       (*master).listAllocs,
		"service list":     (*master).listServices,
		"entitlement info": (*master).entitlement,
		"user list":        (*master).listUsers,
		"user logon":       (*master).logon,
		"soam app":         (*master).listApplications,
		// No verbs of the product's: a test makes allocations and tasks with them, as workload would.
		"symsim alloc":       (*master).allocate,
		"symsim free":        (*master).free,
		"symsim app add":     (*master).addApplication,
		"symsim task start":  (*master).startTask,
		"symsim task finish": (*master).finishTasks,
		"symsim task list":   (*master).listTasks,
	}
	administration = map[string]handler{
		"resource close":  (*master).closeHosts,
		"resource open":   (*master).openHosts,
		"resource remove": (*master).removeHosts,
		"user add":        (*master).addUser,
		"user modify":     (*master).modifyUser,
		"user delete":     (*master).deleteUser,
		"user assignrole": (*master).assignRole,
	}
)

func (m *master) do(request wire.Request) (wire.Response, error) {
	if view, ok := views[request.Verb]; ok {
		return view(m, request)
	}
	administer, ok := administration[request.Verb]
	if !ok {
		return wire.Response{}, fmt.Errorf("%s: not simulated", request.Verb)
	}
	if err := m.users.mayAdminister(request.Credential); err != nil {
		return wire.Response{}, err
	}
	m.vemkd.Printf("%s %v %s", request.Verb, request.Args, request.User)
	response, err := administer(m, request)
	m.save()
	return response, err
}

func (m *master) info(wire.Request) (wire.Response, error) {
	return wire.Response{Info: &wire.Info{Cluster: m.cluster, Master: m.host, Version: m.Conf("EGO_VERSION")}}, nil
}

func (m *master) listHosts(wire.Request) (wire.Response, error) {
	return wire.Response{Hosts: m.table.List(time.Now())}, nil
}

func (m *master) listAllocs(wire.Request) (wire.Response, error) {
	return wire.Response{Allocs: m.table.Allocations()}, nil
}

func (m *master) listUsers(wire.Request) (wire.Response, error) {
	return wire.Response{Users: m.users.list()}, nil
}

func (m *master) listServices(wire.Request) (wire.Response, error) {
	gui, director := "INIT", "INIT"
	if m.guiUp.Load() {
		gui = "STARTED"
	}
	if m.directorUp() {
		director = "STARTED"
	}
	return wire.Response{Services: []wire.Service{
		{Name: "SD", State: director, Host: m.host, ID: 1},
		{Name: "RS", State: "STARTED", Host: m.host, ID: 2},
		{Name: "WEBGUI", State: gui, Host: m.host, ID: 3, URL: fmt.Sprintf("https://%s:%d/platform", m.host, m.guiPort)},
		{Name: "REST", State: "DEFINED", ID: 4},
		{Name: "HostFactory", State: "DEFINED", ID: 5},
	}}, nil
}

// entitlement shows what `egoconfig setentitlement` took, not what the file holds now.
func (m *master) entitlement(wire.Request) (wire.Response, error) {
	if m.Conf("EGO_ENTITLEMENT_FILE") == "" {
		return wire.Response{Text: "Not entitled"}, nil
	}
	taken, err := os.ReadFile(filepath.Join(m.ConfDir, "symsim-entitlement"))
	if err != nil {
		return wire.Response{}, err
	}
	return wire.Response{Text: "Entitled\n" + m.Conf("EGO_ENTITLEMENT_FILE") + "\n" + string(taken)}, nil
}

func (m *master) closeHosts(request wire.Request) (wire.Response, error) {
	return notFound(m.table.Close(request.Args, request.Reclaim, request.Comment, time.Now()))
}

func (m *master) openHosts(request wire.Request) (wire.Response, error) {
	return notFound(m.table.Open(request.Args))
}

func (m *master) removeHosts(request wire.Request) (wire.Response, error) {
	return notFound(m.table.Remove(request.Args))
}

func notFound(names []string) (wire.Response, error) {
	var response wire.Response
	for _, name := range names {
		response.Complaints = append(response.Complaints, fmt.Sprintf("Resource <%s> is not found", name))
	}
	return response, nil
}

func (m *master) logon(request wire.Request) (wire.Response, error) {
	credential, err := m.users.logon(request.User, request.Password)
	return wire.Response{Credential: credential}, err
}

func (m *master) addUser(request wire.Request) (wire.Response, error) {
	return wire.Response{}, m.users.add(request.User, request.Password)
}

func (m *master) modifyUser(request wire.Request) (wire.Response, error) {
	return wire.Response{}, m.users.modify(request.User, request.Password)
}

func (m *master) deleteUser(request wire.Request) (wire.Response, error) {
	return wire.Response{}, m.users.remove(request.User)
}

func (m *master) assignRole(request wire.Request) (wire.Response, error) {
	return wire.Response{}, m.users.assign(request.User, request.Role)
}
