package instance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/table"
)

// Config configures a Fleet.
type Config struct {
	File   string // of the state
	Runner Runner
	Now    func() time.Time
	Log    *slog.Logger // nil = no log
}

// Fleet has the instances of all regions. Its methods may be called concurrently.
type Fleet struct {
	Config
	db     *bolt.DB
	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	wait   sync.WaitGroup // for the life of each instance

	mu       sync.Mutex
	rows     map[string]Instance           // by id; the file has the same
	ends     map[string]context.CancelFunc // ends the life of an instance
	watchers []func()
}

// remembered is how long EC2 lists a terminated instance.
const remembered = time.Hour

var instances = table.Table[Instance]{Bucket: "instances"} // id

// Open opens the state and runs the instances that it has.
func Open(ctx context.Context, c Config) (*Fleet, error) {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	db, err := table.Open(c.File, instances.Bucket)
	if err != nil {
		return nil, err
	}
	f := &Fleet{Config: c, db: db, rows: map[string]Instance{}, ends: map[string]context.CancelFunc{}}
	if err := db.View(f.read); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", c.File, err), db.Close())
	}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, i := range f.rows {
		if i.State != Terminated {
			f.begin(i)
		}
	}
	return f, nil
}

func (f *Fleet) read(tx *bolt.Tx) error {
	all, err := instances.All(tx)
	for _, i := range all {
		f.rows[i.ID] = i
	}
	return err
}

// Close ends the work of the fleet. The runner is not stopped: the next Open finds what it runs.
func (f *Fleet) Close() error {
	f.cancel()
	f.wait.Wait()
	return f.db.Close()
}

// Watch has a function called after each change of an instance's state. It must not block.
func (f *Fleet) Watch(changed func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers = append(f.watchers, changed)
}

// Launch launches an instance as described, with what is chosen here: state, launch time, address and version. If
// the id is taken, it changes nothing.
func (f *Fleet) Launch(i Instance) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, taken := f.rows[i.ID]; taken {
		return nil
	}
	i.Version = cmp.Or(i.Tags[VersionTag], i.GroupTags[VersionTag])
	i.State, i.Launched = Pending, f.Now().UTC().Truncate(time.Second)
	err := f.db.Update(func(tx *bolt.Tx) error {
		number, err := instances.Next(tx)
		if err != nil {
			return err
		}
		i.Address = NetworkOf(i.Region, i.Account).address(i.Subnet, number)
		return errors.Join(f.forget(tx), instances.Put(tx, i, i.ID))
	})
	if err != nil {
		return fmt.Errorf("launch instance %s: %w", i.ID, err)
	}
	f.rows[i.ID] = i.copied()
	f.begin(i)
	return nil
}

// forget removes the instances that EC2 no longer lists.
func (f *Fleet) forget(tx *bolt.Tx) (err error) {
	for id, i := range f.rows {
		if f.forgotten(i) {
			err = errors.Join(err, instances.Delete(tx, id))
			delete(f.rows, id)
		}
	}
	return err
}

func (f *Fleet) forgotten(i Instance) bool {
	return i.State == Terminated && f.Now().Sub(i.Ended) > remembered
}

// begin begins the life of an instance, which Terminate ends.
func (f *Fleet) begin(i Instance) {
	ctx, end := context.WithCancel(f.ctx)
	f.ends[i.ID] = end
	if i.State == ShuttingDown {
		end()
	}
	f.wait.Go(func() { f.live(ctx, i) })
}

// live runs an instance until ctx ends. If the fleet is closed, the runner goes on running it.
func (f *Fleet) live(ctx context.Context, i Instance) {
	if err := ctx.Err(); err == nil {
		if err = f.Runner.Start(ctx, i); err == nil {
			f.turn(i.ID, Pending, Running, "")
			<-ctx.Done()
		} else if ctx.Err() == nil {
			f.Log.Warn("instance not started", "id", i.ID, "error", err)
			f.turn(i.ID, Pending, ShuttingDown, "Server.InternalError: "+err.Error())
		}
	}
	if f.ctx.Err() != nil {
		return
	}
	if err := f.Runner.Stop(f.ctx, i.ID); err != nil {
		f.Log.Error("instance not stopped", "id", i.ID, "error", err)
		return // the next start tries again
	}
	f.turn(i.ID, ShuttingDown, Terminated, "")
}

// turn changes the state of an instance if it is the given one.
func (f *Fleet) turn(id string, from, to State, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, ok := f.rows[id]
	if !ok || i.State != from {
		return
	}
	i.State, i.Reason = to, cmp.Or(reason, i.Reason)
	if to == Terminated {
		i.Ended = f.Now().UTC()
	}
	if err := f.keep(i); err != nil {
		f.Log.Error("instance not recorded", "id", id, "state", to, "error", err)
	}
}

// keep records a changed instance and tells the watchers. The caller holds f.mu.
func (f *Fleet) keep(i Instance) error {
	if err := f.db.Update(func(tx *bolt.Tx) error { return instances.Put(tx, i, i.ID) }); err != nil {
		return fmt.Errorf("record instance %s: %w", i.ID, err)
	}
	f.rows[i.ID] = i
	for _, changed := range f.watchers {
		changed()
	}
	return nil
}

// Terminate begins to terminate instances. Those that are ending, or unknown, are left as they are.
func (f *Fleet) Terminate(reason string, ids ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		i, ok := f.rows[id]
		if !ok || !i.living() {
			continue
		}
		i.State, i.Reason = ShuttingDown, reason
		if err := f.keep(i); err != nil {
			return err
		}
		f.ends[id]()
	}
	return nil
}

// Tag adds tags to an instance, in place of those with the same keys.
func (f *Fleet) Tag(id string, tags map[string]string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, ok := f.rows[id]
	if !ok {
		return fmt.Errorf("instance %s does not exist", id)
	}
	i = i.copied()
	if i.Tags == nil {
		i.Tags = map[string]string{}
	}
	maps.Copy(i.Tags, tags)
	return f.keep(i)
}

// Get returns an instance, also for an hour after it was terminated.
func (f *Fleet) Get(id string) (Instance, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, ok := f.rows[id]
	if !ok || f.forgotten(i) {
		return Instance{}, false
	}
	return i.copied(), true
}

// All returns the instances of a region by launch time, also those that were terminated in the last hour.
func (f *Fleet) All(region string) (all []Instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.rows {
		if i.Region == region && !f.forgotten(i) {
			all = append(all, i.copied())
		}
	}
	slices.SortFunc(all, func(a, b Instance) int {
		return cmp.Or(a.Launched.Compare(b.Launched), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Dial connects to a port of an instance. It is refused, with ECONNREFUSED, if the instance is not
// running or nothing listens there.
func (f *Fleet) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	if i, ok := f.Get(id); !ok || i.State == Terminated {
		return nil, unconnected(id, port, syscall.ECONNREFUSED)
	}
	return f.Runner.Dial(ctx, id, port)
}

// Console returns what an instance has written while it booted.
func (f *Fleet) Console(ctx context.Context, id string) (string, error) {
	return f.Runner.Console(ctx, id)
}

// unconnected returns the error of a connection that could not be made.
func unconnected(id string, port int, err error) error {
	return fmt.Errorf("connect to port %d of instance %s: %w", port, id, err)
}
