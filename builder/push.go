package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
)

// tries is how often an image is pushed to a registry that answers with an error of its own.
const tries = 3

// push sends the parcel to the registry and fills in its digest and how much was sent.
// Credentials that have expired are renewed once.
func (w *work) push(ctx context.Context, to *destination, i *Image, p *parcel) (err error) {
	p.stage = w.begin(i.Name, stepPush, "push "+p.ref)
	defer func() { p.stage.end(ctx, err) }()
	renewed := false
	var used Credentials
	for n := 1; ; n++ {
		login, err := to.pass.other(ctx, used)
		if err != nil {
			return err
		}
		i.Digest, err = w.send(ctx, p, to.host(), login)
		i.Sent = p.sent()
		switch {
		case err == nil:
			p.stage.log(p.summary())
			return nil
		case errors.Is(err, ErrExpired) && !renewed:
			p.stage.say("the registry's token has expired: asking for another one")
			renewed, used = true, login
			n--
		case passing(err) && n < tries && !p.tired:
			pause := w.pause << (n - 1)
			p.stage.say(fmt.Sprintf("%v: once more in %s", err, pause))
			if err := wait(ctx, pause); err != nil {
				return err
			}
			_ = w.docker.ImageTag(ctx, p.id, p.ref) // who builds the same here may have taken it off
		default:
			return w.pushed(ctx, to, i, p, exhausted(err))
		}
	}
}

// pushed makes of the error that a push has ended with what Build reports. A tag that can't
// be moved may be on the image already, if somebody else was faster.
func (w *work) pushed(ctx context.Context, to *destination, i *Image, p *parcel, err error) error {
	if errors.Is(err, ErrTagTaken) {
		digest, lookup := w.serves(ctx, to, i, p.id)
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

// authorization is the content of the X-Registry-Auth header, the only place that the
// password goes to. One without a user is a token that stands for one.
func authorization(host string, c Credentials) (string, error) {
	if c.Username == "" {
		return registry.EncodeAuthConfig(registry.AuthConfig{IdentityToken: c.Password, ServerAddress: host})
	}
	return registry.EncodeAuthConfig(registry.AuthConfig{Username: c.Username, Password: c.Password, ServerAddress: host})
}

// send has the engine push the parcel once, and returns the digest that the registry gave it.
func (b *Builder) send(ctx context.Context, p *parcel, host string, c Credentials) (digest string, err error) {
	auth, err := authorization(host, c)
	if err != nil {
		return "", err
	}
	stream, err := b.docker.ImagePush(ctx, p.ref, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		err = b.engineError(err)
		return "", recognize(err, err.Error(), pushes)
	}
	defer stream.Close()
	err = read(stream, func(m message) {
		p.follow(m)
		var result struct{ Digest string }
		if len(m.Aux) > 0 && json.Unmarshal(m.Aux, &result) == nil {
			digest = result.Digest
		}
	})
	var refused refusal
	switch {
	case errors.As(err, &refused):
		return "", recognize(plain(refused.message), refused.message, pushes)
	case err != nil:
		return "", b.engineError(err)
	case !isDigest(digest):
		return "", errors.New("the engine ended the push without naming the digest")
	}
	return digest, nil
}

var digestFormat = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func isDigest(s string) bool { return digestFormat.MatchString(s) }
