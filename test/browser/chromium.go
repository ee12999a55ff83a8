//go:build !race

// Package browser drives a headless Chromium through the daemon's pages in tests, and looks at what it shows: roles and
// names, colors, boxes, focus, requests, and errors. It is no part of builds with the race detector, which would slow
// the browser's tests down and finds nothing here that the race tests of the daemon do not.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// program is the browser, as Debian names it.
const program = "chromium-headless-shell"

// Chromium is a running browser. All of its files and processes are gone after Close.
type Chromium struct {
	ctx     context.Context
	enclave *enclave // nil for the machine's
	stop    func()
}

// Missing reports why no browser can run, "" if one can.
func Missing() string {
	if _, err := exec.LookPath(program); err != nil {
		return "there is no " + program + ": nothing goes through the daemon's pages"
	}
	return ""
}

// Start starts a browser with a profile of its own in a temporary directory, and, for those who may make one, with
// a network of its own. The kernel ends it with this process.
func Start() (*Chromium, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	c := &Chromium{}
	if c.enclave, err = newEnclave(); err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.ModifyCmdFunc(c.enclave.enclose))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...) // as root it adds --no-sandbox
	ctx, stop := chromedp.NewContext(allocator)
	c.ctx, c.stop = ctx, func() { stop(); stopAllocator() }
	if err := chromedp.Do(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return c, nil
}

// Close ends the browser and waits until its processes have ended and its directory is removed.
func (c *Chromium) Close() {
	c.stop()
	c.enclave.close()
}

// Page opens an empty page that shares no cookies and no storage with others. It is closed at the end of the test, which
// fails if the page has had problems.
func (c *Chromium) Page(t testing.TB) *Page {
	t.Helper()
	return newPage(t, c.enclave, c.ctx, chromedp.WithNewBrowserContext())
}

// waitLimit is how long a page may take for anything, however busy the machine is.
const waitLimit = 2 * time.Minute
