//go:build !race

package browser

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"beansprout/test/must"
)

// Page is one tab. Its methods end the test if the browser does not do what they say.
type Page struct {
	testing.TB
	*traffic
	enclave  *enclave
	ctx      context.Context
	features map[string]string // emulated media features
}

func newPage(t testing.TB, in *enclave, parent context.Context, options ...chromedp.ContextOption) *Page {
	t.Helper()
	seen := &traffic{}
	ctx, stop := chromedp.NewContext(parent, append(options, chromedp.WithListener(seen.note))...)
	p := &Page{TB: t, traffic: seen, enclave: in, ctx: ctx, features: map[string]string{}}
	t.Cleanup(func() {
		stop()
		for _, problem := range p.Problems() {
			t.Errorf("in the browser: %s", problem)
		}
	})
	must.Succeed(t, chromedp.Do(ctx)) // the tab lives as long as the context of its first call
	return p
}

// Tab opens another tab of the same browser, which shares cookies and storage.
func (p *Page) Tab() *Page {
	p.Helper()
	return newPage(p.TB, p.enclave, p.ctx)
}

// Do runs steps.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	must.Succeed(p, chromedp.Do(ctx, steps...))
}

// call sends a command of the DevTools protocol and returns its answer.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	answer, err := chromedp.Call(ctx, command, params)
	must.Succeed(p, err)
	return answer
}

// Open loads a page of this machine's loopback and waits until it is complete. An error status is a page as well.
func (p *Page) Open(address string) {
	p.Helper()
	u, err := url.Parse(address)
	must.Succeed(p, err)
	must.Succeed(p, p.enclave.reach(u.Host))
	p.Do(chromedp.Navigate(address))
}

// Eval returns what a JavaScript expression yields in the page.
func Eval[T any](p *Page, expression string) T {
	p.Helper()
	v, err := eval[T](p, expression)
	must.Succeed(p, err)
	return v
}

func eval[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Wait waits until an expression is true in a page that is complete, also across reloads.
func (p *Page) Wait(what, expression string) {
	p.Helper()
	var err error
	for end := time.Now().Add(waitLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var holds bool
		if holds, err = eval[bool](p, `document.readyState === "complete" && Boolean(`+expression+")"); err == nil && holds {
			return
		}
	}
	p.Fatalf("not within %v: %s (%v); the page shows:\n%s", waitLimit, what, err, p.Text())
}

// Text returns what the page shows, as it would be copied.
func (p *Page) Text() string {
	text, err := eval[string](p, "document.body ? document.body.innerText : ''")
	if err != nil {
		return err.Error()
	}
	return text
}

// Press presses keys one after the other, as kb names them.
func (p *Page) Press(names ...string) {
	p.Helper()
	for _, key := range names {
		p.Do(chromedp.KeyEvent(key))
	}
}

// Click clicks on the middle of the element that a selector of CSS finds first.
func (p *Page) Click(selector string) {
	p.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Narrow gives the page the width of a small phone, in CSS pixels.
func (p *Page) Narrow(width int64) {
	p.Helper()
	p.Do(chromedp.EmulateViewport(width, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// Wide gives the page a size, in CSS pixels.
func (p *Page) Wide(width, height int64) {
	p.Helper()
	p.Do(chromedp.EmulateViewport(width, height))
}

// Prefer emulates a preference of the user, such as prefers-color-scheme.
func (p *Page) Prefer(feature, value string) {
	p.Helper()
	p.features[feature] = value
	var all []*emulation.MediaFeature
	for name, value := range p.features {
		all = append(all, &emulation.MediaFeature{Name: name, Value: value})
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: all})
}

// WithoutScript turns JavaScript off for pages that are opened from now on. Eval still works.
func (p *Page) WithoutScript() {
	p.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// Screenshot returns a PNG of what is in sight.
func (p *Page) Screenshot() []byte {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	must.Succeed(p, err)
	return png
}

// Hide tells the page that its tab is hidden, or in sight again: in Chromium without a screen, all tabs are in sight.
func (p *Page) Hide(hidden bool) {
	p.Helper()
	const script = `(() => {
		const hidden = %t;
		Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
		Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
		return true;
	})()`
	Eval[bool](p, fmt.Sprintf(script, hidden))
}
