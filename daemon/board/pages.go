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

// newPages reads the embedded files. They are part of the program: a fault in them is a panic.
func newPages() *pages {
	p := &pages{templates: template.Must(template.ParseFS(files, "pages/*.html")), static: map[string]file{}, named: map[string]string{}}
	entries, err := files.ReadDir("pages")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		end := path.Ext(e.Name())
		if mediaTypes[end] == "" {
			continue
		}
		content, err := files.ReadFile("pages/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		name := strings.TrimSuffix(e.Name(), end) + "." + hex.EncodeToString(sum[:6]) + end
		p.static[name], p.named[e.Name()] = file{mediaTypes[end], content}, "/static/"+name
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
