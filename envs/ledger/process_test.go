package ledger

import (
	"context"
	"syscall"
	"testing"
	"time"
)

func TestTheLeaseOfADeadProcessIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	p := start(t, cloud, "holder")
	p.expect(t, "taken")
	if _, _, err := l.Take(t.Context(), "shop-x", Claim{Impatient: true}, nil); err == nil {
		t.Fatal("it was taken from a process that lives")
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), l.Duration/2)
	defer cancel()
	if _, _, err := l.Take(ctx, "shop-x", Claim{}, nil); err != nil {
		t.Error(err)
	}
}

func TestAProcessThatSleptThroughItsLeaseHasLostIt(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	brief(l)
	p := start(t, cloud, "sleeper")
	p.expect(t, "taken")
	time.Sleep(2 * l.Renewal) // it renews, and must not have lost anything by that
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for r := (Record{Lease: &Held{}}); r.Lease != nil; time.Sleep(50 * time.Millisecond) {
		var err error
		if r, err = l.Read(t.Context(), "shop-x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.expect(t, "lost") // although nobody has taken it
	p.expect(t, "ended")
}

func TestAliveTellsOneProcessFromALaterOneOfItsID(t *testing.T) {
	own := (&Lease{}).held(Claim{}, time.Now())
	if own.Host == "" {
		t.Skip("the system doesn't tell what process ids are unique in")
	}
	other := *own
	for _, tt := range []struct {
		name         string
		change       func(*Held)
		known, alive bool
	}{
		{"ourselves", func(*Held) {}, true, true},
		{"one that began earlier", func(h *Held) { h.Started += "0" }, true, false},
		{"one that names no beginning", func(h *Held) { h.Started = "" }, true, false},
		{"none", func(h *Held) { h.PID = 1 << 30 }, true, false},
		{"another host", func(h *Held) { h.Host = "x" }, false, false},
		{"no host", func(h *Held) { h.Host = "" }, false, false},
		{"a process group", func(h *Held) { h.PID = -h.PID }, false, false},
		{"all processes", func(h *Held) { h.PID = 0 }, false, false},
	} {
		h := other
		tt.change(&h)
		if known, lives := alive(h); known != tt.known || lives != tt.alive {
			t.Errorf("%s: known %v, alive %v; want %v, %v", tt.name, known, lives, tt.known, tt.alive)
		}
	}
}
