package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"beansprout/localcloud"
	"beansprout/test/must"
)

func none(string) string { return "" }

// client returns a Client of a server that answers the calls with answer.
func client(t *testing.T, answer func(w http.ResponseWriter, action string)) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		answer(w, action+form.Get("Action"))
	}))
	t.Cleanup(server.Close)
	return New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""),
	}, none)
}

func TestEachPartitionHasItsOwnEndpoints(t *testing.T) {
	for _, tt := range []struct{ region, service, endpoint, signed, partition string }{
		{"eu-central-1", "iam", "https://iam.amazonaws.com", "us-east-1", "aws"},
		{"eu-central-1", "ec2", "https://ec2.eu-central-1.amazonaws.com", "eu-central-1", "aws"},
		{"cn-northwest-1", "iam", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "aws-cn"},
		{"cn-northwest-1", "servicequotas", "https://servicequotas.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1", "aws-cn"},
		{"us-gov-east-1", "iam", "https://iam.us-gov.amazonaws.com", "us-gov-west-1", "aws-us-gov"},
		{"eusc-de-east-1", "sts", "https://sts.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "aws-eusc"},
	} {
		c := New(aws.Config{Region: tt.region}, none)
		if endpoint, region := c.address(tt.service, "X"); endpoint != tt.endpoint || region != tt.signed || c.Partition() != tt.partition {
			t.Errorf("%s in %s: %s, signed for %s, in %s", tt.service, tt.region, endpoint, region, c.Partition())
		}
	}
	named := New(aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String("http://all")}, func(name string) string {
		return map[string]string{"AWS_ENDPOINT_URL_IAM": "http://own"}[name]
	})
	if iam, _ := named.address("iam", "IAM"); iam != "http://own" {
		t.Errorf("iam answers at %s", iam)
	}
	if ec2, _ := named.address("ec2", "EC2"); ec2 != "http://all" {
		t.Errorf("ec2 answers at %s", ec2)
	}
}

func TestRefusalsOfAllServicesAreRead(t *testing.T) {
	for body, want := range map[string]struct {
		text string
		kind error
	}{
		`<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>No role.</Message></Error></ErrorResponse>`: {"iam:GetRole: No role. (NoSuchEntity)", ErrMissing},
		`<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>No.</Message></Error></Errors></Response>`:         {"iam:GetRole: No. (UnauthorizedOperation)", ErrDenied},
		`{"__type": "com.amazonaws.servicequotas#AccessDeniedException", "Message": "No."}`:                                     {"iam:GetRole: No. (AccessDeniedException)", ErrDenied},
		`<html>`: {"iam:GetRole: AWS answers with status 400 (Bad Request)", nil},
		``:       {"iam:GetRole: AWS answers with status 400 (Bad Request)", nil},
	} {
		c := client(t, func(w http.ResponseWriter, _ string) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		})
		_, err := c.Role(t.Context(), "x")
		if err == nil || err.Error() != want.text || want.kind != nil && !errors.Is(err, want.kind) || want.kind == nil && (errors.Is(err, ErrMissing) || errors.Is(err, ErrDenied)) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestACallIsRepeatedUntilAWSAnswers(t *testing.T) {
	calls := 0
	c := client(t, func(w http.ResponseWriter, _ string) {
		switch calls++; calls {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>`)
		default:
			_, _ = io.WriteString(w, `<GetRoleResponse><GetRoleResult><Role><RoleName>x</RoleName></Role></GetRoleResult></GetRoleResponse>`)
		}
	})
	if role, err := c.Role(t.Context(), "x"); err != nil || role.Name != "x" || calls != 3 {
		t.Errorf("%+v, %v after %d calls", role, err, calls)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := client(t, func(w http.ResponseWriter, _ string) {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if _, err := c.Role(ctx, "x"); err == nil {
		t.Error("there is an answer")
	}
}

func TestAQuotaThatTheAccountHasNotChangedIsAWSsDefault(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, action string) {
		switch action {
		case "GetServiceQuota":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type": "NoSuchResourceException"}`)
		case "GetAWSDefaultServiceQuota":
			_, _ = io.WriteString(w, `{"Quota": {"Value": 5.0}}`)
		case "DescribeAddresses":
			_, _ = io.WriteString(w, `<DescribeAddressesResponse><addressesSet><item><publicIp>1.2.3.4</publicIp></item><item/></addressesSet></DescribeAddressesResponse>`)
		}
	})
	if used, limit, err := c.Addresses(t.Context()); used != 2 || limit != 5 || err != nil {
		t.Errorf("%d of %d, %v", used, limit, err)
	}
}

func TestTrustIsReadHoweverItIsWritten(t *testing.T) {
	for document, want := range map[string]bool{
		`{"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`:                          true,
		`{"Statement": {"Effect": "Allow", "Principal": {"Service": ["x", "ec2.amazonaws.com"]}, "Action": ["sts:TagSession", "sts:assumerole"]}}`: true,
		`{"Statement": {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}`:                             false,
		`{"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:TagSession"}}`:                            false,
		`{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, {"Effect": "Allow", "Principal": {"AWS": ["x"]}}]}`:     false,
		`nonsense`: false,
	} {
		r := Role{trust: url.QueryEscape(document)}
		if r.Trusts("ec2.amazonaws.com") != want {
			t.Errorf("%s: want %t", document, want)
		}
	}
}

func TestTheLocalCloudTellsWhatAWSTells(t *testing.T) {
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir(), Denied: []string{"ecr:PutImage"}, Offset: -time.Hour})
	must.Succeed(t, err)
	defer cloud.Close(context.Background())
	key, secret := cloud.Credentials()
	c := New(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}, none)
	const name = "aws-elasticbeanstalk-ec2-role"
	profile, err := c.Profile(t.Context(), name)
	if err != nil || len(profile.Roles) != 1 || profile.Roles[0].Name != name || !profile.Roles[0].Trusts("ec2.amazonaws.com") {
		t.Fatalf("%+v, %v", profile, err)
	}
	if _, err := c.Profile(t.Context(), "x"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	policies, err := c.AttachedPolicies(t.Context(), name)
	if err != nil || !slices.Contains(policies, "arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier") {
		t.Errorf("%q, %v", policies, err)
	}
	user := strings.Replace(profile.Roles[0].ARN, "role/"+name, "user/local", 1)
	var many []string
	for i := range 150 { // on several pages
		many = append(many, fmt.Sprintf("s3:Get%d", i))
	}
	denied, err := c.Denied(t.Context(), user, Question{Actions: append(many, "ecr:PutImage"), Resource: "*"})
	if err != nil || !slices.Equal(denied, []string{"ecr:PutImage"}) {
		t.Errorf("%q, %v", denied, err)
	}
	if skew, err := c.Skew(t.Context()); err != nil || (skew+time.Hour).Abs() > time.Minute {
		t.Errorf("%v, %v", skew, err)
	}
}
