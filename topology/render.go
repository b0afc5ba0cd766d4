package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
)

// Render fills the program's templates in and returns its arguments and its
// environment as sorted NAME=value. A template that does not parse or names an
// unknown variable is an error that quotes it.
func (p Program) Render(v TemplateVars) (args, env []string, err error) {
	for _, a := range p.Args {
		s, err := render(a, v)
		if err != nil {
			return nil, nil, fmt.Errorf("argument %q of %s: %w", a, v.Name, err)
		}
		args = append(args, s)
	}
	for k, a := range p.Env {
		s, err := render(a, v)
		if err != nil {
			return nil, nil, fmt.Errorf("environment %s=%q of %s: %w", k, a, v.Name, err)
		}
		env = append(env, k+"="+s)
	}
	slices.Sort(env)
	return args, env, nil
}

// UsesSharedDir says whether the program asks for the folder TemplateVars.Shared.
func (p Program) UsesSharedDir() bool {
	asks := func(s string) bool { return strings.Contains(s, ".Shared") }
	return slices.ContainsFunc(p.Args, asks) || slices.ContainsFunc(slices.Collect(maps.Values(p.Env)), asks)
}

func render(text string, v TemplateVars) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, v); err != nil {
		return "", err
	}
	return b.String(), nil
}
