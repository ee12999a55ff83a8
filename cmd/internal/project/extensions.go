package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"beansprout/compose"
)

// maxExtension is up to how many bytes of a configuration file are checked.
const maxExtension = 1 << 20

// extensionFiles matches the files that Beanstalk reads as configuration when it deploys (developer
// guide, "Advanced environment customization with configuration files"). It reads those that
// begin with a dot, too.
const extensionFiles = ".ebextensions/*.config"

// checkExtensions refuses configuration files of a bundle that are neither YAML nor JSON:
// AWS says so only after the build, and fails the deploy. The error names file and line.
func checkExtensions(bundle fs.FS, names []string) error {
	for _, name := range names {
		if ok, _ := path.Match(extensionFiles, name); !ok {
			continue
		}
		text, err := readExtension(bundle, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		line, problem := checkExtension(text)
		if problem == "" {
			continue
		}
		err = fmt.Errorf("%s:%d: neither YAML nor JSON that Beanstalk reads: %s", name, line, problem)
		if strings.HasPrefix(path.Base(name), "._") {
			return &AppleDoubleError{Beside: path.Base(name)[2:], Err: err}
		}
		return err
	}
	return nil
}

func readExtension(bundle fs.FS, name string) ([]byte, error) {
	f, err := bundle.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxExtension+1))
	if len(text) > maxExtension {
		return nil, nil // nothing is known against it
	}
	return text, err
}

// checkExtension returns what is wrong with a configuration file, and on which line; "" when
// nothing is.
func checkExtension(text []byte) (line int, problem string) {
	if json.Valid(text) {
		return aMapping(text)
	}
	// This parser and Beanstalk's are ports of the same one: they take and refuse the same.
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for document := 1; ; document++ {
		var node yaml.Node
		switch err := decoder.Decode(&node); {
		case errors.Is(err, io.EOF):
			return 0, ""
		case err != nil:
			return compose.YAMLProblem(text, err)
		case document > 1:
			return node.Line, "it has more than one document"
		case node.Content[0].Kind != yaml.MappingNode && node.Content[0].Tag != "!!null":
			return node.Content[0].Line, "want keys such as option_settings: at the top"
		}
	}
}

func aMapping(text []byte) (line int, problem string) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return 0, ""
	}
	return 1, "want an object with keys such as option_settings"
}
