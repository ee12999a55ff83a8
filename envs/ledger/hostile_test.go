package ledger

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func put(t *testing.T, l *Ledger, text string) {
	t.Helper()
	_, err := l.api.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &l.bucket, Key: aws.String(recordKey("shop-x")), Body: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAHostileRecordStopsNobody(t *testing.T) {
	l, cloud := openCloud(t)
	for name, text := range map[string]string{
		"the largest numbers":  fmt.Sprintf(`{"counter": %d, "ticket": %[1]d, "ran": %[1]d, "teardowns": %[1]d}`, math.MaxInt64),
		"negative numbers":     `{"counter": -9, "ticket": -9, "ran": -9, "teardowns": -9, "lease": {"pid": -1, "ticket": -1}}`,
		"numbers beyond all":   `{"counter": 1e400}`,
		"the last of days":     `{"extended": "9999-12-31T23:59:59-23:59", "kept": {"since": "9999-12-31T23:59:59-23:59"}}`,
		"a lease for ever":     `{"lease": {"holder": "x", "renewed": "9999-12-31T23:59:59Z"}}`,
		"a lease of tomorrow":  `{"lease": {"holder": "x", "renewed": "` + time.Now().Add(24*time.Hour).Format(time.RFC3339) + `"}}`,
		"a lease without date": `{"lease": {"holder": "x"}}`,
		"a lease of all":       `{"lease": {"holder": "` + strings.Repeat("x", 60000) + `", "pid": 1, "by": "\u001b[2J\u202e"}}`,
		"a lease of ours":      fmt.Sprintf(`{"lease": {"host": %q, "pid": %d, "renewed": "9999-01-01T00:00:00Z"}}`, thisHost(), os.Getpid()),
		"no room left":         `{"lease": null, "commit": "` + strings.Repeat("x", maxRecord-100) + `"}`,
		"deep":                 strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000),
		"null":                 "null",
		"an array":             "[]",
	} {
		t.Run(name, func(t *testing.T) {
			put(t, l, text)
			cloud.Advance(l.Duration + precision) // what may be made to wait for
			drawn, err := l.Change(t.Context(), "shop-x", func(r *Record) { r.Draw("abc") })
			if err != nil {
				t.Fatal(err)
			}
			h, r, err := l.Take(t.Context(), "shop-x", Claim{Ticket: drawn.Ticket, Impatient: true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Ticket != drawn.Ticket || r.Ticket < 1 || r.Ran > r.Ticket || r.Counter < 1 || r.Teardowns < 0 {
				t.Errorf("the record says %+v", r)
			}
			if _, err := h.Change(t.Context(), func(r *Record) { r.SpeakOf("e-1") }); err != nil {
				t.Error(err)
			}
			if err := h.Release(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDrawGoesOnAfterTheHighestTicket(t *testing.T) {
	for _, tt := range []struct{ ticket, ran, want int64 }{
		{0, 0, 1}, {7, 3, 8}, {3, 7, 8}, {math.MaxInt64 - 1, 0, math.MaxInt64}, {math.MaxInt64, 5, 1}, {5, math.MaxInt64, 1},
	} {
		r := Record{Ticket: tt.ticket, Ran: tt.ran}
		if got := r.Draw("abc"); got != tt.want || r.Ticket != got || r.Asked != "abc" || r.Ran > got {
			t.Errorf("after ticket %d and a run of %d: %d, %+v", tt.ticket, tt.ran, got, r)
		}
	}
}

func TestSpeakOfAndShrinkKeepWhatOrdersTheRuns(t *testing.T) {
	full := Record{
		Counter: 9, Write: "w", Ticket: 5, Asked: "abc", Teardowns: 2, Lease: &Held{Holder: "me"}, Environment: "e-1",
		Version: "v", Ran: 4, Extended: time.Now(), Kept: &Keeping{By: "Kim"}, Message: Message{Channel: "C1"}, Settings: []string{"a"},
	}
	ordered := func(r Record) bool {
		return r.Counter == 9 && r.Ticket == 5 && r.Asked == "abc" && r.Teardowns == 2 && r.Lease == full.Lease &&
			r.Version == "" && r.Kept == nil && r.Extended.IsZero() && r.Settings == nil
	}
	same, next, gone, kept := full, full, full, full
	if same.SpeakOf("e-1"); same.Version != "v" {
		t.Errorf("the same environment: %+v", same)
	}
	if next.SpeakOf("e-2"); !ordered(next) || next.Environment != "e-2" || next.Message.Channel != "C1" {
		t.Errorf("another one: %+v", next)
	}
	if gone.Shrink(nil); !ordered(gone) || gone.Environment != "" || gone.Message.Channel != "" {
		t.Errorf("gone for good: %+v", gone)
	}
	if kept.Shrink(&Removal{ID: "e-1"}); !ordered(kept) || kept.Environment != "" || kept.Message.Channel != "C1" || kept.Removed.ID != "e-1" {
		t.Errorf("kept for a restore: %+v", kept)
	}
}

func TestExpiredGoesByS3sClock(t *testing.T) {
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name                   string
		renewed, modified, now time.Duration
		known, alive, want     bool
	}{
		{"just renewed", 0, 0, 0, false, false, false},
		{"at the very end", 0, 0, time.Minute, false, false, false},
		{"a second later", 0, 0, time.Minute + time.Second, false, false, true},
		{"renewed before the last write", 0, 50 * time.Second, time.Minute + time.Second, false, false, true},
		{"renewed in the future", time.Hour, 0, time.Minute + time.Second, false, false, true},
		{"of a process that lives", 0, 0, 30 * time.Second, true, true, false},
		{"of a process that is dead", 0, 0, 0, true, false, true},
		{"of a process that lives and sleeps", 0, 0, 2 * time.Minute, true, true, true},
		{"before it was written", 0, 0, -time.Hour, false, false, false},
	} {
		got := expired(Held{Renewed: at.Add(tt.renewed)}, time.Minute, at.Add(tt.now), at.Add(tt.modified), func(Held) (bool, bool) { return tt.known, tt.alive })
		if got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzRecordsAreReadAsHostileInput(f *testing.F) {
	f.Add([]byte(`{"counter":1,"message":{"channel":"C1"}}`))
	f.Add([]byte(`{"counter":9223372036854775807,"extended":"9999-12-31T23:59:59-23:59","lease":{"renewed":"0000-01-01T00:00:00+23:59"}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parse(text)
		if err != nil {
			if !equal(r, Record{}) {
				t.Errorf("garbage is read as %+v", r)
			}
			return
		}
		r.Draw("abc")
		r.Counter++
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		if r.Ticket < 1 || r.Counter < 1 || r.Teardowns < 0 || r.Ran > r.Ticket {
			t.Errorf("it is read as %s", again)
		}
	})
}
