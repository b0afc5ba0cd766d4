package reports

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/mcp-resilience/holdfast/record"
)

//go:embed templates
var files embed.FS

var layout = template.Must(template.New("report.html").Funcs(template.FuncMap{
	"style": func() (template.CSS, error) {
		b, err := files.ReadFile("templates/report.css")
		return template.CSS(b), err //nolint:gosec // our own style sheet
	},
	"add": func(a, b int) int { return a + b },
}).ParseFS(files, "templates/*.html"))

// HTML writes the run as one page that needs no network, no script and no
// other file.
func HTML(w io.Writer, r *record.Run) error {
	p, err := pageOf(r)
	if err != nil {
		return fmt.Errorf("make the page of run %s: %w", r.ID, err)
	}
	return layout.ExecuteTemplate(w, "report.html", p)
}
