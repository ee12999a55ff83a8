package doctor

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// checkDomain asks whether this machine can look up names as those of environments. The name of an
// environment that does not live is not looked up: resolvers would remember for a while that there is none.
func (e *examination) checkDomain(ctx context.Context) Finding {
	const hint = "if this machine can't reach URLs of environments, set environment.check: off in beansprout.yaml"
	target := &url.URL{Scheme: "http", Host: e.place.CNAME}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: target})
	if err == nil && proxy != nil {
		dialer := net.Dialer{}
		conn, err := dialer.DialContext(ctx, "tcp", hostPort(proxy))
		if err != nil {
			return warn("no environment can be asked yet, and the proxy "+proxy.Host+" does not answer: "+err.Error(), hint)
		}
		_ = conn.Close()
		return ok("no environment can be asked yet; the proxy %s will be", proxy.Host)
	}
	domain := domainOf(e.place.CNAME)
	if _, err := net.DefaultResolver.LookupNS(ctx, domain); err != nil {
		return warn("no environment can be asked yet, and the domain "+domain+" can't be looked up: "+err.Error(), hint)
	}
	return ok("no environment can be asked yet; the domain %s can be looked up", domain)
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// domainOf returns the domain of environments' addresses: what follows the region in PREFIX.REGION.DOMAIN.
func domainOf(cname string) string {
	if i := strings.Index(cname, "elasticbeanstalk."); i >= 0 {
		return cname[i:]
	}
	_, domain, _ := strings.Cut(cname, ".")
	return domain
}
