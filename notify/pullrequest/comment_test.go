package pullrequest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/envs"
)

// ready is news of the environment of the feature login.
func ready() envs.News {
	return envs.News{
		State: envs.NewsReady, Environment: "eu-west-1/shop-login-abc", Name: "shop-login-abc", Region: "eu-west-1", Application: "shop",
		Feature: "login", Commit: "0123456789abcdef0123456789abcdef01234567", Subject: "Add a login", Owner: "Kim", BuildURL: "https://ci/7",
		URL: "http://shop-login-abc.example.com", Expires: time.Date(2026, 12, 2, 16, 2, 0, 0, time.UTC),
	}
}

// announced announces, and wants that to succeed.
func announced(t *testing.T, c *Comments, ref Ref, n envs.News) Ref {
	t.Helper()
	now, err := c.Announce(t.Context(), ref, n)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// onlyOne wants one comment of ours in a change, and returns it.
func (f *fake) onlyOne(number int) note {
	f.Helper()
	all := f.byUs()
	if len(all) != 1 || all[0].number != number {
		f.Fatalf("the comments: %+v", all)
	}
	return all[0]
}

func eachKind(t *testing.T, test func(t *testing.T, k kind, f *fake)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k, k.fake(t))
		})
	}
}

func TestACommentIsFoundByItsReferenceOrItsMark(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		n := ready()
		n.State = envs.NewsBuilding
		run := k.comments(f, k.change)
		ref := announced(t, run, Ref{}, n)
		first := f.onlyOne(12)
		n.State = envs.NewsReady
		if now := announced(t, run, ref, n); now != ref {
			t.Errorf("it moved from %+v to %+v", ref, now)
		}
		reads := f.requested("GET")
		if announced(t, run, ref, n); f.requested("GET") != reads {
			t.Error("what is proved is read again")
		}
		for name, was := range map[string]Ref{
			"reference": ref, "none": {}, "another API": {Channel: ref.Channel, Timestamp: ref.Timestamp, Posted: "https://evil.example"}, "no number": {Channel: "acme/shop", Timestamp: "x", Posted: ref.Posted},
			"a comment that never was": {Channel: ref.Channel, Timestamp: "999", Posted: ref.Posted},
		} {
			n.Note = name
			if now := announced(t, k.comments(f, k.change), was, n); now != ref {
				t.Errorf("%s: %+v, want %+v", name, now, ref)
			}
			if body := f.onlyOne(12).body; !strings.Contains(body, "`"+name+"`") || !strings.HasPrefix(body, mark(n)) {
				t.Errorf("%s: %s", name, body)
			}
		}
		if last := f.onlyOne(12); last.id != first.id {
			t.Errorf("it is another comment: %d, was %d", last.id, first.id)
		}
		if edits := f.onlyOne(12).edits; announced(t, k.comments(f, k.change), ref, n) != ref || f.onlyOne(12).edits != edits {
			t.Error("a comment is edited that says that already")
		}
	})
}

// Neither the mark alone nor the author alone makes a comment ours.
func TestACommentIsOursByMarkAndAuthor(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		n := ready()
		stranger := f.add(12, "mallory", Text(n, Hints{}))
		if k.name == GitHub {
			f.add(12, workflowBot, Text(n, Hints{}))
		}
		other := ready()
		other.Environment, other.Name = "eu-west-1/shop-other-abc", "shop-other-abc"
		f.add(12, k.self, Text(other, Hints{}))
		f.add(12, k.self, "see "+Text(n, Hints{}))
		f.add(12, k.self, "")
		forged := k.comments(f, k.change).ref(place{k.change.Project, 12}, stranger.id)
		ref := announced(t, k.comments(f, k.change), forged, n)
		if ref.Timestamp != fmt.Sprint(f.last) || len(f.byUs()) != 4 {
			t.Errorf("%+v, %+v", ref, f.byUs())
		}
		foreign := k.comments(f, k.change).ref(place{k.change.Project, 12}, 3)
		before := f.requested("P")
		if now, err := k.comments(f, Change{}).Announce(t.Context(), foreign, n); err == nil || now != foreign || f.requested("P") != before {
			t.Errorf("a reference to the comment of another environment, without a change: %+v, %v", now, err)
		}
	})
}

func TestTheCommentOfAWorkflowIsEditedWhereItIsReferredTo(t *testing.T) {
	k, n := kinds[0], ready()
	f := k.fake(t)
	made := f.add(12, workflowBot, Text(n, Hints{}))
	ref := k.comments(f, k.change).ref(place{"acme/shop", 12}, made.id)
	n.State = envs.NewsRemoved
	if announced(t, k.comments(f, Change{}), ref, n) != ref || !strings.Contains(made.body, "Removed") {
		t.Errorf("it says %s", made.body)
	}
}

func TestTheTokenOfAnAppHasAUserToo(t *testing.T) {
	for self, workflow := range map[string]bool{"my-app[bot]": false, workflowBot: true} {
		k, n := kinds[0], ready()
		k.self = self
		f := k.fake(t)
		f.app = true
		account := k.account(f)
		account.Workflow = workflow
		c, err := NewGitHub(account, k.change, Hints{})
		if err != nil {
			t.Fatal(err)
		}
		f.add(12, self, Text(n, Hints{}))
		announced(t, c, Ref{}, n)
		f.onlyOne(12)
	}
}

func TestTwoRunsSideBySideLeaveOneComment(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		n := ready()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := k.comments(f, k.change).Announce(t.Context(), Ref{}, n); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		f.onlyOne(12)
		f.delete(func(*note) bool { return true })
		f.raced = func() {
			f.comments = append([]*note{{id: 1, number: 12, author: k.self, body: mark(n)}}, f.comments...)
		}
		if ref := announced(t, k.comments(f, k.change), Ref{}, n); ref.Timestamp != "1" {
			t.Errorf("another run was first: %+v", ref)
		}
		if one := f.onlyOne(12); one.body != Text(n, Hints{}) {
			t.Errorf("it says %s", one.body)
		}
	})
}

// A run may have ended between its comment and the record.
func TestDuplicatesOfOursAreRemoved(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		n := ready()
		for range 3 {
			f.add(12, "kim", "LGTM")
			f.add(12, k.self, Text(n, Hints{}))
		}
		f.pageSize = 2
		if ref := announced(t, k.comments(f, k.change), Ref{}, n); ref.Timestamp != "2" {
			t.Errorf("%+v", ref)
		}
		f.onlyOne(12)
		if len(f.comments) != 4 {
			t.Errorf("others lost a comment: %+v", f.comments)
		}
	})
}

func TestPagesHaveAnEnd(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		f.pageSize = 1
		for range maxPages + 1 {
			f.add(12, "kim", "LGTM")
		}
		if _, err := k.comments(f, k.change).Announce(t.Context(), Ref{}, ready()); err == nil || !strings.Contains(err.Error(), "more than 5000 comments") || len(f.byUs()) != 0 {
			t.Errorf("%v, %+v", err, f.byUs())
		}
	})
}

func TestABranchHasItsOpenChange(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		branch := k.change
		branch.Number, branch.Branch = 0, "login"
		ref := announced(t, k.comments(f, branch), Ref{}, ready())
		f.onlyOne(12)
		branch.Branch = "no-change"
		if now := announced(t, k.comments(f, branch), Ref{}, ready()); now != (Ref{}) {
			t.Errorf("without a change: %+v", now)
		}
		n := ready()
		n.Note = "the change is merged"
		if now := announced(t, k.comments(f, branch), ref, n); now != ref || !strings.Contains(f.onlyOne(12).body, n.Note) {
			t.Errorf("a change that is closed: %+v", now)
		}
	})
}

func TestACommentMovesToAnotherChange(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		n := ready()
		was := announced(t, k.comments(f, k.change), Ref{}, n)
		next := k.change
		next.Number = 13
		now := announced(t, k.comments(f, next), was, n)
		all := f.byUs()
		if len(all) != 2 || all[0].number != 12 || all[1].number != 13 || !strings.Contains(all[0].body, "request 13.") || now.Timestamp != fmt.Sprint(all[1].id) {
			t.Errorf("%+v, %+v", now, all)
		}
	})
}

// Without a change, as in a janitor, there is nowhere to make a comment.
func TestWithoutAChangeNoCommentIsMade(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		n := ready()
		if ref := announced(t, k.comments(f, Change{}), Ref{}, n); ref != (Ref{}) || len(f.requests) != 0 {
			t.Errorf("%+v, %q", ref, f.requests)
		}
		ref := announced(t, k.comments(f, k.change), Ref{}, n)
		f.delete(func(*note) bool { return true })
		now, err := k.comments(f, Change{}).Announce(t.Context(), ref, n)
		if err == nil || now != ref || len(f.byUs()) != 0 {
			t.Errorf("one that was deleted: %+v, %v, %+v", now, err, f.byUs())
		}
		f.requests = nil
		other := Ref{Channel: ref.Channel, Timestamp: ref.Timestamp, Posted: "https://evil.example"}
		if now, err := k.comments(f, Change{}).Announce(t.Context(), other, n); err != nil || now != other || len(f.requests) != 0 {
			t.Errorf("a reference to another API: %+v, %v, %q", now, err, f.requests)
		}
		for _, channel := range []string{"../..#12", "acme/shop/../../user#12", "acme#12", "acme/shop#-1", "acme/shop#12#13", "acme/sh%2fop#12", "#12", "0#12"} {
			f.requests = nil
			if _, err := k.comments(f, Change{}).Announce(t.Context(), Ref{Channel: channel, Timestamp: "1", Posted: ref.Posted}, n); err != nil || len(f.requests) != 0 {
				t.Errorf("%s: %v, %q", channel, err, f.requests)
			}
		}
	})
}

// What a person deletes while a run lasts is made again; the environment lives.
func TestADeletedCommentIsMadeAgain(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		c := k.comments(f, k.change)
		ref := announced(t, c, Ref{}, ready())
		f.delete(func(*note) bool { return true })
		now := announced(t, c, ref, ready())
		if one := f.onlyOne(12); now == ref || now.Timestamp != fmt.Sprint(one.id) {
			t.Errorf("%+v, %+v", now, one)
		}
	})
}

func TestAnAPIHasAURL(t *testing.T) {
	for _, api := range []string{"", "api.github.com", "ftp://x", "https://", "https://user:pw@host", "https://host?x=1", ":"} {
		if _, err := NewGitHub(Account{API: api}, Change{}, Hints{}); err == nil {
			t.Errorf("%q is an API", api)
		}
	}
	if _, err := NewGitLab(Account{API: "https://lab"}, Change{Project: "../.."}, Hints{}); err == nil {
		t.Error("a project is anything")
	}
}

func TestAnAnnouncementEnds(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := k.comments(f, k.change).Announce(ctx, Ref{}, ready()); err == nil {
			t.Error("an announcement that was cancelled succeeds")
		}
	})
}
