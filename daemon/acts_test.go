package daemon

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"beansprout/daemon/access"
	"beansprout/daemon/board"
	"beansprout/envs"
	"beansprout/notify"
	"beansprout/test/must"
)

var boardPeople = []access.Person{{Name: "kim", Token: "kims-token-0123456789"}, {Name: "lee", Token: "lees-token-0123456789"}}

// visitor is a browser of a person who is logged in.
type visitor struct {
	*testing.T
	d      running
	client *http.Client
}

// visit returns a browser. With a person's token it is logged in.
func (d running) visit(t *testing.T, token string) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must.Succeed(t, err)
	v := visitor{t, d, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if token != "" {
		if code, _ := v.post("/login", url.Values{"token": {token}}); code != http.StatusSeeOther {
			t.Fatalf("the login is answered %d", code)
		}
	}
	return v
}

// do sends a request, and returns the status and all of the answer.
func (v visitor) do(r *http.Request) (int, string) {
	v.Helper()
	resp, err := v.client.Do(r)
	must.Succeed(v, err)
	defer resp.Body.Close()
	var all strings.Builder
	must.Succeed(v, resp.Header.Write(&all))
	_, err = io.Copy(&all, resp.Body)
	must.Succeed(v, err)
	return resp.StatusCode, all.String()
}

// request returns the request by which a form is sent.
func (v visitor) request(path string, form url.Values) *http.Request {
	v.Helper()
	r, err := http.NewRequest(http.MethodPost, v.d.url+path, strings.NewReader(form.Encode()))
	must.Succeed(v, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (v visitor) post(path string, form url.Values) (int, string) {
	v.Helper()
	return v.do(v.request(path, form))
}

func (v visitor) get(path string) (int, string) {
	v.Helper()
	r, err := http.NewRequest(http.MethodGet, v.d.url+path, nil)
	must.Succeed(v, err)
	return v.do(r)
}

// form returns a form for an environment, as the board makes it for this browser.
func (v visitor) form(action notify.Action, e envs.Environment, more ...string) url.Values {
	v.Helper()
	u, err := url.Parse(v.d.url)
	must.Succeed(v, err)
	r := &http.Request{Host: u.Host, Header: http.Header{}, RemoteAddr: "127.0.0.1:1"}
	for _, c := range v.client.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	a := board.Act{Action: string(action), Region: testRegion, Application: "shop", Feature: e.Feature, Name: e.Name, ID: e.ID}
	form := url.Values{"action": {a.Action}, "application": {a.Application}, "feature": {a.Feature}, "name": {a.Name}, "id": {a.ID}}
	for name, value := range v.d.formOf(r, a) {
		form.Set(name, value)
	}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// history returns what has happened to a feature, and by whom.
func (p *plot) history(feature string) (all []string) {
	p.Helper()
	history, err := p.manager.History(p.Context(), "shop", feature)
	must.Succeed(p, err)
	for _, h := range history {
		all = append(all, strings.TrimSpace(h.What+" "+h.Text+" by "+h.By))
	}
	return all
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// forms returns the hidden fields of the forms on a page, by their actions.
func forms(page string) map[string]url.Values {
	all := map[string]url.Values{}
	for _, part := range strings.Split(page, "<form ")[1:] {
		form := url.Values{}
		for _, f := range hiddenField.FindAllStringSubmatch(part, -1) {
			form.Add(f[1], f[2])
		}
		all[form.Get("action")] = form
	}
	return all
}

func TestAFormOfTheBoardDoesWhatItSays(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("feature/login")
	d := p.run(Config{Applications: []Application{p.application(never)}, Live: true, Access: access.Config{People: boardPeople}})
	kim := d.visit(t, boardPeople[0].Token)
	page := board.Address("shop", "feature/login", e.Name)
	done := 0
	press := func(action, want string, more ...string) {
		t.Helper()
		var form url.Values
		must.Wait(t, "the page has a form to "+action, func() bool {
			_, text := kim.get(page)
			form = forms(text)[action]
			return form != nil
		})
		for i := 0; i+1 < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		code, answer := kim.post("/act", form)
		if code != http.StatusSeeOther || !strings.Contains(answer, "Location: "+page+"\r\n") {
			t.Fatalf("%s is answered %d: %s", action, code, answer)
		}
		done++
		must.Wait(t, action+" is done", func() bool { return len(p.logged.with(t, "press")) == done })
		if line := p.logged.with(t, "press")[done-1]; line["result"] != deedDone || line["action"] != action || line["name"] != "kim" || line["place"] != onBoard {
			t.Fatalf("the log says %v", line)
		}
		if history := strings.Join(p.history("feature/login"), "\n"); !strings.Contains(history, want) || strings.Contains(history, "pressed") {
			t.Errorf("after %s the history lacks %q, or says it twice:\n%s", action, want, history)
		}
	}
	press("extend", "extended by 3d")
	if now := p.now("feature/login"); !now.Expires.Equal(e.Expires.Add(notify.ExtendBy).Truncate(time.Second)) {
		t.Errorf("extended from %v to %v", e.Expires, now.Expires)
	}
	press("protect", "protected the demo on Friday by kim on the board", "reason", "the demo\non Friday")
	if now := p.now("feature/login"); now.Protection() != "kim on the board keeps it" {
		t.Errorf("protected: %q", now.Protection())
	}
	press("unprotect", "unprotected")
	press("remove", "removed  by kim on the board", "confirm", "feature/login")
	if _, err := p.manager.Get(t.Context(), "shop", "feature/login"); err == nil {
		t.Error("it is still there")
	}
	press("restore", "restored")
	if now := p.now("feature/login"); now.ID != e.ID || now.Version != e.Version {
		t.Errorf("restored: %s with %s", now.ID, now.Version)
	}
	var posted []string
	for _, m := range p.slack.Messages() {
		posted = append(posted, string(m.Blocks))
		for _, r := range m.Replies {
			posted = append(posted, r.Text)
		}
	}
	if all := strings.Join(posted, "\n"); !strings.Contains(all, "by kim on the board") {
		t.Errorf("Slack is not told by whom:\n%s", all)
	}
}

func TestARollbackOfTheBoardDeploysAVersion(t *testing.T) {
	p := newPlot(t)
	first := p.deployed("login")
	second := p.deployedAs("login", "another page")
	d := p.run(Config{Applications: []Application{p.application(never)}, Live: true, Access: access.Config{People: boardPeople}})
	kim := d.visit(t, boardPeople[0].Token)
	if code, text := kim.post("/act", kim.form(actionRollback, second)); code != http.StatusSeeOther {
		t.Fatalf("it is answered %d: %s", code, text)
	}
	must.Wait(t, "it is done", func() bool { return len(p.logged.with(t, "press")) == 1 })
	if now := p.now("login"); now.Version != first.Version || now.ID != first.ID || first.Version == second.Version {
		t.Errorf("it runs %s, want %s: %s", now.Version, first.Version, p.logged)
	}
	kim.post("/act", kim.form(actionRollback, p.now("login"), "version", "another"))
	if now := p.now("login"); now.Version != first.Version {
		t.Errorf("a form whose version was changed acts")
	}
}

func TestWhatIsNotDoneIsToldOnThePage(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	d := p.run(Config{Applications: []Application{p.application(never)}, Live: true, Access: access.Config{People: boardPeople}})
	kim := d.visit(t, boardPeople[0].Token)
	for _, tt := range []struct {
		name   string
		form   url.Values
		code   int
		answer string
	}{
		{"a removal that was not confirmed", kim.form(notify.ActionRemove, e), 409, "not the feature"},
		{"a removal of which another name was entered", kim.form(notify.ActionRemove, e, "confirm", "logins"), 409, "not the feature"},
		{"a protection without a reason", kim.form(notify.ActionProtect, e, "reason", " \n"), 409, "needs a reason"},
		{"an action that there is not", kim.form("purge", e), 409, "does not know"},
		{"an action of Slack's alone", kim.form(notify.ActionTest, e), 409, "does not know"},
	} {
		if code, text := kim.post("/act", tt.form); code != tt.code || !strings.Contains(text, tt.answer) {
			t.Errorf("%s: %d, want %d, %q: %s", tt.name, code, tt.code, tt.answer, text)
		}
	}
	// What is refused later is told on the page.
	other := e
	other.ID = "e-0123456789"
	kim.post("/act", kim.form(notify.ActionExtend, other))
	p.deny("TerminateEnvironment")
	kim.post("/act", kim.form(notify.ActionRemove, e, "confirm", "login"))
	must.Wait(t, "the answers are known", func() bool { return len(p.logged.with(t, "press")) == 7 })
	if told := d.answers.of(e.Name, other.ID); len(told) != 1 || told[0].Result != deedRefused || !strings.Contains(told[0].Text, "no more what is there") || told[0].By != "kim on the board" {
		t.Errorf("of another environment it tells %+v", told)
	}
	if told := d.answers.of(e.Name, e.ID); len(told) != 1 || told[0].Result != deedFailed || told[0].Action != "remove" {
		t.Errorf("of the removal it tells %+v", told)
	}
	if p.now("login").ID != e.ID {
		t.Error("it was removed")
	}
	page := board.Address("shop", "login", e.Name)
	if _, text := kim.get(page); !strings.Contains(text, "remove failed") || !strings.Contains(text, "by kim on the board") {
		t.Errorf("the page tells %s", text)
	}
	if _, text := d.visit(t, "").get(page); strings.Contains(text, "/act") || !strings.Contains(text, `href="/login?next=%2ffeatures%2fshop%2flogin"`) && !strings.Contains(text, `href="/login?next=%2Ffeatures%2Fshop%2Flogin"`) {
		t.Errorf("who is not logged in is shown %s", text)
	}
}

func TestAnswersAreFew(t *testing.T) {
	a := answers{all: map[environmentKey][]answer{}}
	for i := range 3 * maxAnswered {
		for j := range 2 * maxAnswers {
			a.note(deed{name: fmt.Sprint(i), id: "e-1", token: fmt.Sprint(i, j)}, deedFailed, io.EOF)
			if i > 0 && j == 1 {
				break
			}
		}
	}
	if len(a.all) != maxAnswered {
		t.Errorf("%d environments are remembered, want %d", len(a.all), maxAnswered)
	}
	x := deed{name: "x", id: "e-1", token: "1", person: "kim", place: onBoard}
	a.note(x, board.Requested, nil)
	if told := a.of("x", "e-1"); len(told) != 1 || told[0].Result != board.Requested {
		t.Errorf("at first it tells %+v", told)
	}
	a.note(x, deedFailed, io.EOF)
	if told := a.of("x", "e-1"); len(told) != 1 || told[0].Result != deedFailed || told[0].Text != "EOF" {
		t.Errorf("then it tells %+v", told)
	}
	if a.forget(x); len(a.of("x", "e-1")) != 0 {
		t.Error("it tells what is forgotten")
	}
	for i := range 2 * maxAnswers {
		a.note(deed{name: "y", id: "e-1", token: fmt.Sprint(i)}, deedFailed, io.EOF)
	}
	if told := a.of("y", "e-1"); len(told) != maxAnswers {
		t.Errorf("of one environment it tells %d, want %d", len(told), maxAnswers)
	}
}

func TestABoardThatOnlyReportsChangesNothing(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	d := p.run(Config{Applications: []Application{p.application(never)}, Access: access.Config{People: boardPeople}})
	kim := d.visit(t, boardPeople[0].Token)
	if code, text := kim.post("/act", kim.form(notify.ActionRemove, e, "confirm", "login")); code != http.StatusConflict || !strings.Contains(text, "only reports") {
		t.Errorf("it is answered %d: %s", code, text)
	}
	if p.now("login").ID != e.ID {
		t.Error("the environment was removed")
	}
}

// What was begun is ended, and what comes then is refused.
func TestAnActThatHasBegunIsEnded(t *testing.T) {
	p := newPlotThatTakes(t, 2*time.Second)
	e := p.deployed("login")
	d := p.run(Config{Applications: []Application{p.application(never)}, Live: true, Access: access.Config{People: boardPeople}})
	kim := d.visit(t, boardPeople[0].Token)
	form := kim.form(notify.ActionRemove, e, "confirm", "login")
	if code, text := kim.post("/act", form); code != http.StatusSeeOther {
		t.Fatalf("it is answered %d: %s", code, text)
	}
	if told := d.answers.of(e.Name, e.ID); len(told) != 1 || told[0].Result != board.Requested {
		t.Errorf("at once the page tells %+v", told)
	}
	if code, _ := kim.post("/act", form); code != http.StatusSeeOther {
		t.Errorf("a second click is answered %d", code)
	}
	d.stop()
	if _, err := p.manager.Get(t.Context(), "shop", "login"); err == nil {
		t.Error("the removal was not ended")
	}
	if lines := p.logged.with(t, "press"); len(lines) != 1 || lines[0]["result"] != deedDone {
		t.Errorf("the log says %v", lines)
	}
}
