package builder

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestARegistryThatRefusesTheTokenIsNamedAsThat(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"})
	_, err := b.Build(t.Context(), []Source{s}, func(context.Context) (Registry, error) {
		return Registry{Repository: shelf.host + "/app", Image: shelf.image, Login: func(context.Context) (Credentials, error) {
			return Credentials{Username: "AWS", Password: "of yesterday"}, nil
		}}, nil
	}, Options{})
	if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "Your authorization token has expired") {
		t.Errorf("error = %v", err)
	}
	if strings.Contains(err.Error(), "of yesterday") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestARegistryThatIsNotThereIsNamed(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"})
	_, err := b.Build(t.Context(), []Source{s}, func(context.Context) (Registry, error) {
		return Registry{Repository: "127.0.0.1:1/app", Image: shelf.image, Login: shelf.login}, nil
	}, Options{})
	if err == nil || errors.Is(err, ErrDenied) || errors.Is(err, ErrNoEngine) ||
		!strings.HasPrefix(err.Error(), `push image "`+s.Name+`" to 127.0.0.1:1/app: `) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error = %v", err)
	}
}

func TestDeniedKnowsARefusalFromAnotherError(t *testing.T) {
	for message, want := range map[string]bool{
		"denied: Your authorization token has expired. Reauthenticate and try again.": true,
		"no basic auth credentials":                                              true,
		"unauthorized: authentication required":                                  true,
		"received unexpected HTTP status: 500 Internal Server Error":             false,
		"name unknown: The repository with name 'app' does not exist":            false,
		"tag invalid: The image tag 'x' already exists and the tag is immutable": false,
	} {
		if got := errors.Is(denied(errors.New(message)), ErrDenied); got != want {
			t.Errorf("denied(%q): %v, want %v", message, got, want)
		}
	}
}
