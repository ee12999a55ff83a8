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
	stage   *stage
	layers  map[string]*layer
	tired   bool // the engine has tried again by itself
}

// layer is a part of a parcel.
type layer struct {
	bytes   int64 // that have been sent, before the engine compressed them
	started time.Time
	said    time.Time // when something was
	left    int       // seconds till the engine tries again
}

// follow takes note of what the engine says, and hands on what is worth a line.
func (p *parcel) follow(m message) {
	switch {
	case m.ID == "" || m.Status == "":
	case m.Status == "Pushing":
		p.pushing(m.ID, m.Progress.Current, m.Progress.Total)
	case m.Status == "Pushed":
		l := p.layer(m.ID)
		p.stage.log(fmt.Sprintf("layer %s: pushed %s", m.ID, megabytes(l.bytes)))
		p.stage.progress("layer "+m.ID, l.started, l.bytes, l.bytes, true)
	case strings.HasPrefix(m.Status, "Retrying in "):
		p.retrying(m.ID, m.Status)
	case m.Status == "Layer already exists", strings.HasPrefix(m.Status, "Mounted from "):
		p.stage.log("layer " + m.ID + ": already there")
	}
}

func (p *parcel) pushing(id string, current, total int64) {
	l := p.layer(id)
	l.bytes = max(l.bytes, current)
	p.stage.progress("layer "+id, l.started, min(l.bytes, total), total, false)
	if time.Since(l.said) >= quiet && total > 0 {
		l.said = time.Now()
		p.stage.log(fmt.Sprintf("layer %s: %s of %s", id, megabytes(min(l.bytes, total)), megabytes(total)))
	}
}

// retrying hands on the first of the seconds that the engine counts down.
func (p *parcel) retrying(id, status string) {
	var left int
	_, _ = fmt.Sscanf(status, "Retrying in %d", &left)
	l := p.layer(id)
	if left > l.left {
		p.stage.say(fmt.Sprintf("layer %s: the registry does not take it: once more in %ds", id, left))
	}
	l.left, p.tired = left, true
}

func (p *parcel) layer(id string) *layer {
	if p.layers == nil {
		p.layers = map[string]*layer{}
	}
	if p.layers[id] == nil {
		now := time.Now()
		p.layers[id] = &layer{started: now, said: now}
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
