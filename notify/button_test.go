package notify

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func extendButton() Button {
	return Button{ActionExtend, "123456789012", "us-east-1", "shop", "shop-login-abcdefghij", "e-abcdefghij", "login", "ABCDEF"}
}

func seal(t *testing.T, s *Slack, b Button) string {
	t.Helper()
	value, err := s.SealButton(b)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAButtonSaysWhatItWasMadeFor(t *testing.T) {
	s := New("xoxb-one", "", "#qa", nil)
	for _, a := range actions {
		b := extendButton()
		b.Action = a
		for _, feature := range []string{"login", "", "기능/로그인 <&>", strings.Repeat("x", 1024), "a\nb|c"} {
			b.Feature = feature
			if got, err := s.ParseButton(seal(t, s, b)); err != nil || got != b {
				t.Errorf("got %+v and %v, want %+v", got, err, b)
			}
		}
	}
}

// The longest feature, of an application with the longest name that is not all emoji.
func TestALongFeatureFitsIntoAButton(t *testing.T) {
	s := New("xoxb-one", "", "#qa", nil)
	b := extendButton()
	b.Application, b.Feature, b.Region, b.Name = strings.Repeat("가", 100), strings.Repeat("가", 341)+"x", "ap-northeast-2", strings.Repeat("n", 40)
	b.Token = s.random()
	if value := seal(t, s, b); len(value) > maxButtonValue {
		t.Errorf("%d characters, want at most %d", len(value), maxButtonValue)
	}
	b.Application = strings.Repeat("🌱", 100)
	if _, err := s.SealButton(b); err == nil {
		t.Error("a value that is too long for Slack is no error")
	}
}

func TestAButtonOfInvalidValuesIsNotMade(t *testing.T) {
	s := New("xoxb-one", "", "#qa", nil)
	for name, change := range map[string]func(*Button){
		"no action":         func(b *Button) { b.Action = "" },
		"an unknown action": func(b *Button) { b.Action = "purge" },
		"a NUL":             func(b *Button) { b.Feature = "a\x00b" },
		"not UTF-8":         func(b *Button) { b.Feature = "\xff" },
	} {
		b := extendButton()
		change(&b)
		if value, err := s.SealButton(b); err == nil {
			t.Errorf("%s: got %q", name, value)
		}
	}
}

func TestForgedButtonsAreRefused(t *testing.T) {
	s := New("xoxb-one", "", "#qa", nil)
	good := seal(t, s, extendButton())
	raw, err := encoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	other := extendButton()
	other.ID = "e-zyxwvutsrq"
	otherRaw, _ := encoding.DecodeString(seal(t, s, other))
	old := encoding.EncodeToString(append(s.buttonMAC("extend\x00shop"), "extend\x00shop"...))
	unknown := strings.Replace(string(raw[32:]), "extend", "purge", 1)
	forged := map[string]string{
		"nothing":              "",
		"words":                "extend login",
		"the seal alone":       good[:43],
		"another token":        seal(t, New("xoxb-two", "", "#qa", nil), extendButton()),
		"another seal":         encoding.EncodeToString(append(slices.Clone(otherRaw[:32]), raw[32:]...)),
		"no seal":              encoding.EncodeToString(append(make([]byte, 32), raw[32:]...)),
		"the seal of messages": encoding.EncodeToString(append([]byte(s.sealed("x", Ref{}).Seal)[:32], raw[32:]...)),
		"with padding":         good + "=",
		"with a line end":      good[:10] + "\n" + good[10:],
		"encoded twice":        encoding.EncodeToString([]byte(good)),
		"more behind it":       good + "AAAA",
		"too long":             good + strings.Repeat("A", maxButtonValue),
		"of another version":   old,
		"of an unknown action": encoding.EncodeToString(append(s.buttonMAC(unknown), unknown...)),
	}
	for name, value := range forged {
		if b, err := s.ParseButton(value); !errors.Is(err, ErrButton) || b != (Button{}) {
			t.Errorf("%s: got %+v and %v", name, b, err)
		}
	}
}

// Each bit of a value matters, and so does each character.
func TestNoChangedButtonIsAccepted(t *testing.T) {
	s := New("xoxb-one", "", "#qa", nil)
	good := seal(t, s, extendButton())
	raw, _ := encoding.DecodeString(good)
	for i := range raw {
		for bit := range 8 {
			changed := slices.Clone(raw)
			changed[i] ^= 1 << bit
			if _, err := s.ParseButton(encoding.EncodeToString(changed)); err == nil {
				t.Errorf("bit %d of byte %d is changed, and the button is accepted", bit, i)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		changed := []byte(good)
		changed[random.IntN(len(changed))] = byte(32 + random.IntN(95))
		if _, err := s.ParseButton(string(changed)); err == nil && string(changed) != good {
			t.Errorf("%q is accepted in place of %q", changed, good)
		}
	}
}

func FuzzOnlyOurButtonsAreAccepted(f *testing.F) {
	s := New("xoxb-one", "", "#qa", nil)
	value, err := s.SealButton(extendButton())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := s.ParseButton(text)
		if err != nil {
			return
		}
		if again, err := s.SealButton(b); err != nil || again != text {
			t.Errorf("%q is accepted as %+v, whose value is %q (%v)", text, b, again, err)
		}
	})
}

// pressable is a post whose message has buttons.
func pressable(state State) Post {
	return with(login(state), func(p *Post) { p.Buttons, p.Restorable = true, p.Expires })
}

// buttonsOf posts p and returns what the buttons of its message say.
func buttonsOf(t *testing.T, p Post) (all []Button) {
	t.Helper()
	server, s := start(t)
	announce(t, s, Ref{}, p)
	for _, b := range server.Messages()[0].Buttons() {
		parsed, err := s.ParseButton(b.Value)
		if err != nil {
			t.Fatal(err)
		}
		if b.Action != string(parsed.Action) || b.Confirm != (parsed.Action == ActionRemove) {
			t.Errorf("the button %+v does %q", b, parsed.Action)
		}
		all = append(all, parsed)
	}
	return all
}

func actionsOf(buttons []Button) (all []Action) {
	for _, b := range buttons {
		all = append(all, b.Action)
	}
	return all
}

func TestAMessageHasTheButtonsOfItsState(t *testing.T) {
	living := []Action{ActionExtend, ActionProtect, ActionRemove}
	for _, tt := range []struct {
		name string
		post Post
		want []Action
	}{
		{"building", pressable(Building), living},
		{"ready", pressable(Ready), living},
		{"failed", pressable(Failed), living},
		{"expiring", pressable(Expiring), living},
		{"protected", with(pressable(Ready), func(p *Post) { p.Protected = "kim" }), []Action{ActionExtend, ActionUnprotect, ActionRemove}},
		{"removed", pressable(Removed), []Action{ActionRestore}},
		{"removed for good", with(pressable(Removed), func(p *Post) { p.Restorable = time.Time{} }), nil},
		{"no janitor answers", login(Ready), nil},
		{"no environment yet", with(pressable(Building), func(p *Post) { p.ID = "" }), nil},
		{"no account", with(pressable(Ready), func(p *Post) { p.Account = "" }), nil},
		{"no region", with(pressable(Ready), func(p *Post) { p.Region = "" }), nil},
		{"no application", with(pressable(Ready), func(p *Post) { p.Application = "" }), nil},
		{"no name", with(pressable(Ready), func(p *Post) { p.Name = "" }), nil},
		{"too long for a button", with(pressable(Ready), func(p *Post) { p.Feature = strings.Repeat("x", 2000) }), nil},
	} {
		got := buttonsOf(t, tt.post)
		if !slices.Equal(actionsOf(got), tt.want) {
			t.Errorf("%s: the buttons are %v, want %v", tt.name, actionsOf(got), tt.want)
		}
		for _, b := range got {
			p := tt.post
			if want := (Button{b.Action, p.Account, p.Region, p.Application, p.Name, p.ID, p.Feature, b.Token}); b != want {
				t.Errorf("%s: the button says %+v, want %+v", tt.name, b, want)
			}
		}
	}
}

func TestEachButtonHasATokenOfItsOwn(t *testing.T) {
	server, s := start(t)
	ref := announce(t, s, Ref{}, pressable(Ready))
	seen := map[string]bool{}
	for range 3 {
		announce(t, s, ref, pressable(Expiring))
		m := server.Messages()[0]
		buttons := append(m.Buttons(), m.Replies[len(m.Replies)-1].Buttons()...)
		if len(buttons) != 6 {
			t.Fatalf("message and reply have %d buttons, want 6", len(buttons))
		}
		for _, b := range buttons {
			parsed, err := s.ParseButton(b.Value)
			if err != nil || len(parsed.Token) < 20 || seen[parsed.Token] {
				t.Errorf("the token of %+v is short, or another's (%v)", parsed, err)
			}
			seen[parsed.Token] = true
		}
	}
}
