// Package daemon is the janitor as a service. It sweeps any number of applications on their schedules,
// shows in a browser which feature stands where, carries out what people ask for there and with the buttons
// of Slack's messages, and tells how it is: in JSON logs, at /livez and /healthz, and in Prometheus' metrics.
// It keeps no state: it may be killed at any time, and two of them may run.
package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"beansprout/daemon/access"
	"beansprout/daemon/board"
	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/notify"
)

// Config says what a Daemon does.
type Config struct {
	Applications []Application
	Live         bool          // remove environments, and do what people ask for. Otherwise only report
	BoardOnly    bool          // serve the board alone: sweep nothing, and tell no one that a janitor works
	Listener     net.Listener  // serves the board, /livez, /healthz, /metrics and /slack; nil serves nothing
	Access       access.Config // who may look at the board, and who may act on it; New sets the rest
	Slack        Presses
	Log          *slog.Logger        // nil logs nothing
	Metrics      *Metrics            // nil for new ones
	Mask         func(string) string // takes secrets out of what /healthz and Slack tell; may be nil
	Hint         func(error) string  // says what to do about the error of a sweep, or ""; may be nil
}

// Application is what one sweep is about: one application, or all of a region.
type Application struct {
	Manager  *envs.Manager
	Janitor  *janitor.Janitor // sweeps the Manager's environments; New sets its Swept
	Schedule string           // as janitor.Schedule reads it
	Slack    *notify.Slack    // posts digests and alerts, and answers presses; nil for none
	Warnings *Announcer       // by which the Manager warns; nil for none
	Users    []string         // ids of the users of Slack who may press buttons; none for everybody
	Check    envs.HealthCheck // what the URL of a restored environment is asked
}

// A Daemon is made by New and runs once.
type Daemon struct {
	config   Config
	log      *slog.Logger
	metrics  *Metrics
	services []*service
	deeds    *deedQueue
	replying chan struct{} // one for each reply that waits for Slack
	replies  sync.WaitGroup
	socket   *socket // nil without Socket Mode
	webhook  *webhook
	gate     *access.Gate // this and the next two are nil without a Listener
	board    *board.Board
	answers  *answers
}

// service is an application at work.
type service struct {
	Application
	name   string // of the application, "all" where it is all of a region
	table  janitor.Timetable
	health *health
	alerts alerts
}

// New checks the configuration and makes a Daemon.
func New(c Config) (*Daemon, error) {
	d := &Daemon{config: c, log: c.Log, metrics: c.Metrics}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.metrics == nil {
		d.metrics = NewMetrics()
	}
	if d.config.Mask == nil {
		d.config.Mask = func(s string) string { return s }
	}
	for _, a := range c.Applications {
		table, err := janitor.Schedule(a.Schedule)
		if err != nil {
			return nil, err
		}
		name := a.Manager.Application()
		if name == "" {
			name = everything
		}
		for _, other := range d.services {
			if other.Manager.Application() == a.Manager.Application() && other.Manager.Region() == a.Manager.Region() {
				return nil, fmt.Errorf("application %q is to be served twice in %s", name, a.Manager.Region())
			}
		}
		s := &service{Application: a, name: name, table: table, health: newHealth(name, table, a.Warnings.failure)}
		a.Janitor.Swept = func(r janitor.Report, err error) { d.swept(s, r, err) }
		d.services = append(d.services, s)
	}
	d.deeds, d.replying = newDeedQueue(), make(chan struct{}, maxReplies)
	if c.Slack.AppToken != "" {
		d.socket = newSocket(c.Slack, d.log, d.accept)
	}
	if c.Listener == nil {
		return d, nil
	}
	if c.Slack.SigningSecret != "" {
		d.webhook = newWebhook(c.Slack.SigningSecret, d.accept)
	}
	return d, d.openBoard(c.Access)
}

// everything is the name of the application in logs and metrics where there is more than one.
const everything = "all"

// Run works until ctx ends. Then it begins nothing more, and returns when what it has begun is done:
// removals, and presses that Slack was told of.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d.log.Info("started", "live", d.config.Live, "applications", len(d.services), "presses", d.takesPresses())
	defer d.log.Info("stopped")
	var working, listening sync.WaitGroup
	for range deedWorkers {
		working.Go(func() { d.work(ctx) })
	}
	for _, s := range d.sweeping() {
		listening.Go(func() { d.beat(ctx, s) })
		listening.Go(func() { d.watch(ctx, s) })
	}
	if d.socket != nil {
		listening.Go(func() { d.socket.run(ctx) })
	}
	var err error
	if d.config.Listener != nil {
		listening.Go(func() { d.board.Run(ctx) })
		listening.Go(func() {
			err = d.serve(ctx)
			stop() // without its server the daemon is not what was asked for
		})
	}
	listening.Wait()
	d.deeds.close()
	working.Wait()
	d.replies.Wait()
	return err
}

// sweeping returns the applications that are swept.
func (d *Daemon) sweeping() []*service {
	if d.config.BoardOnly {
		return nil
	}
	return d.services
}

// takesPresses reports whether the daemon answers the buttons of messages.
func (d *Daemon) takesPresses() bool { return d.socket != nil || d.webhook != nil }
