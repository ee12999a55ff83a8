package traffic

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHealthyTargetsTakeTurns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "a", says("a"))
		fleet.run(t, "b", says("b"))
		fleet.run(t, "bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		p := open(t, Config{Instances: &fleet})
		p.Apply(shop(Group{ID: "g", Check: quick, Targets: targets("a", "bad", "b")}))
		synctest.Wait()
		count := map[string]int{}
		for range 10 {
			count[p.ask("/")]++
		}
		if count["200 a"] != 5 || count["200 b"] != 5 {
			t.Errorf("answers: %v", count)
		}
	})
}

func TestTheTargetWithTheFewestOpenRequestsIsChosen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "a", says("a"))
		fleet.run(t, "b", says("b"))
		p := open(t, Config{Instances: &fleet})
		p.Apply(shop(Group{ID: "g", Check: quick, LeastOutstanding: true, Targets: targets("a", "b")}))
		synctest.Wait()
		busy := make(chan string)
		go func() { busy <- p.ask("/3s") }()
		synctest.Wait()
		for range 5 {
			if got := p.ask("/"); got != "200 b" {
				t.Errorf("beside the busy one: %s", got)
			}
		}
		same(t, "the busy one", <-busy, "200 a")
		same(t, "open requests", p.groups["g"].targets[0].open+p.groups["g"].targets[1].open, 0)
	})
}

func TestRequestsAreSharedByWeight(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		for _, id := range []string{"old", "new", "idle"} {
			fleet.run(t, id, says(id))
		}
		p := open(t, Config{Instances: &fleet})
		table := shop(Group{ID: "1", Check: quick, Targets: targets("old")}, Group{ID: "2", Check: quick, Targets: targets("new")}, Group{ID: "3", Check: quick, Targets: targets("idle")})
		rule := &table.Balancers[0].Listeners[0].Rules[0]
		rule.Forward[0].Weight, rule.Forward[1].Weight, rule.Forward[2].Weight = 90, 10, 0
		p.Apply(table)
		synctest.Wait()
		count := map[string]int{}
		const all = 1000
		for range all {
			count[p.ask("/")]++
		}
		// 100 are expected, with a standard deviation of 9.5.
		if n := count["200 new"]; n < 40 || n > 160 || count["200 idle"] != 0 || count["200 old"] != all-n {
			t.Errorf("answers: %v", count)
		}
		rule.Forward[0].Weight, rule.Forward[1].Weight = 0, 0
		p.Apply(table)
		same(t, "all weights 0", p.ask("/"), "503")
	})
}

func TestWhenNoTargetAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "bad", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.WriteHeader(500)
			}
			says("bad")(w, r)
		})
		fleet.run(t, "refuses", says(""))()
		fleet.run(t, "cuts", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		p := open(t, Config{Instances: &fleet, Patience: 10 * time.Second})
		for _, tt := range []struct {
			name, target, path, want string
		}{
			{"no registered target", "", "/x", "503"},
			{"an instance that is gone", "gone", "/x", "503"},
			{"all unhealthy: fail open", "bad", "/x", "200 bad"},
			{"refused", "refuses", "/x", "502"},
			{"cut", "cuts", "/x", "502"},
			{"too slow", "bad", "/11s", "504"},
			{"slow", "bad", "/9s", "200 bad"},
		} {
			g := Group{ID: tt.name, Check: quick}
			if tt.target != "" {
				g.Targets = targets(tt.target)
			}
			p.Apply(shop(g))
			time.Sleep(6 * time.Second)
			same(t, tt.name, p.ask(tt.path), tt.want)
		}
	})
}

func TestATargetInitialTakesRequestsOnlyWhileNoneIsHealthy(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "old", says("old"))
		fleet.run(t, "new", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				pause(r, time.Second)
			}
			says("new")(w, r)
		})
		p := open(t, Config{Instances: &fleet})
		g := Group{ID: "g", Check: quick, Targets: targets("new")}
		p.Apply(shop(g))
		synctest.Wait()
		same(t, "fail open", p.ask("/x"), "200 new")
		g.Targets = targets("new", "old")
		p.Apply(shop(g))
		synctest.Wait()
		for range 3 {
			same(t, "beside a healthy one", p.ask("/x"), "200 old")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if first, second := p.ask("/x"), p.ask("/x"); first == second {
			t.Errorf("both healthy: %s, %s", first, second)
		}
	})
}

func TestTheApplicationSeesTheClient(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var fleet fleet
		fleet.run(t, "a", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Join([]string{r.Host, r.URL.RequestURI(), r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto")}, " "))
		})
		p := open(t, Config{Instances: &fleet})
		p.Apply(shop(Group{ID: "g", Check: quick, Targets: targets("a")}))
		synctest.Wait()
		same(t, "request", p.ask("/a%2Fb?x=;1"), "200 shop.localhost /a%2Fb?x=;1 192.0.2.1 http")
	})
}
