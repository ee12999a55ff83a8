package board

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
)

//go:embed pages
var files embed.FS

// pages are the templates, and the files that they refer to.
type pages struct {
	templates *template.Template
	static    map[string]file // by the name that has its hash in it
	named     map[string]string
}

// file is a static file.
type file struct {
	mediaType string
	content   []byte
}

// mediaTypes are those of the static files, by the ends of their names.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// statics are the static files, and what each is joined of.
var statics = map[string][]string{
	"board.js":  {"page.js", "list.js", "changes.js"},
	"icon.svg":  {"icon.svg"},
	"style.css": {"style.css"},
}

// newPages reads the embedded files. They are part of the program: a fault in them is a panic.
func newPages() *pages {
	p := &pages{templates: template.Must(template.ParseFS(files, "pages/*.html")), static: map[string]file{}, named: map[string]string{}}
	for name, parts := range statics {
		var content []byte
		for _, part := range parts {
			text, err := files.ReadFile("pages/" + part)
			if err != nil {
				panic(err)
			}
			content = append(content, text...)
		}
		sum, end := sha256.Sum256(content), path.Ext(name)
		hashed := strings.TrimSuffix(name, end) + "." + hex.EncodeToString(sum[:6]) + end
		p.static[hashed], p.named[name] = file{mediaTypes[end], content}, "/static/"+hashed
	}
	return p
}

// write writes a page, or returns why it can't.
func (p *pages) write(w io.Writer, name string, data any) error {
	return p.templates.ExecuteTemplate(w, name, data)
}

// part returns a part of a page. Its template is part of the program, and the methods of its data do not fail: an error is a panic.
func (p *pages) part(name string, data any) string {
	var b bytes.Buffer
	if err := p.write(&b, name, data); err != nil {
		panic(err)
	}
	return b.String()
}

func (p *pages) row(r row) string { return p.part("row", r) }

func (p *pages) head(h head) string { return p.part("head", h) }

// serveStatic serves a file under the name that has its hash in it: it never changes.
func (p *pages) serveStatic(w http.ResponseWriter, r *http.Request) {
	f, ok := p.static[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	answer(w, r, http.StatusOK, f.mediaType, f.content)
}
