package awsconfig

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"beansprout/envs/awsapi"
	"beansprout/test/must"
)

func TestACertificateThatIsNotTrustedEndsACall(t *testing.T) {
	var connections, requests atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_CA_BUNDLE", "")

	err := identify(t)
	refused := awsapi.Refused(err)
	if !errors.Is(refused, awsapi.ErrCertificate) || !strings.Contains(refused.Error(), server.Listener.Addr().String()) {
		t.Errorf("without the authority: %v, want an error that names the host and its certificate", err)
	}
	if connections.Load() != 1 {
		t.Errorf("there were %d connections, want one", connections.Load())
	}

	bundle := filepath.Join(t.TempDir(), "authority.pem")
	must.Succeed(t, os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if err := identify(t); err == nil || awsapi.Refused(err) != nil || requests.Load() == 0 {
		t.Errorf("with the authority in AWS_CA_BUNDLE: %v after %d requests, want the server's refusal", err, requests.Load())
	}
}

func identify(t *testing.T) error {
	t.Helper()
	cfg, _, err := Load(t.Context(), "us-east-1")
	must.Succeed(t, err)
	_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	return err
}
