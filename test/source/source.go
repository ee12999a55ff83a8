// Package source is what tests deploy: an application that is one file and has no image.
package source

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"beansprout/envs"
)

// Page is the source of an application that is one page with this content.
type Page string

// Check refuses nothing.
func (p Page) Check(context.Context, string) error { return nil }

// Images makes none.
func (p Page) Images(context.Context, envs.Target) ([]envs.Image, error) { return nil, nil }

// Forecast knows all that Images makes.
func (p Page) Forecast(context.Context, envs.Target) ([]envs.Image, bool, error) {
	return nil, true, nil
}

// Bundle returns a zip with the page. Equal pages make equal bundles.
func (p Page) Bundle(context.Context, []envs.Image, envs.Target) (envs.Bundle, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("index.html")
	if err == nil {
		_, err = io.WriteString(w, string(p))
	}
	err = errors.Join(err, z.Close())
	return envs.Bundle{File: file{bytes.NewReader(b.Bytes())}, Size: int64(b.Len()), Digest: fmt.Sprintf("%x", sha256.Sum256(b.Bytes())), Kind: "zip"}, err
}

// file is a file in memory.
type file struct{ *bytes.Reader }

// Close implements io.Closer.
func (file) Close() error { return nil }
