package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"path/filepath"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
)

// newSession returns the connection on which the engine fetches the files and secrets
// that it turns out to need. Its key stays the same for a source, so that from one
// build to the next only what changed travels. A file that can't be read is reported
// to broken.
func newSession(ctx context.Context, s Source, broken func(error)) (*session.Session, error) {
	sum := sha256.Sum256([]byte(s.Context + "\x00" + s.Name))
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

// serve lets the engine use the session until stop is called. It reports to broken when
// the engine does not take it.
func (b *Builder) serve(ctx context.Context, share *session.Session, broken func(error)) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := share.Run(ctx, func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return b.docker.DialHijack(ctx, "/session", proto, meta)
		})
		if err != nil {
			broken(b.engineError(err))
		}
	}()
	return func() {
		_ = share.Close()
		<-done
	}
}
