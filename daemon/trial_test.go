package daemon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"beansprout/notify"
	"beansprout/notify/notifytest"
)

// pressTest presses the button of the message of a Trial.
func pressTest(t *testing.T, s *notifytest.Server, address string) {
	t.Helper()
	m := s.Messages()[0]
	if address == "" {
		if _, err := s.Press(m, "test", kim); err != nil {
			t.Error(err)
		}
		return
	}
	r, err := notifytest.PressRequest(address, m, "test", kim)
	if err != nil {
		t.Error(err)
		return
	}
	if code, _ := send(t, r); code != http.StatusOK {
		t.Errorf("the answer is %d", code)
	}
}

func TestATrialTellsThatAPressHasComeBack(t *testing.T) {
	for _, mode := range []string{"Socket Mode", "HTTP"} {
		s := notifytest.New()
		defer s.Close()
		trial := Trial{Slack: notify.New(notifytest.Token, s.URL, "#qa", &http.Client{}), Presses: Presses{API: s.URL}}
		address := ""
		if mode == "HTTP" {
			l, err := Listen(t.Context(), ":0", false)
			if err != nil {
				t.Fatal(err)
			}
			trial.Listener, trial.Presses.SigningSecret, address = l, notifytest.SigningSecret, "http://"+l.Addr().String()+"/slack"
		} else {
			trial.Presses.AppToken = notifytest.AppToken
		}
		trial.Posted = func() { go pressTest(t, s, address) }
		p, err := trial.Run(t.Context())
		if err != nil || p.By != "kim" || p.Mode != mode || p.After <= 0 {
			t.Errorf("%s: %+v, %v", mode, p, err)
		}
		if m := s.Messages()[0]; !strings.Contains(m.Text, "has arrived") || len(m.Buttons()) != 0 {
			t.Errorf("%s: the message says %q", mode, m.Text)
		}
	}
}

func TestATrialSaysWhatIsWrong(t *testing.T) {
	s := notifytest.New()
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trial := func(token, app string) error {
		c := notify.New(token, s.URL, "#qa", &http.Client{})
		_, err := Trial{Slack: c, Presses: Presses{API: s.URL, AppToken: app}, Posted: cancel}.Run(ctx)
		return err
	}
	if err := trial(notifytest.Token, ""); !errors.Is(err, ErrNoPresses) {
		t.Errorf("without a way for presses: %v", err)
	}
	if err := trial("xoxb-other", notifytest.AppToken); err == nil || !strings.Contains(err.Error(), "SLACK_BOT_TOKEN") {
		t.Errorf("another bot token: %v", err)
	}
	if err := trial(notifytest.Token, "xapp-other"); !errors.Is(err, ErrSocket) || !strings.Contains(err.Error(), "SLACK_APP_TOKEN") {
		t.Errorf("another app token: %v", err)
	}
	if n := len(s.Messages()); n != 0 {
		t.Errorf("%d messages were posted", n)
	}
	if err := trial(notifytest.Token, notifytest.AppToken); !errors.Is(err, ErrNotPressed) || !errors.Is(err, context.Canceled) {
		t.Errorf("without a press: %v", err)
	}
	if m := s.Messages()[0]; !strings.Contains(m.Text, "No press") {
		t.Errorf("the message says %q", m.Text)
	}
}
