package protocols

import (
	"fmt"
	"strings"
	"text/template"
)

// CheckSecret returns a FieldError unless the value is a template that can be rendered by WithSecret.
func CheckSecret(field, value string) error {
	if _, err := WithSecret(value, "x"); err != nil {
		return FieldError{Field: field, Message: err.Error()}
	}
	return nil
}

// WithSecret renders a setting in which {{.Secret}} stands for the run's secret.
func WithSecret(value, secret string) (string, error) {
	if !strings.Contains(value, "{{") {
		return value, nil
	}
	t, err := template.New("setting").Option("missingkey=error").Parse(value)
	if err != nil {
		return "", fmt.Errorf("%q is no template: %w", value, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, struct{ Secret string }{secret}); err != nil {
		return "", fmt.Errorf("%q can use {{.Secret}} alone: %w", value, err)
	}
	return b.String(), nil
}
