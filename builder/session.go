package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"path/filepath"
	"sync/atomic"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
)

// newSession returns the connection on which the engine fetches the files, secrets and
// credentials that it turns out to need. Its key stays the same for a generation of a source, so
// that from one build to the next only what changed travels. A file that can't be read is reported
// to broken.
func newSession(ctx context.Context, s Source, k keys, broken func(error)) (*session.Session, error) {
	sum := sha256.Sum256([]byte(s.Context + "\x00" + s.Name + "\x00" + string(s.generation[:])))
	share, err := session.NewSession(ctx, hex.EncodeToString(sum[:]))
	if err != nil {
		return nil, err
	}
	unreadable := func(path string, err error) {
		broken(missing(ErrUnreadable, filepath.Join(s.Context, path), err))
	}
	dir, err := tree{dir: s.Context, broken: unreadable}.filter(nil)
	if err != nil {
		return nil, err
	}
	share.Allow(k)
	share.Allow(filesync.NewFSSyncProvider(filesync.StaticDirSource{"context": dir, "dockerfile": dir}))
	secrets := make([]secretsprovider.Source, len(s.Secrets))
	for i, secret := range s.Secrets {
		secrets[i] = secretsprovider.Source{ID: secret.ID, FilePath: secret.File, Env: secret.Env}
	}
	store, err := secretsprovider.NewStore(secrets)
	if err != nil {
		return nil, err
	}
	share.Allow(secretsprovider.NewSecretProvider(store))
	return share, nil
}

// serve lets the engine use the session until stop is called, which returns how many bytes
// were sent over it. It reports to broken when the engine does not take it.
func (b *Builder) serve(ctx context.Context, share *session.Session, broken func(error)) (stop func() int64) {
	var sent atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := share.Run(ctx, func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			conn, err := b.docker.DialHijack(ctx, "/session", proto, meta)
			return counted{conn, &sent}, err
		})
		if err != nil {
			broken(b.engineError(err))
		}
	}()
	return func() int64 {
		_ = share.Close()
		<-done
		return sent.Load()
	}
}

// counted counts what is written to a connection.
type counted struct {
	net.Conn
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}
