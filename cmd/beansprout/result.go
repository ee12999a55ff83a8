package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/builder"
	"beansprout/envs"
)

// result is what up has to say in the end.
type result struct {
	env     envs.Env
	kept    bool
	outcome string
	images  []builder.Image
}

// The outcomes of up, rollback and restore.
const (
	created   = "created"
	deployed  = "deployed"
	unchanged = "unchanged"
	overtaken = "superseded"
	restored  = "restored"
)

func (d *deployment) print(c *cli.Context, r result) error {
	if r.outcome == unchanged {
		d.talk.say("unchanged: %s runs this already", d.name)
	}
	if !c.Bool("json") {
		if r.outcome == overtaken {
			return nil
		}
		_, err := fmt.Fprintln(c.App.Writer, r.env.URL())
		return err
	}
	return printJSON(c.App.Writer, struct {
		view
		Outcome string      `json:"outcome"`
		Seconds float64     `json:"seconds"`
		Images  []imageView `json:"images"`
	}{newView(r.env, d.expires(member{Env: r.env, record: &d.record}), &r.kept), r.outcome, time.Since(d.started).Seconds(), imageViews(r.images)})
}

// imageView is an image in JSON.
type imageView struct {
	Name        string  `json:"name"`
	Reference   string  `json:"reference"`
	Digest      string  `json:"digest"`
	Platform    string  `json:"platform"`
	Fingerprint string  `json:"fingerprint"`
	Cached      bool    `json:"cached"`
	Seconds     float64 `json:"seconds"`
	BytesSent   int64   `json:"bytesSent"`
}

func imageViews(images []builder.Image) []imageView {
	views := []imageView{}
	for _, i := range images {
		views = append(views, imageView{i.Name, i.Reference, i.Digest, i.Platform, i.Fingerprint, i.Cached, i.Took.Seconds(), i.Sent})
	}
	return views
}

// plan says what up would do, as far as that is known before the images are built. It waits
// for nothing.
func (d *deployment) plan(ctx context.Context, c *cli.Context) error {
	_, ahead, err := d.architecture(ctx)
	if err != nil {
		return err
	}
	var t target
	if ahead != nil {
		t = *ahead
	} else if t, err = d.lookAhead(ctx); err != nil {
		return err
	}
	d.sayLeftOut(t)
	action := "deploy to"
	switch {
	case t.env.ID == "":
		action = "create"
	case t.broken:
		action = "remove and create"
	case t.env.State != envs.Ready:
		action = fmt.Sprintf("wait for what AWS does (%s), and then deploy to", t.env.State)
	}
	d.talk.close()
	if c.Bool("json") {
		return printJSON(c.App.Writer, map[string]any{"name": d.name, "feature": d.feature, "action": action, "url": t.url})
	}
	work := fmt.Sprintf("build %d images", len(d.cfg.Build))
	if d.cfg.Artifact != "" {
		work = "bundle " + d.cfg.Artifact
	}
	_, err = fmt.Fprintf(c.App.Writer, "would %s, %s environment %s at %s\n", work, action, d.name, t.url)
	return err
}
