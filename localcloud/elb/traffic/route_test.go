package traffic

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func answers(name string) *Answer { return &Answer{Status: 200, Type: "text/plain", Body: name} }

func TestTheHostChoosesTheLoadBalancerAndTheListener(t *testing.T) {
	port := func(n int) Listener { return Listener{Port: n, Rules: []Rule{{Answer: answers(http.StatusText(n))}}} }
	p := New(Config{Now: time.Now})
	defer p.Close()
	p.Apply(Table{Balancers: []Balancer{
		{Host: "shop", Listeners: []Listener{port(200), {Port: 80, Rules: []Rule{{Hosts: []string{"Admin.Shop.localhost"}, Answer: answers("admin")}, {Answer: answers("eighty")}}}}},
		{Host: "other", Listeners: []Listener{port(404), port(201)}},
		{Host: "shop.eu-west-1", Listeners: []Listener{port(202)}},
		{Host: "bare"},
	}})
	for host, want := range map[string]string{
		"shop.localhost": "eighty", "SHOP.localhost:2327": "eighty", "shop.localhost.": "eighty", "80.shop.localhost": "eighty", "200.shop.localhost:2327": "OK",
		"admin.shop.localhost": "admin", "admin.80.shop.localhost": "admin", "x.admin.shop.localhost": "eighty",
		"other.localhost": "Created", "404.other.localhost": "Not Found", "405.other.localhost": "502",
		"shop.eu-west-1.localhost": "Accepted", "202.shop.eu-west-1.localhost": "Accepted", "eu-west-1.localhost": "next",
		"bare.localhost": "502", "nobody.localhost": "next", "localhost": "next", "shop": "next", "shop.localhost.example": "next", "127.0.0.1:80": "next", "": "next",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		p.Router(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("next")) })).ServeHTTP(w, r)
		got := w.Body.String()
		if w.Code != http.StatusOK {
			got = "502"
		}
		same(t, host, got, want)
	}
}

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	p := New(Config{Now: time.Now})
	defer p.Close()
	p.Apply(Table{Balancers: []Balancer{{Host: "shop", Listeners: []Listener{{Port: 80, Rules: []Rule{
		{Paths: []string{"/img/*", "/*.ico"}, Answer: answers("images")},
		{Hosts: []string{"a?.shop.localhost"}, Paths: []string{"/api"}, Answer: answers("api")},
		{Hosts: []string{"*.shop.localhost"}, Answer: answers("sub")},
		{Paths: []string{"/a%20b"}, Answer: answers("escaped")},
		{Answer: answers("default")},
	}}}}}})
	for url, want := range map[string]string{
		"http://shop.localhost/": "default", "http://shop.localhost/img/": "images", "http://shop.localhost/img": "default", "http://shop.localhost/IMG/a": "default",
		"http://x.shop.localhost/img/a/b.png": "images", "http://shop.localhost/x/favicon.ico": "images", "http://shop.localhost/api": "default",
		"http://A1.SHOP.localhost/api": "api", "http://a12.shop.localhost/api": "sub", "http://a1.shop.localhost/api/": "sub", "http://shop.localhost/a%20b": "escaped",
	} {
		w := httptest.NewRecorder()
		p.Router(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
		same(t, url, w.Body.String(), want)
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a", "a", true}, {"a", "ab", false}, {"a*", "abc", true}, {"*c", "abc", true}, {"*b", "abc", false},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"**", "x", true}, {"[a]", "a", false}, {"[a]", "[a]", true},
		{"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	} {
		if got := matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q and %q: %t", tt.pattern, tt.text, got)
		}
	}
}
