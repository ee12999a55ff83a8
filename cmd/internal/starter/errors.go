package starter

import (
	"fmt"

	"beansprout/cmd/internal/project"
)

func errorf(format string, args ...any) error {
	return &project.Error{Err: fmt.Errorf(format, args...)}
}

// NothingError is reported for a directory in which nothing says how an application is built or run.
type NothingError struct{ Dir string }

func (e *NothingError) Error() string {
	return fmt.Sprintf("nothing in %s says how the application is built and run: there is no Dockerfile, compose file, Dockerrun.aws.json, Procfile, pom.xml or the like", e.Dir)
}

// ExistsError is reported where files exist that would be written.
type ExistsError struct {
	Dir   string
	Names []string
}

func (e *ExistsError) Error() string {
	text := ""
	for i, name := range e.Names {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	verb := "exists"
	if len(e.Names) > 1 {
		verb = "exist"
	}
	return fmt.Sprintf("%s %s already in %s; nothing was written", text, verb, e.Dir)
}
