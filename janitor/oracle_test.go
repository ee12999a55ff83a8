package janitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/test/oracle"
)

const oneDay = 24 * time.Hour

// TestTheDecisionRemovesWhatTheOracleLetsGo decides about random environments, of which everything is
// random that AWS, their tags and their records tell, and wants the decision to be the oracle's.
func TestTheDecisionRemovesWhatTheOracleLetsGo(t *testing.T) {
	n := 20_000
	if os.Getenv("BEANSPROUT_SOAK") != "" {
		n = 1_000_000
	}
	seed := rand.Uint64() >> 1
	if given, err := strconv.ParseUint(os.Getenv("BEANSPROUT_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("BEANSPROUT_SEED=%d repeats it", seed)
	actions := map[Action]int{}
	for i := range n {
		c := drawCase(rand.New(rand.NewPCG(seed, uint64(i))))
		want, _ := c.policy.Keeps(c.facts)
		v := c.decide()
		actions[v.action]++
		if (v.action == Remove) != (want == "") || v.action == Remove && v.end.After(c.facts.Now) {
			t.Fatalf("case %d: it is %s because %q, and the oracle says %q: %+v, %+v", i, v.action, v.reason, want, c.policy, c.facts)
		}
	}
	t.Logf("%d cases: %v", n, actions)
	for _, a := range []Action{Remove, Warn, Wait, Keep, Unknown} {
		if actions[a] < n/200 {
			t.Errorf("of %d cases only %d are %s: that proves little", n, actions[a], a)
		}
	}
}

// randomCase is an environment, and what is known about it.
type randomCase struct {
	policy oracle.Policy
	facts  oracle.Facts
}

func choose[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

func drawCase(r *rand.Rand) randomCase {
	const feature = "login"
	c := randomCase{policy: oracle.Policy{
		Account: account, TTL: choose(r, 0, time.Hour, 5*oneDay), Warn: choose(r, 0, time.Hour, oneDay), Settle: choose(r, 0, 0, time.Hour, 2*oneDay),
	}}
	name := envs.Name(account, "shop", choose(r, feature, feature, feature, feature, feature, feature, "other"))
	created := noon.Add(-time.Duration(r.Int64N(int64(12 * oneDay))))
	updated := choose(r, created, created, created.Add(time.Hour), created.Add(time.Duration(r.Int64N(int64(12*oneDay)))))
	c.facts = oracle.Facts{
		Row: oracle.Row{
			EnvironmentId: "e-1", EnvironmentName: name, ApplicationName: "shop", CNAME: choose(r, name, name, name, name, name, name, "production") + ".example.com",
			Status:      choose(r, "Ready", "Ready", "Ready", "Ready", "Ready", "Updating", "Terminating"),
			DateCreated: drawDate(r, created), DateUpdated: drawDate(r, updated),
		},
		Tags: map[string]string{
			"beansprout:feature": feature, "beansprout:created": "x", "beansprout:source": "branch", "beansprout:ttl": choose(r, "", "2d", "0s", "9d"),
			"beansprout:lifecycle": choose(r, "ephemeral", "ephemeral", "ephemeral", "ephemeral", "ephemeral", "ephemeral", "keep", "forever"),
		},
		Now: noon, Gone: c.policy.Settle > 0 && r.IntN(2) == 0,
	}
	if days := choose(r, "36h", "2d", "5d", "5d", "1d12h", "3d from deploy", "2d least 6h", "4d from deploy least 2d", "", "0s", "-5d", "five"); days != "" {
		c.facts.Row.Description = feature + " @ 1a2b3c4 for " + days + choose(r, "", " by Kim", " ~0123456789abcdef0123 by kim for 1s")
	} else {
		c.facts.Row.Description = choose(r, "", feature+" @ 1a2b3c4", "edited")
	}
	if r.IntN(12) == 0 {
		delete(c.facts.Tags, choose(r, "beansprout:feature", "beansprout:created", "beansprout:lifecycle"))
	}
	c.facts.Record = c.drawRecord(r)
	return c
}

// drawDate is a date, or something that AWS could say in its place.
func drawDate(r *rand.Rand, t time.Time) string {
	if r.IntN(20) > 0 {
		return t.Format(time.RFC3339)
	}
	return choose(r, "", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", noon.Add(90*oneDay).Format(time.RFC3339))
}

// drawRecord is the text of a record. Most warnings are of the end that the record itself leads to.
func (c *randomCase) drawRecord(r *rand.Rand) string {
	instant := func() time.Time {
		return choose(r, noon.Add(-40*oneDay), noon.Add(-time.Duration(r.Int64N(int64(9*oneDay)))), noon.Add(-time.Hour), noon.Add(time.Hour), noon.Add(400*oneDay), time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	}
	rec := store.Record{Counter: 1, Environment: choose(r, "e-1", "e-1", "e-1", "e-1", "e-0", "")}
	if r.IntN(3) == 0 {
		rec.Extended = instant()
	}
	if r.IntN(8) == 0 {
		rec.Protected = &store.Protection{By: choose(r, "", "kim")}
	}
	if r.IntN(2) == 0 {
		rec.MissingSince = instant()
	}
	if r.IntN(2) == 0 {
		rec.LastDeploy = store.LastDeploy{At: instant(), TTL: choose(r, "", "1s", "9d", "-1d", "90000d")}
	}
	if r.IntN(12) == 0 {
		rec.Lease = &store.LeaseOwner{Verb: "up", Holder: "x", Renewed: noon}
		c.facts.Written = noon
	}
	if r.IntN(20) == 0 {
		return choose(r, "", "{", "[]", "\x00")
	}
	if r.IntN(4) > 0 {
		// The end is what the decision itself says, so that the oracle must agree about it.
		c.facts.Record = encode(rec)
		rec.Warned = &store.Warning{At: choose(r, noon.Add(-time.Hour), noon.Add(-oneDay), instant()), Expires: choose(r, c.decide().end, c.decide().end, instant())}
	}
	return encode(rec)
}

func encode(r store.Record) string {
	text, err := json.Marshal(r)
	if err != nil {
		return ""
	}
	return string(text)
}

// decide asks the product, by the parts that the manager makes its answers of.
func (c *randomCase) decide() verdict {
	row := c.facts.Row
	e := envs.Environment{Tags: c.facts.Tags, Env: envs.Env{
		ID: row.EnvironmentId, Name: row.EnvironmentName, Application: row.ApplicationName, CNAME: row.CNAME, Description: row.Description, State: envs.State(row.Status),
	}}
	e.Created, _ = time.Parse(time.RFC3339, row.DateCreated)
	e.Updated, _ = time.Parse(time.RFC3339, row.DateUpdated)
	f := facts{gone: c.facts.Gone}
	var rec store.Record
	if err := json.Unmarshal([]byte(c.facts.Record), &rec); err != nil && c.facts.Record != "" {
		f.unread = errors.New("it is no record")
	} else {
		rec.At, e.Record = c.facts.Now, &rec
		if f.gone {
			f.since = e.Own().MissingSince
		}
	}
	e.Moved = envs.Moved(e.Env)
	verified, err := envs.Verify(account, e.Env, e.Tags)
	if f.foreign = err != nil; err == nil {
		e.Env = envs.ParseDeployed(verified, verified.Feature)
	}
	switch protection := e.Protection(); {
	case e.State != envs.Ready:
		f.reason = "is " + string(e.State)
	case protection != "":
		f.reason = protection
	case e.Tags[envs.TagLifecycle] != envs.Ephemeral:
		f.reason = fmt.Sprintf("its lifecycle is %q", e.Tags[envs.TagLifecycle])
	case rec.Lease != nil:
		f.reason = "its lease is taken"
	}
	e.Expires = envs.Days{TTL: c.policy.TTL, Least: oneDay}.Expiry(e)
	f.environment = e
	return rules{warn: c.policy.Warn, settle: c.policy.Settle}.decide(f, c.facts.Now)
}
