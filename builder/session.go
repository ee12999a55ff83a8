package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"

	"beansprout/builder/fingerprint"
	"beansprout/files"
)

// newSession returns the session over which the engine fetches the files, secrets and credentials that
// it needs. Its key stays the same within a generation, so that only changed files are sent again.
// It calls broken if a file cannot be read.
func newSession(ctx context.Context, s Source, secrets map[string][]byte, k authProvider, broken func(error)) (*session.Session, error) {
	sum := sha256.Sum256([]byte(s.Context + "\x00" + s.Name + "\x00" + string(s.generation[:])))
	share, err := session.NewSession(ctx, hex.EncodeToString(sum[:]))
	if err != nil {
		return nil, err
	}
	unreadable := func(path string, err error) {
		broken(fingerprint.OpenError(ErrUnreadable, filepath.Join(s.Context, path), err))
	}
	dir, err := fingerprint.Tree(s.Context, unreadable)
	if err != nil {
		return nil, err
	}
	share.Allow(k)
	share.Allow(filesync.NewFSSyncProvider(filesync.StaticDirSource{"context": dir, "dockerfile": dir}))
	share.Allow(secretsprovider.FromMap(secrets))
	if len(s.SSH) == 0 {
		return share, nil
	}
	agents, err := sshAgents(s.SSH)
	if err != nil {
		return nil, err
	}
	share.Allow(agents)
	return share, nil
}

// sshAgents returns the provider that forwards SSH agents to the engine. The keys stay here.
func sshAgents(all []SSH) (session.Attachable, error) {
	configs := make([]sshprovider.AgentConfig, len(all))
	for i, s := range all {
		configs[i] = sshprovider.AgentConfig{ID: s.ID, Paths: s.Paths}
	}
	agents, err := sshprovider.NewSSHAgentProvider(configs)
	if err != nil {
		return nil, fmt.Errorf("forward the SSH agent: %w", err)
	}
	return agents, nil
}

// serve runs the session until stop is called, which returns the number of bytes sent. It calls
// broken if the session fails.
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

// counted counts the bytes written to a connection.
type counted struct {
	net.Conn
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// readSecrets returns the values of the secrets by their IDs.
func readSecrets(ctx context.Context, secrets []Secret) (map[string][]byte, error) {
	values := map[string][]byte{}
	for _, s := range secrets {
		value, err := s.read(ctx)
		if err != nil {
			return nil, fmt.Errorf("secret %q: %w", s.ID, err)
		}
		values[s.ID] = value
	}
	return values, nil
}

func (s Secret) read(ctx context.Context) ([]byte, error) {
	if s.File == "" {
		lookup := os.LookupEnv
		if s.Lookup != nil {
			lookup = s.Lookup
		}
		value, ok := lookup(s.Env)
		if !ok {
			return nil, fmt.Errorf("the environment variable %s is not set", s.Env)
		}
		return []byte(value), nil
	}
	value, err := files.Read(ctx, nil, s.File, files.Secret)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%s: %w", s.File, err)
	}
	return value, err
}

// readableSecrets returns the secrets of all sources that can be read before the prepare commands.
func readableSecrets(ctx context.Context, sources []Source) map[string][]byte {
	values := map[string][]byte{}
	for i, source := range sources {
		for _, s := range source.Secrets {
			if value, err := s.read(ctx); err == nil {
				values[fmt.Sprint(i, s.ID)] = value
			}
		}
	}
	return values
}
