package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"beansprout/test/lab"
	"beansprout/test/must"

	"golang.org/x/sys/unix"
)

const mfaDevice = "arn:aws:iam::123456789012:mfa/kim"

// stsServer gives a session for the code 987654, and has no environments.
type stsServer struct {
	*httptest.Server
	mu    sync.Mutex
	roles []url.Values // what AssumeRole was asked
}

func newSTSServer(t *testing.T) *stsServer {
	s := &stsServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		action := r.Form.Get("Action")
		result := map[string]string{
			"GetCallerIdentity":    "<Account>123456789012</Account>",
			"DescribeEnvironments": "<Environments/>",
			"AssumeRole": "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>" +
				"<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>",
		}[action]
		if action == "AssumeRole" {
			s.mu.Lock()
			s.roles = append(s.roles, r.Form)
			s.mu.Unlock()
			if r.Form.Get("TokenCode") != "987654" {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>MultiFactorAuthentication failed with invalid MFA one time pass code.</Message></Error></ErrorResponse>")
				return
			}
		} else if !strings.Contains(r.Header.Get("Authorization"), "Credential=ASIA/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stsServer) roleRequests() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roles
}

// command is the binary with a profile that needs a code.
func (s *stsServer) command(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	lab.Provide(t)
	dir := t.TempDir()
	profile := filepath.Join(dir, "config")
	text := "[profile long]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n" +
		"[profile kim]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = long\nmfa_serial = " + mfaDevice + "\n"
	must.Succeed(t, os.WriteFile(profile, []byte(text), 0o600))
	cmd = exec.Command("beansprout", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GORACE=atexit_sleep_ms=0", "AWS_PROFILE=kim", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=" + profile, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_ENDPOINT_URL=" + s.URL, "AWS_ENDPOINT_URL_STS=" + s.URL, "AWS_EC2_METADATA_DISABLED=true",
	}
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, stdout, stderr
}

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (human, tty *os.File) {
	t.Helper()
	human, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	must.Succeed(t, err)
	must.Succeed(t, unix.IoctlSetPointerInt(int(human.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(human.Fd()), unix.TIOCGPTN)
	must.Succeed(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	must.Succeed(t, err)
	t.Cleanup(func() { human.Close(); tty.Close() })
	return human, tty
}

// display is what a terminal shows.
type display struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// watch shows what comes, and returns what waits for the end of it: nobody has tty open any more.
func (s *display) watch(human, tty *os.File) (end func()) {
	ended := make(chan struct{})
	go func() { defer close(ended); s.read(human) }()
	return func() { tty.Close(); <-ended }
}

func (s *display) read(human *os.File) {
	buffer := make([]byte, 1<<10)
	for {
		n, err := human.Read(buffer)
		s.mu.Lock()
		s.text.Write(buffer[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *display) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// promptLimit is how long a program may take that asks something.
const promptLimit = 6 * time.Minute

// answer runs the command on a terminal, types answer at the prompt, and returns what was shown.
func answer(t *testing.T, cmd *exec.Cmd, typed func(human *os.File, process *os.Process)) string {
	t.Helper()
	human, tty := openTerminal(t)
	cmd.ExtraFiles = []*os.File{tty}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	var shown display
	end := shown.watch(human, tty)
	must.Succeed(t, cmd.Start())
	defer time.AfterFunc(promptLimit, func() { _ = cmd.Process.Kill() }).Stop()
	must.Wait(t, "the program asks for the code", func() bool { return strings.Contains(shown.String(), "Enter MFA code for "+mfaDevice+": ") })
	typed(human, cmd.Process)
	_ = cmd.Wait()
	// The terminal shows what is typed again.
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil || state.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal is left without an echo: %v", err)
	}
	end()
	return shown.String()
}

func typing(code string) func(*os.File, *os.Process) {
	return func(human *os.File, _ *os.Process) { _, _ = human.WriteString(code + "\n") }
}

func TestAProfileWithADeviceAsksForItsCode(t *testing.T) {
	s := newSTSServer(t)
	cmd, stdout, stderr := s.command(t, "list", "--json")
	shown := answer(t, cmd, typing(" 987654"))
	if cmd.ProcessState.ExitCode() != 0 || strings.TrimSpace(stdout.String()) != "[]" {
		t.Fatalf("%v: stdout %q, stderr %q", cmd.ProcessState, stdout, stderr)
	}
	if strings.Contains(shown, "987654") || strings.Contains(stdout.String()+stderr.String(), "MFA") {
		t.Errorf("the terminal shows %q; stderr %q", shown, stderr)
	}
	asked := s.roleRequests()
	if len(asked) != 1 || asked[0].Get("SerialNumber") != mfaDevice || asked[0].Get("RoleArn") != "arn:aws:iam::123456789012:role/deploy" {
		t.Errorf("the role was asked for with %v", asked)
	}
}

func TestAWrongCodeAndNoneAreErrors(t *testing.T) {
	for code, want := range map[string]string{"000000": "invalid MFA one time pass code", "": "no code of MFA device " + mfaDevice + " was entered"} {
		s := newSTSServer(t)
		cmd, stdout, stderr := s.command(t, "list", "--json")
		shown := answer(t, cmd, typing(code))
		if cmd.ProcessState.ExitCode() != lab.ExitFailed || !strings.Contains(stderr.String(), want) || strings.Count(shown, "Enter MFA") != 1 {
			t.Errorf("%q: %v: stdout %q, stderr %q, terminal %q", code, cmd.ProcessState, stdout, stderr, shown)
		}
	}
}

func TestAnInterruptionEndsTheQuestion(t *testing.T) {
	s := newSTSServer(t)
	cmd, _, stderr := s.command(t, "list", "--json")
	answer(t, cmd, func(_ *os.File, p *os.Process) { _ = p.Signal(os.Interrupt) })
	if cmd.ProcessState.ExitCode() != lab.ExitInterrupted || len(s.roleRequests()) != 0 {
		t.Errorf("%v: %s", cmd.ProcessState, stderr)
	}
}

func TestWithoutATerminalTheCodeIsAnErrorWithAHint(t *testing.T) {
	s := newSTSServer(t)
	cmd, stdout, stderr := s.command(t, "list", "--json")
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != lab.ExitFailed || !strings.Contains(stderr.String(), "the AWS profile needs the code of MFA device "+mfaDevice+": there is no terminal to ask for it") ||
		!strings.Contains(stderr.String(), "hint: run it on a terminal") || len(s.roleRequests()) != 0 {
		t.Errorf("%v: stdout %q, stderr %q", cmd.ProcessState, stdout, stderr)
	}
}
