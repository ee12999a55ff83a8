package store

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/test/must"
)

func put(t *testing.T, l *Store, text string) {
	t.Helper()
	_, err := l.api.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &l.bucket, Key: aws.String(recordKey("shop-x")), Body: strings.NewReader(text)})
	must.Succeed(t, err)
}

func TestAHostileRecordDoesNotStopUs(t *testing.T) {
	l, cloud := openCloud(t)
	for name, text := range map[string]string{
		"the largest numbers":  fmt.Sprintf(`{"counter": %d, "ticket": %[1]d, "ran": %[1]d, "teardowns": %[1]d}`, math.MaxInt64),
		"negative numbers":     `{"counter": -9, "ticket": -9, "ran": -9, "teardowns": -9, "lease": {"pid": -1, "ticket": -1}}`,
		"numbers beyond all":   `{"counter": 1e400}`,
		"the last of days":     `{"extended": "9999-12-31T23:59:59-23:59", "kept": {"since": "9999-12-31T23:59:59-23:59"}}`,
		"a lease for ever":     `{"lease": {"holder": "x", "renewed": "9999-12-31T23:59:59Z"}}`,
		"a lease of tomorrow":  `{"lease": {"holder": "x", "renewed": "` + time.Now().Add(24*time.Hour).Format(time.RFC3339) + `"}}`,
		"a lease without date": `{"lease": {"holder": "x"}}`,
		"a huge lease":         `{"lease": {"holder": "` + strings.Repeat("x", 60000) + `", "pid": 1, "by": "\u001b[2J\u202e"}}`,
		"a lease of ours":      fmt.Sprintf(`{"lease": {"host": %q, "pid": %d, "renewed": "9999-01-01T00:00:00Z"}}`, thisHost(), os.Getpid()),
		"no room left":         `{"lease": null, "commit": "` + strings.Repeat("x", maxRecordBytes-100) + `"}`,
		"deep":                 strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000),
		"a history too long":   `{"history": [` + strings.Repeat(`{"at": "9999-12-31T23:59:59-23:59", "text": "\u001b\u0000"},`, 900) + `{}]}`,
		"presses too long":     `{"presses": ["` + strings.Repeat("x", 30000) + `", "` + strings.Repeat(`", "`, 9000) + `"]}`,
		"a warning of never":   `{"warned": {"at": "0000-01-01T00:00:00+23:59"}, "warning": {"at": "9999-12-31T23:59:59-23:59"}, "missing": "9999-12-31T23:59:59-23:59"}`,
		"null":                 "null",
		"an array":             "[]",
	} {
		t.Run(name, func(t *testing.T) {
			put(t, l, text)
			cloud.Advance(l.Duration + precision) // what may be made to wait for
			changed, err := l.Change(t.Context(), "shop-x", func(r *Record) { r.NumberRequest("abc") })
			must.Succeed(t, err)
			h, r, err := l.Take(t.Context(), "shop-x", LeaseRequest{RequestNumber: changed.RequestNumber, NoWait: true}, nil)
			must.Succeed(t, err)
			if r.RequestNumber != changed.RequestNumber || r.RequestNumber < 1 || r.Deployed > r.RequestNumber || r.Counter < 1 || r.Removals < 0 {
				t.Errorf("the record is %+v", r)
			}
			if _, err := h.Change(t.Context(), func(r *Record) { r.SetEnvironment("e-1") }); err != nil {
				t.Error(err)
			}
			if err := h.Release(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRequestNumbersContinueAfterTheHighest(t *testing.T) {
	for _, tt := range []struct{ last, deployed, want int64 }{
		{0, 0, 1}, {7, 3, 8}, {3, 7, 8}, {math.MaxInt64 - 1, 0, math.MaxInt64}, {math.MaxInt64, 5, 1}, {5, math.MaxInt64, 1},
	} {
		r := Record{RequestNumber: tt.last, Deployed: tt.deployed}
		if got := r.NumberRequest("abc"); got != tt.want || r.RequestNumber != got || r.Requested != "abc" || r.Deployed > got {
			t.Errorf("after request %d and the deploy of request %d: %d, %+v", tt.last, tt.deployed, got, r)
		}
	}
}

func TestSetEnvironmentAndMakeTombstoneKeepWhatOrdersRequests(t *testing.T) {
	full := Record{
		Counter: 9, Write: "w", RequestNumber: 5, Requested: "abc", Removals: 2, Lease: &LeaseOwner{Holder: "me"}, Environment: "e-1",
		Version: "v", Deployed: 4, Extended: time.Now(), Protected: &Protection{By: "Kim"}, Message: Message{Channel: "C1"}, OwnedSettings: OwnedSettings{Settings: []string{"a"}},
	}
	ordered := func(r Record) bool {
		return r.Counter == 9 && r.RequestNumber == 5 && r.Requested == "abc" && r.Removals == 2 && r.Lease == full.Lease &&
			r.Version == "" && r.Protected == nil && r.Extended.IsZero() && r.Settings == nil
	}
	same, next, gone, kept := full, full, full, full
	if same.SetEnvironment("e-1"); same.Version != "v" {
		t.Errorf("the same environment: %+v", same)
	}
	if next.SetEnvironment("e-2"); !ordered(next) || next.Environment != "e-2" || next.Message.Channel != "C1" {
		t.Errorf("another one: %+v", next)
	}
	if gone.MakeTombstone(nil); !ordered(gone) || gone.Environment != "" || gone.Message.Channel != "" {
		t.Errorf("gone for good: %+v", gone)
	}
	if kept.MakeTombstone(&Restorable{ID: "e-1"}); !ordered(kept) || kept.Environment != "" || kept.Message.Channel != "C1" || kept.Restorable.ID != "e-1" {
		t.Errorf("kept for a restore: %+v", kept)
	}
}

func TestALeaseExpiresByS3sClock(t *testing.T) {
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
		{"of a running process", 0, 0, 30 * time.Second, true, true, false},
		{"of a dead process", 0, 0, 0, true, false, true},
		{"of a running process that slept", 0, 0, 2 * time.Minute, true, true, true},
		{"before it was written", 0, 0, -time.Hour, false, false, false},
	} {
		got := expired(LeaseOwner{Renewed: at.Add(tt.renewed)}, time.Minute, at.Add(tt.now), at.Add(tt.modified), func(LeaseOwner) (bool, bool) { return tt.known, tt.alive })
		if got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
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
		r.NumberRequest("abc")
		r.Counter++
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		if r.RequestNumber < 1 || r.Counter < 1 || r.Removals < 0 || r.Deployed > r.RequestNumber {
			t.Errorf("it is read as %s", again)
		}
	})
}

func TestOnlySettingsThatTheDescriptionConfirmsAreOwned(t *testing.T) {
	ab, bc, abc := []string{"n:a", "n:b"}, []string{"n:b", "n:c"}, []string{"n:a", "n:b", "n:c"}
	for _, tt := range []struct {
		name   string
		o      OwnedSettings
		digest string
		want   []string
	}{
		{"confirmed", OwnedSettings{Settings: ab}, SettingsDigest(ab), ab},
		{"some were removed", OwnedSettings{Settings: bc, FormerSettings: abc}, SettingsDigest(abc), bc},
		{"an update has not begun", OwnedSettings{Settings: abc, FormerSettings: ab}, SettingsDigest(ab), ab},
		{"an update has ended in between", OwnedSettings{Settings: abc, FormerSettings: ab}, SettingsDigest(abc), abc},
		{"more than is confirmed", OwnedSettings{Settings: abc}, SettingsDigest(ab), nil},
		{"another list", OwnedSettings{Settings: abc, FormerSettings: abc}, SettingsDigest(ab), nil},
		{"twice", OwnedSettings{Settings: append(ab, ab...)}, SettingsDigest(ab), nil},
		{"no digest", OwnedSettings{Settings: ab}, "", nil},
	} {
		if got := tt.o.Confirmed(tt.digest); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSettingsStayConfirmedThroughAnUpdate goes from a, b to b, c, killed at any moment, whether
// AWS has taken on the description or not.
func TestSettingsStayConfirmedThroughAnUpdate(t *testing.T) {
	ab, bc, abc := []string{"n:a", "n:b"}, []string{"n:b", "n:c"}, []string{"n:a", "n:b", "n:c"}
	old, recent := SettingsDigest(ab), SettingsDigest(abc)
	during := OwnedSettings{Settings: ab}.Updated(abc, old)
	for digest, want := range map[string][]string{old: ab, recent: abc} {
		if got := during.Confirmed(digest); !slices.Equal(got, want) {
			t.Errorf("during the update %q are confirmed, want %q", got, want)
		}
	}
	after := during.Updated(bc, recent)
	if got := after.Confirmed(recent); !slices.Equal(got, bc) || !slices.Equal(after.FormerSettings, abc) {
		t.Errorf("after the update %q are confirmed, and %q listed", got, after.FormerSettings)
	}
	if next := after.Updated(bc, SettingsDigest(bc)); next.FormerSettings != nil {
		t.Errorf("after the next one there is still a list: %q", next.FormerSettings)
	}
	if unknown := after.Updated(bc, "0123456789abcdef0123"); unknown.FormerSettings != nil {
		t.Errorf("with a digest of nothing known %q is listed", unknown.FormerSettings)
	}
}

func TestARecordRemembersWhatRanBefore(t *testing.T) {
	var r Record
	for _, version := range []string{"one", "two", "two", "three", "one", "four"} {
		r.Succeed(Run{Version: version, Digests: []string{"sha256:" + version}})
	}
	var earlier []string
	for _, run := range r.Earlier {
		earlier = append(earlier, run.Version)
	}
	if r.Version != "four" || r.Before.Version != "one" || !slices.Equal(earlier, []string{"three", "two"}) {
		t.Errorf("%s runs, before it %s, earlier %q", r.Version, r.Before.Version, earlier)
	}
	for _, version := range []string{"one", "two", "three", "four"} {
		if run, known := r.Run(version); !known || !slices.Equal(run.Digests, []string{"sha256:" + version}) {
			t.Errorf("of %s it knows %+v, %v", version, run, known)
		}
	}
	if run, known := r.Run("five"); known {
		t.Errorf("of another version it knows %+v", run)
	}
	for n := range 2 * earlierLimit {
		r.Succeed(Run{Version: fmt.Sprint(n)})
	}
	if len(r.Earlier) != earlierLimit {
		t.Errorf("it remembers %d runs", len(r.Earlier))
	}
}
