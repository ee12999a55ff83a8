package beanstalk

import (
	"cmp"
	"fmt"
	"time"

	"beansprout/localcloud/wire"
)

// logLife is how long AWS keeps requested logs.
const logLife = 15 * time.Minute

// tailLines is how many lines of each log are in "tail".
const tailLines = 100

// logFile is an object with the logs of an instance at a given time.
type logFile struct {
	Key      string
	Taken    time.Time
	Instance string
}

type logsIn struct {
	named
	InfoType string `aws:"required,enum=tail|bundle|analyze"`
}

// requestEnvironmentInfo fetches the logs in a goroutine. An event tells when they can be retrieved.
// A restart loses the request.
func requestEnvironmentInfo(st *state, in logsIn) (none, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err == nil {
		err = onlyTail(in.InfoType)
	}
	if err == nil && e.Status != ready {
		err = e.refuse(update)
	}
	if err != nil {
		return none{}, err
	}
	st.tell(e.event(st.ID), info("requestEnvironmentInfo is starting."))
	st.after = append(st.after, func() error {
		st.wait.Go(func() { st.pullLogs(st.Call, e) })
		return nil
	})
	return none{}, nil
}

func onlyTail(kind string) error {
	if kind != "tail" {
		return wire.Errorf("InvalidParameterValue", "The InfoType '%s' is not supported on this platform.", kind)
	}
	return nil
}

func (s *Service) pullLogs(c wire.Call, e environment) {
	files, err := s.writeLogs(e)
	if s.ctx.Err() != nil {
		return
	}
	c.Now = s.Now()
	recorded := s.within(c, s.db.Update, func(st *state) error {
		if err != nil {
			st.tell(e.event(st.ID), failed("Failed to pull logs for environment instances. %s", reason(err)))
			return nil
		}
		now, ok := environments.get(st, e.ID)
		if !ok || !now.live() {
			return nil
		}
		now.Logs = append(now.fresh(st.Now), files...)
		environments.put(st, now, e.ID)
		for _, f := range files {
			st.tell(e.event(st.ID), info("[Instance: %s] Successfully finished tailing 1 log(s)", f.Instance))
		}
		st.tell(e.event(st.ID), info("Pulled logs for environment instances."))
		return nil
	})
	if recorded != nil {
		s.Log.Error("record logs", "environment", e.Name, "id", e.ID, "error", recorded)
	}
}

// writeLogs puts the logs into the storage bucket and removes those that are too old.
func (s *Service) writeLogs(e environment) (files []logFile, err error) {
	running, failed, err := s.Runner.Tail(s.ctx, e.ID, tailLines)
	if err != nil {
		return nil, err
	}
	bucket, taken := storage(e.Region, e.Account), round(s.Now())
	if err := s.Objects.EnsureBucket(bucket); err != nil {
		return nil, err
	}
	for _, old := range e.Logs {
		if taken.Sub(old.Taken) >= logLife {
			if err := s.Objects.Delete(bucket, old.Key); err != nil {
				return nil, err
			}
		}
	}
	of := [][2]string{{e.instance(), running + failed}}
	if e.Spare != "" {
		of = [][2]string{{e.instance(), running}, {e.Spare, failed}}
	}
	for _, log := range of {
		instance, text := log[0], []byte(log[1])
		file := logFile{fmt.Sprintf("resources/environments/logs/tail/%s/%s/TailLogs-%d.txt", e.ID, instance, taken.UnixMilli()), taken, instance}
		if err := s.Objects.Put(bucket, file.Key, text); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// fresh returns the logs that can still be retrieved.
func (e environment) fresh(now time.Time) (files []logFile) {
	for _, f := range e.Logs {
		if now.Sub(f.Taken) < logLife {
			files = append(files, f)
		}
	}
	return files
}

type logsOut struct{ EnvironmentInfo []logDescription }

type logDescription struct {
	InfoType, Ec2InstanceId, Message string
	SampleTimestamp                  time.Time
}

// retrieveEnvironmentInfo returns the URLs of the logs.
func retrieveEnvironmentInfo(st *state, in logsIn) (out logsOut, err error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err == nil {
		err = onlyTail(in.InfoType)
	}
	if err != nil {
		return out, err
	}
	for _, f := range e.fresh(st.Now) {
		url := st.Objects.URL(storage(e.Region, e.Account), f.Key, logLife)
		out.EnvironmentInfo = append(out.EnvironmentInfo, logDescription{in.InfoType, cmp.Or(f.Instance, e.instance()), url, f.Taken})
	}
	return out, nil
}
