package envs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"beansprout/envs/ecr"
)

// findRepository begins to look for the application's repository, and returns what waits for its URI.
func (m *Manager) findRepository(ctx context.Context) func() (string, error) {
	if m.config.Repository.Unused {
		return func() (string, error) { return "", nil }
	}
	return ask(func() (string, error) { return m.images.URI(ctx, m.config.Repository.Name) })
}

// registry is where the images of the named environment are pushed. find returns the URI of the
// repository, and ready when something may be changed.
func (m *Manager) registry(find func() (string, error), ready func(context.Context) error, name string, o Options) Registry {
	repository := m.config.Repository
	return Registry{
		Name: repository.Name,
		Repository: func(ctx context.Context) (string, error) {
			uri, err := find()
			if !errors.Is(err, ecr.ErrNoRepository) {
				return uri, err
			}
			if err := ready(ctx); err != nil {
				return "", err
			}
			uri, created, err := m.images.Create(ctx, repository.Name, ecr.Settings{Scan: repository.Scan, Immutable: repository.Immutable})
			if created {
				o.note("repository %s did not exist and was created", repository.Name)
			}
			return uri, err
		},
		Look: func(context.Context) (string, error) {
			uri, err := find()
			if errors.Is(err, ecr.ErrNoRepository) {
				return "", nil
			}
			return uri, err
		},
		Image: func(ctx context.Context, uri, tag string) (digest, config string, err error) {
			digest, config, err = m.images.Image(ctx, uri, tag)
			if errors.Is(err, ecr.ErrNoImage) {
				return "", "", nil
			}
			return digest, config, err
		},
		Login: func(ctx context.Context, uri string, images []string) (username, password string, err error) {
			if err := ready(ctx); err != nil {
				return "", "", err
			}
			token := ask(func() (ecr.Token, error) { return m.images.Token(ctx, uri) })
			if !o.DryRun {
				m.expireImages(ctx, uri, name, images, o)
			}
			login, err := token()
			return login.Username, login.Password, err
		},
	}
}

// expireImages sets the repository's lifecycle policy. If that fails, it only warns.
func (m *Manager) expireImages(ctx context.Context, uri, name string, images []string, o Options) {
	repository := m.config.Repository
	changed, err := m.images.Expire(ctx, uri, repository.Expire)
	switch {
	case err != nil && ctx.Err() == nil:
		o.note("warning: %v: %s", err, m.unshielded(ctx, uri, name, images))
	case changed && repository.Expire == 0:
		o.note("repository %s now expires nothing that was built", repository.Name)
	case changed:
		o.note("repository %s now expires images %s after they were pushed, unless an environment lives on them", repository.Name, FormatDuration(repository.Expire))
	}
}

// unshielded describes which images of the named environment can expire because the repository's
// lifecycle policy lacks our rules.
func (m *Manager) unshielded(ctx context.Context, uri, name string, images []string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	lifecycle, err := m.images.Lifecycle(ctx, uri)
	if err != nil {
		return "whether a rule of others expires images that environments live on isn't known"
	}
	const zeros = "0000000000000000000000000000000000000000"
	exposed := map[string][]string{}
	for _, image := range images {
		tags := []string{m.liveTag(name, image, zeros), "ctx-" + zeros, "id-" + zeros[:20]}
		if rule := lifecycle.Takes(tags); rule != "" {
			exposed[rule] = append(exposed[rule], image)
		}
	}
	var sentences []string
	for _, rule := range slices.Sorted(maps.Keys(exposed)) {
		sentences = append(sentences, rule+" of others can expire images that environments live on, of this one: "+strings.Join(exposed[rule], ", "))
	}
	if len(sentences) == 0 {
		return "what environments live on stays there, and so do images that nothing runs"
	}
	return strings.Join(sentences, "; ")
}
