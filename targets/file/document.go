package file

import (
	"time"

	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/topology"
)

// Document is a target file. Every text under services may be a template, as
// topology.TemplateVars says.
type Document struct {
	// Name is what scenarios call the target; empty means the file's name.
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	// Regions are the regions and the share of the traffic of each. Empty means east 70,
	// north 20 and south 10.
	Regions []Region `yaml:"regions"`
	// Latency is the one-way delay between any two regions; 0 means 15 ms. A scenario may
	// give pairs of its own.
	Latency time.Duration `yaml:"latency"`
	// Services are the kinds of node, by name.
	Services map[string]Service `yaml:"services"`
	// Client is how clients use the system.
	Client Client `yaml:"client"`
	// Consistency is what the system promises without faults: linearizable, which is the
	// default, or eventual where replication is asynchronous.
	Consistency targets.Consistency `yaml:"consistency"`
	// Roles tell which nodes have a role, by name: leader, and follower, which is by
	// default whoever answers and does not lead.
	Roles map[topology.Role]Role `yaml:"roles"`
}

// Region is a failure domain.
type Region struct {
	Name   topology.Region `yaml:"name"`
	Weight int             `yaml:"weight"`
}

// Service is a kind of node.
type Service struct {
	// In lists the regions that have nodes of the service; empty means all.
	In []topology.Region `yaml:"in"`
	// Nodes is the number of nodes in each of these regions. 0 means 1, or what the
	// scenario asks for with topology.nodes.
	Nodes int `yaml:"nodes"`
	// Image is a container image that is used as it is, pulled where it is missing.
	Image string `yaml:"image"`
	// Package is a Go main package that is built, for containers and the local runtime.
	Package string `yaml:"package"`
	// Command is the program and its arguments. With an image it is the container's
	// command, and the local runtime finds the program in PATH; with a package it is
	// the arguments alone.
	Command    []string `yaml:"command"`
	Entrypoint []string `yaml:"entrypoint"`
	// Environment is the program's environment.
	Environment map[string]string `yaml:"environment"`
	// Files are files in the folder {{.Config}}, by their path in it.
	Files map[string]string `yaml:"files"`
	// Ports are the TCP ports that peers and clients dial, by name.
	Ports map[string]int `yaml:"ports"`
	// HostsFlag is the flag by which the program takes a hosts(5) file, for the local
	// runtime. A program without one is told addresses by {{.Peer "NODE"}}.
	HostsFlag string `yaml:"hostsFlag"`
	// Voter says whether the nodes count towards the quorum that a region must reach to be
	// owed service; left out it is true for the service that clients use.
	Voter *bool `yaml:"voter"`
	// Standby says that the nodes serve only after they have taken over.
	Standby bool `yaml:"standby"`
	// Grace is how long a graceful stop may take; 0 means 10 s.
	Grace time.Duration `yaml:"grace"`

	// What a container needs beyond the usual, see topology.Container.
	User         string   `yaml:"user"`
	WritableRoot bool     `yaml:"writableRoot"`
	Capabilities []string `yaml:"capabilities"`
	Memory       Bytes    `yaml:"memory"`
	Tmpfs        []string `yaml:"tmpfs"`
}

// Client is how clients use the system.
type Client struct {
	// Protocol is the name of a protocol of the box.
	Protocol string `yaml:"protocol"`
	// Service is the one whose nodes hold the data and speak the protocol; it may be left
	// out where there is one service.
	Service string `yaml:"service"`
	// Port is the name of that service's port; it may be left out where it has one.
	Port string `yaml:"port"`
	// With is the settings of the protocol.
	With protocols.Settings `yaml:"with"`
}

// Role is a question to each node of the client's service, in the protocol's words. The
// nodes whose answer matches have the role.
type Role struct {
	Query string `yaml:"query"`
	// Match is a regular expression that the answer must match somewhere.
	Match string `yaml:"match"`
}
