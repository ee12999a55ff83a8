package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/notify/notifytest"
)

func TestOneMessageIsPostedEachIntervalAndChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 100 * time.Millisecond
		server, s := timed(t)
		s.limiter.posts = rate{interval, 1}
		server.LimitPosts(interval)
		var all sync.WaitGroup
		for i := range 6 {
			channel := s.In([]string{"#qa", "#ops"}[i%2])
			all.Go(func() { announce(t, channel, Ref{}, login(Failed)) })
		}
		all.Wait()
		announce(t, s, Ref{}, login(Building)) // by the channel's name, after a reply by its id
		last := map[string]time.Time{}
		for _, c := range server.Calls("chat.postMessage") {
			if c.Error != "" {
				t.Errorf("Slack had to say %s", c.Error)
			}
			if since := c.At.Sub(last[c.Channel]); since < interval {
				t.Errorf("%v after the message before in %s, want %v", since, c.Channel, interval)
			}
			last[c.Channel] = c.At
		}
		if len(last) != 2 || len(server.Calls("chat.postMessage")) != 13 {
			t.Errorf("%d calls in %d channels, want 13 in 2", len(server.Calls("chat.postMessage")), len(last))
		}
	})
}

func TestTheLimitsAreSlacks(t *testing.T) {
	s := New("", "", "", nil)
	if p := s.limiter.posts; p.interval < time.Second || p.burst != 1 {
		t.Errorf("messages are posted at %v, want one a second", p)
	}
	if minute := s.limiter.updates.interval * 50; minute < time.Minute {
		t.Errorf("50 updates in %v, want a minute", minute)
	}
	if minute := s.limiter.whispers.interval * 100; minute < time.Minute {
		t.Errorf("100 whispers in %v, want a minute", minute)
	}
}

func TestUpdatesMayComeInABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		s.limiter.updates = rate{200 * time.Millisecond, 3}
		ref := announce(t, s, Ref{}, login(Building))
		begun := time.Now()
		for range 4 {
			announce(t, s, ref, login(Ready))
		}
		calls := server.Calls("chat.update")
		if third, fourth := calls[2].At.Sub(begun), calls[3].At.Sub(begun); third != 0 || fourth != 200*time.Millisecond {
			t.Errorf("the third update came after %v and the fourth after %v, want none and 200ms", third, fourth)
		}
	})
}

// A burst of updates of one message becomes few requests, and the last one wins.
func TestANewerUpdateReplacesTheWaitingOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		ref := announce(t, s, Ref{}, login(Building))
		s.limiter.updates = rate{150 * time.Millisecond, 1}
		announce(t, s, ref, login(Building)) // from now on they wait
		var all sync.WaitGroup
		for i := range 20 {
			lane := s.lanes.enter(ref)
			before := lane.newest.Load()
			all.Go(func() {
				announce(t, s, ref, with(login(Ready), func(p *Post) { p.Note = fmt.Sprint("update ", i) }))
			})
			for lane.newest.Load() == before { // in this order
				time.Sleep(time.Millisecond)
			}
			s.lanes.exit(ref, lane)
		}
		all.Wait()
		m := server.Messages()[0]
		if m.Updates > 4 || !strings.Contains(string(m.Blocks), "update 19") {
			t.Errorf("%d updates, the last says %s", m.Updates, m.Blocks)
		}
		if len(s.lanes.all) != 0 {
			t.Errorf("%d messages are remembered for nothing", len(s.lanes.all))
		}
	})
}

// What notifies people is never replaced.
func TestNoReplyIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		ref := announce(t, s, Ref{}, login(Building))
		s.limiter.updates = rate{100 * time.Millisecond, 1}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() { announce(t, s, ref, login(Failed)) })
		}
		all.Wait()
		if m := server.Messages()[0]; len(m.Replies) != 6 {
			t.Errorf("%d replies, want 6", len(m.Replies))
		}
	})
}

func TestUpdatesOfDifferentMessagesReplaceNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		s.limiter.updates = rate{20 * time.Millisecond, 1}
		var refs []Ref
		for range 5 {
			refs = append(refs, announce(t, s, Ref{}, login(Building)))
		}
		var all sync.WaitGroup
		for _, ref := range refs {
			all.Go(func() { announce(t, s, ref, login(Ready)) })
		}
		all.Wait()
		for _, m := range server.Messages() {
			if m.Updates != 1 {
				t.Errorf("%d updates of %s, want 1", m.Updates, m.Timestamp)
			}
		}
	})
}

func TestWhatWouldWaitTooLongReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		s.Limit, s.limiter.posts, s.limiter.updates = time.Second, rate{time.Minute, 1}, rate{time.Minute, 1}
		ref := announce(t, s, Ref{}, login(Building))
		begun := time.Now()
		now, err := s.Announce(t.Context(), Ref{}, login(Building))
		if !errors.Is(err, errBusy) || errors.Is(err, context.DeadlineExceeded) || now != (Ref{}) {
			t.Errorf("got %v and %v", now, err)
		}
		announce(t, s, ref, login(Ready))
		if _, err := s.Announce(t.Context(), ref, login(Building)); !errors.Is(err, errBusy) {
			t.Errorf("a second update: got %v", err)
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v", took)
		}
		if n := server.Requests(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

func TestNothingIsPostedWhileSlackAsksToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		announce(t, s, Ref{}, login(Building)) // the channel's id is known
		server.Next(notifytest.RateLimit(1))
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				announce(t, s, Ref{}, login(Building))
			})
		}
		all.Wait()
		calls := server.Calls("chat.postMessage")
		if len(calls) != 6 {
			t.Fatalf("%d requests, want 6", len(calls))
		}
		for _, c := range calls[2:] {
			if since := c.At.Sub(calls[1].At); since < time.Second {
				t.Errorf("a message is posted %v after Slack asked to wait 1s", since)
			}
		}
	})
}

func TestAnUpdateThatIsGivenUpLeavesItsPlaceToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, s := timed(t)
		ref := announce(t, s, Ref{}, login(Building))
		s.limiter.updates = rate{300 * time.Millisecond, 1}
		announce(t, s, ref, login(Building))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		begun := time.Now()
		lane := s.lanes.enter(ref)
		defer s.lanes.exit(ref, lane)
		if _, err := s.Announce(ctx, ref, login(Failed)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		announce(t, s, ref, login(Ready))
		if took := time.Since(begun); took != 300*time.Millisecond {
			t.Errorf("the next one took %v, want 300ms", took)
		}
		announce(t, s, ref, login(Ready))
		if took := time.Since(begun); took != 600*time.Millisecond {
			t.Errorf("a place was used twice: two updates took %v, want 600ms", took)
		}
		if m := server.Messages()[0]; m.Updates != 3 || !strings.Contains(m.Text, "Ready") {
			t.Errorf("%d updates, the last says %q", m.Updates, m.Text)
		}
	})
}

func TestTheLimiterForgetsChannelsThatAreQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := timed(t)
		s.limiter.posts = rate{time.Millisecond, 1}
		for i := range 50 {
			announce(t, s.In(fmt.Sprint("#", i)), Ref{}, login(Building))
			time.Sleep(2 * time.Millisecond)
		}
		if n := len(s.limiter.next); n > 10 {
			t.Errorf("%d channels are remembered", n)
		}
	})
}
