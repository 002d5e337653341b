// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wire is what the simulator's processes say to each other. The product's own protocols are not public: only
// the ports and that heartbeats are UDP are facts, the content is the simulator's.
package wire

import "time"

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

// Load is what a host tells of itself: what `egosh resource list` shows, and what the master has to know besides.
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
	// Slots is how much work a host takes, 0 if it does not say.
	Slots int `json:"slots,omitempty"`
	// Start is another one each time that LIM starts: by it the master sees that a host was replaced by one of its name.
	Start string `json:"start,omitempty"`
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

	Application Application   `json:"application,omitzero"`
	Duration    time.Duration `json:"duration,omitempty"`
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
	Workloads  []Workload   `json:"workloads,omitempty"`
	Tasks      []Task       `json:"tasks,omitempty"`
	Text       string       `json:"text,omitempty"`
	// Code is the exit status that an error stands for, where the product's is known.
	Code int `json:"code,omitempty"`
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
	// App is the application whose service instance the activity is, if it is one's.
	App string `json:"app,omitempty"`
}

// Application is what of an application's profile counts here.
type Application struct {
	Name     string `json:"name"`
	Consumer string `json:"consumer,omitempty"`
	// KeepIdle: service instances stay, with their allocations, when they have nothing to do.
	KeepIdle bool `json:"keepIdle,omitempty"`
	// Recoverable sessions go on with their tasks when the master was started again.
	Recoverable bool `json:"recoverable,omitempty"`
}

// Workload is `soamview app NAME -l`: tasks, then slots.
type Workload struct {
	Application

	Pending  int `json:"pending"`
	Running  int `json:"running"`
	Done     int `json:"done"`
	Occupied int `json:"occupied"`
	Unused   int `json:"unused"`
}

// Task is one task of an application.
type Task struct {
	ID    int    `json:"id"`
	App   string `json:"app"`
	Slots int    `json:"slots"`
	State string `json:"state"`
	// Reason is why a task waits again, or is lost.
	Reason string `json:"reason,omitempty"`
	// Host is where it runs, or ran last.
	Host string `json:"host,omitempty"`
	// Alloc is what it runs in, while it does.
	Alloc   int       `json:"alloc,omitempty"`
	Started time.Time `json:"started,omitzero"`
	// Duration is how long it runs, 0 if it waits for being told to end.
	Duration time.Duration `json:"duration,omitempty"`
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
