package traffic

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestATargetIsHealthyAfterOneGoodCheckAndUnhealthyAfterAsManyBadOnesAsTheCheckSays(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var status atomic.Int32
		var asked atomic.Int32
		var fleet fleet
		fleet.run(t, "a", func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1); r.URL.Path != "/up" || r.Host != "10.0.0.1:80" || r.UserAgent() != "ELB-HealthChecker/2.0" {
				t.Errorf("a check asks for %s of %s as %s", r.URL, r.Host, r.UserAgent())
			}
			w.WriteHeader(int(status.Load()))
		})
		check := quick
		check.Path, check.Good, check.Bad = "/up", 3, 2
		p := open(t, Config{Instances: &fleet, Speed: 5}) // a check every second
		status.Store(200)
		p.Apply(shop(Group{ID: "g", Check: check, Targets: targets("a")}))
		for _, step := range []struct {
			status int32
			want   string
		}{
			{200, "a:healthy"}, {502, "a:healthy"}, {200, "a:healthy"}, {502, "a:healthy"}, {503, "a:unhealthy:Target.ResponseCodeMismatch"},
			{200, "a:unhealthy:Target.ResponseCodeMismatch"}, {200, "a:unhealthy:Target.ResponseCodeMismatch"}, {200, "a:healthy"},
		} {
			status.Store(step.status)
			if asked.Load() > 1 || step.status != 200 {
				time.Sleep(time.Second)
			}
			synctest.Wait()
			same(t, "state", p.states("g"), step.want)
		}
		same(t, "checks", asked.Load(), int32(8))
	})
}

func TestANewTargetIsInitialUntilItsHealthIsKnown(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "slow", func(_ http.ResponseWriter, r *http.Request) { pause(r, time.Second) })
		fleet.run(t, "bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		p := open(t, Config{Instances: &fleet})
		p.Apply(shop(Group{ID: "g", Check: quick, Targets: targets("slow", "bad")}))
		synctest.Wait()
		same(t, "at first", p.states("g"), "slow:initial:Elb.InitialHealthChecking bad:initial:Elb.InitialHealthChecking")
		time.Sleep(2 * time.Second)
		same(t, "after one check", p.states("g"), "slow:healthy bad:initial:Elb.InitialHealthChecking")
		time.Sleep(4 * time.Second)
		same(t, "after two checks", p.states("g"), "slow:healthy bad:unhealthy:Target.ResponseCodeMismatch")
	})
}

func TestTheReasonsOfBadHealth(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "redirects", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" { // which would be healthy
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
			}
		})
		fleet.run(t, "slow", says("slow"))
		fleet.run(t, "refuses", says("refuses"))()
		p := open(t, Config{Instances: &fleet})
		check := quick
		check.Path = "/3s"
		p.Apply(shop(Group{ID: "g", Check: check, Targets: targets("redirects", "slow", "refuses", "gone")}))
		time.Sleep(8 * time.Second)
		same(t, "states", p.states("g"), "redirects:unhealthy:Target.ResponseCodeMismatch slow:unhealthy:Target.Timeout "+
			"refuses:unhealthy:Target.FailedHealthChecks gone:unused:Target.InvalidState")
		text := p.Health("g")[0].Description
		same(t, "description", text, "Health checks failed with these codes: [302]")
	})
}

func TestAGroupThatNoRuleNamesIsNotAsked(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		var asked atomic.Int32
		fleet.run(t, "a", func(http.ResponseWriter, *http.Request) { asked.Add(1) })
		p := open(t, Config{Instances: &fleet})
		table := shop(Group{ID: "g", Check: quick, Targets: targets("a")})
		rules := table.Balancers[0].Listeners
		table.Balancers[0].Listeners = nil
		p.Apply(table)
		time.Sleep(time.Minute)
		same(t, "without a rule", p.states("g"), "a:unused:Target.NotInUse")
		same(t, "checks without a rule", asked.Load(), int32(0))

		rules[0].Rules[0].Forward[0].Weight = 0 // named all the same
		table.Balancers[0].Listeners = rules
		p.Apply(table)
		synctest.Wait()
		same(t, "with a rule of weight 0", p.states("g"), "a:healthy")

		table.Balancers[0].Listeners = nil
		p.Apply(table)
		before := asked.Load()
		time.Sleep(time.Minute)
		same(t, "without a rule again", p.states("g"), "a:unused:Target.NotInUse")
		same(t, "checks without a rule again", asked.Load()-before, int32(0))
	})
}

func TestCodes(t *testing.T) {
	for _, tt := range []struct {
		codes string
		in    []int
		out   []int
	}{
		{"200", []int{200}, []int{201, 302}}, {"200,301", []int{200, 301}, []int{201, 300}}, {"200-299,404", []int{200, 250, 299, 404}, []int{300, 403}},
	} {
		for _, code := range append(tt.in, tt.out...) {
			want := false
			for _, in := range tt.in {
				want = want || in == code
			}
			if got := Matches(tt.codes, code); got != want {
				t.Errorf("%s with %d: %t", tt.codes, code, got)
			}
		}
	}
	for _, bad := range strings.Split("|x|200-|-200|199|200-500|300-200|200,", "|") {
		if CheckCodes(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
