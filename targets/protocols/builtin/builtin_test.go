package builtin_test

import (
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/targets/protocols/builtin"
)

func TestSettings(t *testing.T) {
	for _, name := range builtin.Names() {
		a, err := builtin.Settings(name)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := builtin.Settings(name); a == b {
			t.Errorf("%s: the same settings are returned twice", name)
		}
		_, err = a.Protocol()
		if invalid := a.Validate(); (err == nil) != (invalid == nil) {
			t.Errorf("%s: Validate says %v and Protocol %v", name, invalid, err)
		}
	}
	for name, want := range map[string]string{
		"rediss": `there is no protocol "rediss"; there are exec, http, nats, postgres, redis; did you mean "redis"?`,
		"":       `there is no protocol ""; there are exec, http, nats, postgres, redis`,
	} {
		if _, err := builtin.Settings(name); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// The list of entries is what the documentation is made of.
func TestNamesAreThoseOfPackages(t *testing.T) {
	for _, name := range builtin.Names() {
		if text := packageDoc(t, name).Doc; !strings.HasPrefix(text, "Package "+name+" is the protocol ") {
			t.Errorf("the package of %s begins with %.40q", name, text)
		}
	}
}
