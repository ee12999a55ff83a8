package stories

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"beansprout/test/lab"
)

// engineProxy stands between a story and the engine, so that the engine can be taken away
// from one story without taking it from all.
type engineProxy struct {
	listener net.Listener
	trigger  []byte

	mu    sync.Mutex
	conns []net.Conn
	dead  bool
}

// cut TEXT: the engine goes away as soon as a request with that text reaches it.
func cutEngine(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := os.MkdirTemp("", "engine")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "docker.sock")
	l, err := net.Listen("unix", socket)
	ts.Check(err)
	p := &engineProxy{listener: l, trigger: []byte(args[0])}
	ts.Value(storyKey{}).(*story).engine = p
	ts.Setenv("DOCKER_HOST", "unix://"+socket)
	go p.serve()
}

func (p *engineProxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.relay(conn)
	}
}

func (p *engineProxy) relay(conn net.Conn) {
	defer conn.Close()
	engine, err := net.Dial("unix", lab.EngineSocket())
	if err != nil {
		return
	}
	defer engine.Close()
	if !p.hold(conn, engine) {
		return
	}
	go func() {
		_, _ = io.Copy(conn, engine)
		conn.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		if bytes.Contains(buffer[:n], p.trigger) {
			p.close()
			return
		}
		if _, werr := engine.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *engineProxy) hold(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conns...)
	return !p.dead
}

func (p *engineProxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	p.listener.Close()
	for _, c := range p.conns {
		c.Close()
	}
}
