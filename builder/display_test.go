package builder

import (
	"crypto/rand"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/console"
)

// newTerminal returns a terminal, and what has been written to it when it is closed.
func newTerminal(t *testing.T) (terminal *os.File, written func() string) {
	t.Helper()
	master, path, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	if err := master.Resize(console.WinSize{Width: 120, Height: 40}); err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	all := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(master) // ends with an error when the other end is closed
		all <- string(text)
	}()
	t.Cleanup(func() { _ = master.Close() })
	return terminal, func() string {
		_ = terminal.Close()
		return <-all
	}
}

// drawn is what BuildKit's display moves the cursor and colours its lines with.
var drawn = regexp.MustCompile(`\x1b\[(\?25[lh]|[0-9;]*[ABGm])`)

func TestADisplayShowsAllImagesAndNothingHostile(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	terminal, written := newTerminal(t)
	hostile := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"escape\", \"" + rand.Text() + "\", \"\\u001b[2J\"]\n"})
	hostile.Prepare = `printf '\033]0;title\007prepared\r\n'; sleep 1`
	failing := newSource(t, b, map[string]string{"step": stepBinary(t), "salt": rand.Text(), "Dockerfile": "FROM scratch\nCOPY step salt /\nRUN [\"/step\", \"exit\", \"3\"]\n"})
	failing.Prepare = "sleep 0.2 # before"
	hostile.Name, failing.Name = hostile.Name[:12], failing.Name[:12]
	t.Cleanup(func() { removeImages(t, b, hostile.Name); removeImages(t, b, failing.Name) })
	var mu sync.Mutex
	lent, back := 0, 0
	options := Options{Log: log.log, Terminal: func() (*os.File, func()) {
		mu.Lock()
		defer mu.Unlock()
		lent++
		return terminal, func() { back++ }
	}}
	if _, err := b.Build(t.Context(), []Source{hostile}, shelf.registry, options); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(t.Context(), []Source{hostile, failing}, shelf.registry, options); err == nil {
		t.Error("the failing one does not fail")
	}
	if lent != 2 || back != 2 {
		t.Errorf("the terminal was lent %d times and given back %d times, want twice", lent, back)
	}
	text := written()
	for _, want := range []string{
		"[+] Building", " => prepare: printf", " => => # prepared", ` => [2/2] RUN ["/step", "escape"`, " => push " + shelf.host + "/app:ctx-", " => => layer ",
		"[" + hostile.Name + "] prepare: printf", "ERROR [" + failing.Name + ` 2/2] RUN ["/step", "exit", "3"]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%.9000q", want, text)
		}
	}
	if rest := drawn.ReplaceAllString(text, ""); strings.ContainsAny(rest, "\x1b\x07") || strings.Contains(rest, "------") {
		t.Errorf("there is more than the display in\n%.9000q", rest)
	}
	if !strings.Contains(log.String(), "build: [2/2] another on stderr\n") {
		t.Errorf("log:\n%s", log)
	}
}

func TestATerminalIsNotLentWhenThereIsNothingToSee(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := smallSource(t, b)
	for _, lend := range []func() (*os.File, func()){nil, func() (*os.File, func()) { t.Error("it is lent"); return nil, nil }} {
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Terminal: lend}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	back := 0
	_, err = b.Build(t.Context(), []Source{smallSource(t, b)}, shelf.registry, Options{Terminal: func() (*os.File, func()) { return file, func() { back++ } }})
	if info, _ := file.Stat(); err != nil || info.Size() > 0 || back != 1 {
		t.Errorf("error = %v, %d bytes written, given back %d times", err, info.Size(), back)
	}
}

func TestWhatIsShownHasAsManyCharactersAsColumns(t *testing.T) {
	for text, want := range map[string]string{
		"":             "",
		"plain é ½":    "plain é ½",
		"한글 x":         "한\u200b글\u200b x",
		"done ✨ ａ (｡)": "done ✨\u200b ａ\u200b (｡)",
	} {
		if got := evened(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
