package localcloud

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"beansprout/localcloud/wire"
)

// iam calls IAM without a signature and returns status and answer.
func iam(c *Cloud, form url.Values) (int, string) {
	form.Set("Version", "2010-05-08")
	r := httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.services["iam"].handler.ServeHTTP(w, wire.WithCall(r, wire.Call{ID: "1", Region: "us-east-1", Account: c.id.Account}))
	return w.Code, w.Body.String()
}

func TestRolesComeInPages(t *testing.T) {
	c := start(t, Config{})
	for _, tt := range []struct {
		marker, want, more string
		roles              int
	}{
		{"", "<RoleName>aws-elasticbeanstalk-ec2-role", "<IsTruncated>true</IsTruncated><Marker>aws-elasticbeanstalk-ec2-role</Marker>", 1},
		{"aws-elasticbeanstalk-ec2-role", "<RoleName>aws-elasticbeanstalk-service-role", "<IsTruncated>false</IsTruncated>", 1},
	} {
		form := url.Values{"Action": {"ListRoles"}, "MaxItems": {"1"}}
		if tt.marker != "" {
			form.Set("Marker", tt.marker)
		}
		_, got := iam(c, form)
		if strings.Count(got, "<RoleName>") != tt.roles || !strings.Contains(got, tt.want) || !strings.Contains(got, tt.more) {
			t.Errorf("after %q: %s", tt.marker, got)
		}
	}
	if status, got := iam(c, url.Values{"Action": {"ListRoles"}, "Marker": {"nonsense"}}); status != 400 {
		t.Errorf("an unknown marker: %d %s", status, got)
	}
}

func TestCreateInstanceProfileIsRefused(t *testing.T) {
	c := start(t, Config{})
	status, got := iam(c, url.Values{"Action": {"CreateInstanceProfile"}, "InstanceProfileName": {"aws-elasticbeanstalk-ec2-role"}})
	if status != 403 || !strings.Contains(got, "<Code>AccessDenied</Code>") || !strings.Contains(got, "iam:CreateInstanceProfile") {
		t.Errorf("%d %s", status, got)
	}
}
