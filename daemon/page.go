package daemon

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"

	"beansprout/daemon/access"
	"beansprout/daemon/board"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// openBoard makes the board of all applications, and the gate in front of it.
func (d *Daemon) openBoard(c access.Config) (err error) {
	d.answers = &answers{all: map[environmentKey][]answer{}}
	config := board.Config{
		Live: d.config.Live, Mask: d.config.Mask, Log: d.log, Form: d.formOf, Answers: d.answers.of,
		Viewer:    func(r *http.Request) string { return d.gate.Viewer(r) },
		MayLogOut: func(r *http.Request) bool { return d.gate.MayLogOut(r) },
	}
	for _, s := range d.services {
		config.Sources = append(config.Sources, s.source())
	}
	d.board = board.New(config)
	c.Address, c.Style, c.Log = addressOf(d.config.Listener), d.board.Style(), d.log
	d.gate, err = access.New(c)
	return err
}

// addressOf returns where a listener listens. One that is no TCP port of an address is taken for one that anyone
// can reach.
func addressOf(l net.Listener) netip.AddrPort {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// source returns where the board has the environments of an application from.
func (s *service) source() board.Source {
	return board.Source{
		Application: s.Manager.Application(), Region: s.Manager.Region(),
		Read: s.Manager.Inventory().Read, Judge: s.Janitor.Judge, Versions: s.Manager.Versions, Logs: s.Manager.Logs,
		Events: func(ctx context.Context, e envs.Environment, since time.Time) (all []beanstalk.Event, err error) {
			err = s.Manager.Events(ctx, e, envs.EventOptions{Since: since, Show: func(event beanstalk.Event) error {
				all = append(all, event)
				return nil
			}})
			return all, err
		},
	}
}
