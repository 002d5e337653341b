// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wire is what the simulator's processes say to each other. The product's own protocols are not public: only
// the ports and that heartbeats are UDP are facts, the content is the simulator's.
package wire

// Beat is the datagram that a host's LIM sends to the master's LIM port.
type Beat struct {
	Cluster string `json:"cluster"`
	Host    string `json:"host"`
	Load    Load   `json:"load"`
}

// Ack is the master's answer. Refused says why a host may not join.
type Ack struct {
	Refused string `json:"refused,omitempty"`
}

// Load is what `egosh resource list` shows of a host.
type Load struct {
	NCPUs      int     `json:"ncpus"`
	MaxMemory  uint64  `json:"maxmem"`
	FreeMemory uint64  `json:"mem"`
	FreeSwap   uint64  `json:"swp"`
	FreeTmp    uint64  `json:"tmp"`
	CPUPercent int     `json:"ut"`
	IdleMins   int     `json:"it"`
	Run15s     float64 `json:"r15s"`
	Run1m      float64 `json:"r1m"`
	Run15m     float64 `json:"r15m"`
	Management bool    `json:"mg,omitempty"`
}

// Request is what egosh asks VEMKD, one a connection.
type Request struct {
	Verb       string   `json:"verb"`
	Args       []string `json:"args,omitempty"`
	User       string   `json:"user,omitempty"`
	Password   string   `json:"password,omitempty"`
	Role       string   `json:"role,omitempty"`
	Credential string   `json:"credential,omitempty"`
	Comment    string   `json:"comment,omitempty"`
	Number     int      `json:"number,omitempty"`
	Reclaim    bool     `json:"reclaim,omitempty"`
}

// Response is VEMKD's answer. Complaints name the arguments that it could not serve; the others it did.
type Response struct {
	Error      string       `json:"error,omitempty"`
	Complaints []string     `json:"complaints,omitempty"`
	Credential string       `json:"credential,omitempty"`
	Info       *Info        `json:"info,omitempty"`
	Hosts      []Host       `json:"hosts,omitempty"`
	Allocs     []Allocation `json:"allocs,omitempty"`
	Services   []Service    `json:"services,omitempty"`
	Users      []User       `json:"users,omitempty"`
	Text       string       `json:"text,omitempty"`
}

// Info is `egosh ego info`.
type Info struct {
	Cluster string `json:"cluster"`
	Master  string `json:"master"`
	Version string `json:"version"`
}

// Host is one line of `egosh resource list`.
type Host struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Comment string `json:"comment,omitempty"`
	Load    Load   `json:"load"`
}

// Allocation is a part of a host that a consumer holds, with one activity.
type Allocation struct {
	ID       int    `json:"id"`
	Client   string `json:"client"`
	Consumer string `json:"consumer"`
	Group    string `json:"group"`
	Host     string `json:"host"`
	Slots    int    `json:"slots"`
}

// Service is one line of `egosh service list`.
type Service struct {
	Name  string `json:"name"`
	State string `json:"state"`
	URL   string `json:"url,omitempty"`
	Host  string `json:"host,omitempty"`
	ID    int    `json:"id"`
}

// User is an EGO user, without the password.
type User struct {
	Name string `json:"name"`
	Role string `json:"role"`
}
