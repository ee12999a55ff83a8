package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"

	"beansprout/mask"
	"beansprout/pattern"
)

// maxPushes is the number of attempts to push an image.
const maxPushes = 3

// push pushes the image and sets its digest and the number of bytes sent. It renews expired
// credentials once, and tries again after transient errors.
func (w *work) push(ctx context.Context, to *destination, i *Image, p *push) error {
	p.log = w.log.of(i.Name, stepPush)
	renewed := false
	var used Credentials
	for n := 1; ; n++ {
		login, err := to.login.credentials(ctx, used)
		if err != nil {
			return err
		}
		i.Digest, err = w.engine.send(ctx, p, to.host(), login)
		i.Sent = p.sent()
		switch {
		case err == nil:
			p.log(p.summary())
			return nil
		case errors.Is(err, ErrExpired) && !renewed:
			p.log("the registry's token has expired: logging in again")
			renewed, used = true, login
			n--
		case transient(err) && n < maxPushes && !p.engineRetried:
			pause := w.engine.pause << (n - 1)
			p.log(fmt.Sprintf("%v: trying again in %s", err, pause))
			if err := wait(ctx, pause); err != nil {
				return err
			}
			// A build of the same image may have removed the tag, or the image.
			if err := w.engine.docker.ImageTag(ctx, p.id, p.ref); pruned(err) {
				return w.pushError(ctx, to, i, p, err)
			}
		default:
			return w.pushError(ctx, to, i, p, afterRetries(err))
		}
	}
}

// pushError returns the error of a failed push. It returns nil if the tag is immutable and on the
// same image already, because another build was faster.
func (w *work) pushError(ctx context.Context, to *destination, i *Image, p *push, err error) error {
	if errors.Is(err, ErrTagTaken) {
		digest, lookup := w.findPushed(ctx, to, i, p.id)
		if digest != "" && lookup == nil {
			i.Digest = digest
			return nil
		}
	}
	return fmt.Errorf("push image %q to %s: %w", i.Name, p.ref, err)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// authorization returns the X-Registry-Auth header, which is the only place where the password goes.
// Without a user name, the password is an identity token.
func authorization(host string, c Credentials) (string, error) {
	if c.Username == "" {
		return registry.EncodeAuthConfig(registry.AuthConfig{IdentityToken: c.Password, ServerAddress: host})
	}
	return registry.EncodeAuthConfig(registry.AuthConfig{Username: c.Username, Password: c.Password, ServerAddress: host})
}

// send makes one attempt to push, and returns the image's digest.
func (b *Builder) send(ctx context.Context, p *push, host string, c Credentials) (digest string, err error) {
	auth, err := authorization(host, c)
	if err != nil {
		return "", err
	}
	stream, err := b.docker.ImagePush(ctx, p.ref, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		err = b.engineError(err)
		return "", recognize(err, err.Error(), pushErrors)
	}
	defer stream.Close()
	err = readStream(stream, func(m message) {
		p.update(m)
		var result struct{ Digest string }
		if len(m.Aux) > 0 && json.Unmarshal(m.Aux, &result) == nil {
			digest = result.Digest
		}
	})
	var refused refusal
	switch {
	case errors.As(err, &refused):
		message := mask.Mask{}.With(mask.MinSecret, c.Password).Hide(refused.message)
		return "", recognize(plain(message), message, pushErrors)
	case err != nil:
		return "", b.engineError(err)
	case !isDigest(digest):
		return "", errors.New("the engine ended the push without naming the digest")
	}
	return digest, nil
}

var digestFormat = pattern.New(`^sha256:[0-9a-f]{64}$`)

func isDigest(s string) bool { return digestFormat.MatchString(s) }

// layerLogInterval is the time between two lines about the progress of a layer.
const layerLogInterval = 3 * time.Second

// push is the push of an image, in one attempt or several.
type push struct {
	id, ref       string
	size          int64 // bytes of all layers
	log           func(line string)
	layers        map[string]*layer
	engineRetried bool // the engine has retried a layer
}

// layer is the progress of a layer.
type layer struct {
	bytes  int64     // sent, before compression
	logged time.Time // when the last line was logged
	left   int       // seconds until the engine retries it
}

// update records and logs what the engine reports.
func (p *push) update(m message) {
	switch {
	case m.ID == "" || m.Status == "":
	case m.Status == "Pushing":
		p.pushing(m.ID, m.Progress.Current, m.Progress.Total)
	case m.Status == "Pushed":
		p.log(strings.TrimSpace(fmt.Sprintf("layer %s: pushed %s", m.ID, megabytes(p.layer(m.ID).bytes))))
	case strings.HasPrefix(m.Status, "Retrying in "):
		p.retrying(m.ID, m.Status)
	case m.Status == "Layer already exists", strings.HasPrefix(m.Status, "Mounted from "):
		p.log("layer " + m.ID + ": already there")
	}
}

func (p *push) pushing(id string, current, total int64) {
	l := p.layer(id)
	l.bytes = max(l.bytes, current)
	if sent := megabytes(min(l.bytes, total)); time.Since(l.logged) >= layerLogInterval && sent != "" {
		l.logged = time.Now()
		p.log(fmt.Sprintf("layer %s: %s of %s", id, sent, megabytes(total)))
	}
}

// retrying logs that the engine will retry a layer. The engine repeats its message each second.
func (p *push) retrying(id, status string) {
	var left int
	_, _ = fmt.Sscanf(status, "Retrying in %d", &left)
	l := p.layer(id)
	if left > l.left {
		p.log(fmt.Sprintf("layer %s: the registry refuses it: trying again in %ds", id, left))
	}
	l.left, p.engineRetried = left, true
}

func (p *push) layer(id string) *layer {
	if p.layers == nil {
		p.layers = map[string]*layer{}
	}
	if p.layers[id] == nil {
		p.layers[id] = &layer{logged: time.Now()}
	}
	return p.layers[id]
}

// sent returns the number of bytes sent, before compression.
func (p *push) sent() (bytes int64) {
	for _, l := range p.layers {
		bytes += l.bytes
	}
	return bytes
}

func (p *push) summary() string {
	text := fmt.Sprintf("pushed %d layers", len(p.layers))
	if sent := megabytes(p.sent()); sent != "" {
		text += ", " + sent + " sent"
	}
	if there := megabytes(p.size - p.sent()); there != "" {
		text += ", " + there + " were there"
	}
	return text
}

// megabytes returns a size in MB with one digit, or "" if that would be 0.0.
func megabytes(bytes int64) string {
	if bytes < 50_000 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
