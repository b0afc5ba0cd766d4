package file

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/builtin"
	"github.com/mcp-resilience/holdfast/topology"
)

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

const nameRule = "want at most 32 lower-case letters, digits and dashes"

// maxRegions bounds the regions of a system, and maxNodes the nodes of a service in one.
const (
	maxRegions = 9
	maxNodes   = 9
)

// validate reports what is wrong with the values of a target file, and fills in what it
// may leave out.
func (d *Document) validate(src *yamlfile.Source) {
	if !validName.MatchString(d.Name) {
		src.Report("name", fmt.Sprintf("%q is no name: %s", d.Name, nameRule), "")
	}
	d.validateRegions(src)
	src.RequireDuration("latency", d.Latency, 0, 10*time.Second)
	if len(d.Services) == 0 {
		src.Report("services", "is missing: which programs or images does the system consist of?", "")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.Services)) {
		d.validateService(src, name, d.Services[name])
	}
	d.validateClient(src)
	d.validateRoles(src)
	if d.Consistency != "" {
		src.RequireOneOf("consistency", string(d.Consistency), []string{string(targets.Linearizable), string(targets.Eventual)})
	}
}

func (d *Document) validateRegions(src *yamlfile.Source) {
	if len(d.Regions) == 0 {
		if src.Given("regions") {
			src.Report("regions", "is empty: name a region, or leave it out for east, north and south", "")
		}
		d.Regions = []Region{{"east", 70}, {"north", 20}, {"south", 10}}
	}
	if len(d.Regions) > maxRegions {
		src.Report("regions", fmt.Sprintf("has %d entries, want at most %d", len(d.Regions), maxRegions), "")
	}
	seen := map[topology.Region]bool{}
	for i, r := range d.Regions {
		field := fmt.Sprintf("regions[%d]", i)
		switch {
		case !validName.MatchString(string(r.Name)):
			src.Report(field+".name", fmt.Sprintf("%q is no name: %s", r.Name, nameRule), "")
		case seen[r.Name]:
			src.Report(field+".name", fmt.Sprintf("%s is given twice", r.Name), "")
		}
		seen[r.Name] = true
		src.RequireInt(field+".weight", r.Weight, 0, 100)
	}
}

func (d *Document) validateService(src *yamlfile.Source, name string, s Service) {
	field := "services." + name
	if !validName.MatchString(name) {
		src.Report(field, fmt.Sprintf("%q is no name: %s", name, nameRule), "")
	}
	for i, r := range s.In {
		if names := d.regionNames(); !slices.Contains(names, string(r)) {
			src.Report(fmt.Sprintf("%s.in[%d]", field, i), fmt.Sprintf("%q is none of the regions %s", r, strings.Join(names, ", ")), suggest.Closest(string(r), names))
		}
	}
	src.RequireInt(field+".nodes", s.Nodes, 1, maxNodes)
	switch {
	case s.Image == "" && s.Package == "" && len(s.Command) == 0:
		src.Report(field, "says not what runs: give an image, a Go package, or a command of this machine", "")
	case s.Image != "" && s.Package != "":
		src.Report(field+".package", "stands beside an image: keep one of them", "")
	}
	if len(s.Ports) == 0 {
		src.Report(field+".ports", "is missing: which TCP ports do clients and peers dial?", "")
	}
	for _, port := range slices.Sorted(maps.Keys(s.Ports)) {
		src.RequireInt(field+".ports."+port, s.Ports[port], 1, 65535)
	}
	for _, path := range slices.Sorted(maps.Keys(s.Files)) {
		if !filepath.IsLocal(path) {
			src.Report(field+".files", fmt.Sprintf("%q is no path in the folder {{.Config}}: want one without .. and without a leading slash", path), "")
		}
	}
	src.RequireDuration(field+".grace", s.Grace, time.Millisecond, time.Minute)
	if err := s.program().Check(); err != nil {
		src.Report(field, err.Error(), "")
	}
}

func (d *Document) validateClient(src *yamlfile.Source) {
	c := &d.Client
	var unknown builtin.NotFound
	if c.With == nil {
		s, err := builtin.Settings(c.Protocol)
		switch {
		case c.Protocol == "":
			src.Report("client.protocol", "is missing; there are "+strings.Join(builtin.Names(), ", "), "")
		case errors.As(err, &unknown):
			src.Report("client.protocol", fmt.Sprintf("%q is none of %s", c.Protocol, strings.Join(builtin.Names(), ", ")), unknown.Suggestion)
		}
		c.With = s
	}
	names := slices.Sorted(maps.Keys(d.Services))
	if c.Service == "" && len(names) == 1 {
		c.Service = names[0]
	}
	s, ok := d.Services[c.Service]
	switch {
	case c.Service == "":
		src.Report("client.service", "is missing: which of "+strings.Join(names, ", ")+" holds the data?", "")
	case !ok:
		src.Report("client.service", fmt.Sprintf("%q is none of %s", c.Service, strings.Join(names, ", ")), suggest.Closest(c.Service, names))
	}
	ports := slices.Sorted(maps.Keys(s.Ports))
	if c.Port == "" && len(ports) == 1 {
		c.Port = ports[0]
	}
	switch _, has := s.Ports[c.Port]; {
	case !ok || len(ports) == 0: // has been reported
	case c.Port == "":
		src.Report("client.port", "is missing: which of "+strings.Join(ports, ", ")+" do clients dial?", "")
	case !has:
		src.Report("client.port", fmt.Sprintf("%q is none of %s, the ports of service %s", c.Port, strings.Join(ports, ", "), c.Service), suggest.Closest(c.Port, ports))
	}
	if c.With == nil || src.Reported("client.with") {
		return
	}
	var wrong protocols.FieldError
	if err := c.With.Validate(); errors.As(err, &wrong) {
		src.Report("client.with."+wrong.Field, wrong.Message, wrong.Suggestion)
	} else if err != nil {
		src.Report("client.with", err.Error(), "")
	}
}

func (d *Document) validateRoles(src *yamlfile.Source) {
	known := []string{string(topology.Leader), string(topology.Follower)}
	for _, name := range slices.Sorted(maps.Keys(d.Roles)) {
		field, r := "roles."+string(name), d.Roles[name]
		src.RequireOneOf(field, string(name), known)
		if r.Query == "" {
			src.Report(field+".query", "is missing: what is each node asked?", "")
		}
		if _, err := regexp.Compile(r.Match); err != nil || r.Match == "" {
			src.Report(field+".match", fmt.Sprintf("%q is no regular expression for the answer: %v", r.Match, err), "")
		}
	}
}

func (d *Document) regionNames() []string {
	var out []string
	for _, r := range d.Regions {
		out = append(out, string(r.Name))
	}
	return out
}
