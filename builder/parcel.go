package builder

import (
	"fmt"
	"strings"
	"time"
)

// quiet is how long a layer on its way says nothing.
const quiet = 3 * time.Second

// parcel is an image on its way to the registry. It adds up over all tries.
type parcel struct {
	id, ref string
	size    int64 // bytes of all layers
	log     func(line string)
	now     func() time.Time
	layers  map[string]*layer
	tired   bool // the engine has tried again by itself
}

// layer is a part of a parcel.
type layer struct {
	bytes int64 // that have been sent, before the engine compressed them
	said  time.Time
}

// follow takes note of what the engine says, and hands on what is worth a line.
func (p *parcel) follow(m message) {
	switch {
	case m.ID == "" || m.Status == "":
	case m.Status == "Pushing":
		p.pushing(m)
	case m.Status == "Pushed":
		p.log(fmt.Sprintf("layer %s: pushed %s", m.ID, megabytes(p.layer(m.ID).bytes)))
	case strings.HasPrefix(m.Status, "Retrying in "):
		p.tired = true
		p.log("layer " + m.ID + ": " + strings.ToLower(m.Status))
	case m.Status == "Layer already exists", strings.HasPrefix(m.Status, "Mounted from "):
		p.log("layer " + m.ID + ": already there")
	}
}

func (p *parcel) pushing(m message) {
	l := p.layer(m.ID)
	l.bytes = max(l.bytes, m.Progress.Current)
	if now := p.now(); now.Sub(l.said) >= quiet && m.Progress.Total > 0 {
		l.said = now
		p.log(fmt.Sprintf("layer %s: %s of %s", m.ID, megabytes(min(l.bytes, m.Progress.Total)), megabytes(m.Progress.Total)))
	}
}

func (p *parcel) layer(id string) *layer {
	if p.layers == nil {
		p.layers = map[string]*layer{}
	}
	if p.layers[id] == nil {
		p.layers[id] = &layer{said: p.now()}
	}
	return p.layers[id]
}

// sent is how many bytes of layers went to the registry.
func (p *parcel) sent() (bytes int64) {
	for _, l := range p.layers {
		bytes += l.bytes
	}
	return bytes
}

func (p *parcel) summary() string {
	sent := p.sent()
	return fmt.Sprintf("pushed %d layers: %s sent, %s were there", len(p.layers), megabytes(sent), megabytes(max(p.size-sent, 0)))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
