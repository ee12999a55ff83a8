package engine

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/bits"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/network"
)

// pools hold the subnets. Docker's own pools are used up after about 30 networks.
var pools = [...]string{"10.231.0.0/16", "172.29.0.0/16", "192.168.240.0/20"}

// subnetBits returns how long the prefix of a network for that many containers and a gateway is.
func subnetBits(containers int) int {
	switch {
	case containers <= 13:
		return 28
	case containers <= 61:
		return 26
	}
	return 25
}

var errNoSubnet = errors.New("no free subnet: every pool collides with a route or network of this machine")

// freeSubnet picks a subnet that overlaps none of taken. pick returns a number below n.
func freeSubnet(bits int, taken []netip.Prefix, pick func(n uint32) uint32) (netip.Prefix, error) {
	for _, p := range pools {
		pool := netip.MustParsePrefix(p)
		count := uint32(1) << (bits - pool.Bits())
		for i, start := uint32(0), pick(count); i < count; i++ {
			if subnet := nth(pool, bits, (start+i)%count); !overlapsAny(subnet, taken) {
				return subnet, nil
			}
		}
	}
	return netip.Prefix{}, errNoSubnet
}

func nth(pool netip.Prefix, bits int, n uint32) netip.Prefix {
	base := pool.Addr().As4()
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])+n<<(32-bits))
	return netip.PrefixFrom(netip.AddrFrom4(b), bits)
}

func overlapsAny(p netip.Prefix, taken []netip.Prefix) bool {
	for _, t := range taken {
		if t.Overlaps(p) {
			return true
		}
	}
	return false
}

// hostRoutes reads /proc/net/route. The networks that this machine reaches by other routes than the
// default one must stay reachable.
func hostRoutes(r io.Reader) []netip.Prefix {
	var routes []netip.Prefix
	for lines := bufio.NewScanner(r); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 8 {
			continue
		}
		to, err1 := hex.DecodeString(f[1])
		mask, err2 := hex.DecodeString(f[7])
		if err1 != nil || err2 != nil || len(to) != 4 || len(mask) != 4 {
			continue
		}
		if size := bits.OnesCount32(binary.LittleEndian.Uint32(mask)); size > 0 {
			addr := netip.AddrFrom4([4]byte{to[3], to[2], to[1], to[0]})
			routes = append(routes, netip.PrefixFrom(addr, size).Masked())
		}
	}
	return routes
}

// taken returns the subnets that routes and the engine's networks use.
func (e *Engine) taken(ctx context.Context) ([]netip.Prefix, error) {
	var used []netip.Prefix
	if f, err := os.Open("/proc/net/route"); err == nil {
		used = hostRoutes(f)
		f.Close()
	}
	networks, err := e.docker.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, n := range networks {
		for _, c := range n.IPAM.Config {
			if p, err := netip.ParsePrefix(c.Subnet); err == nil {
				used = append(used, p.Masked())
			}
		}
	}
	return used, nil
}

// makeNetwork creates a generation's network. If another process takes the chosen subnet first, it
// tries the next free one.
func (e *Engine) makeNetwork(ctx context.Context, name string, internal bool, bits int, labels map[string]string) error {
	var failed error
	for range 20 {
		used, err := e.taken(ctx)
		if err != nil {
			return err
		}
		subnet, err := freeSubnet(bits, used, rand.Uint32N)
		if err != nil {
			return err
		}
		_, failed = e.docker.NetworkCreate(context.WithoutCancel(ctx), name, network.CreateOptions{
			Driver: "bridge", Internal: internal, Labels: labels,
			IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet.String()}}},
		})
		if failed == nil || !strings.Contains(failed.Error(), "overlaps") {
			return failed
		}
	}
	return failed
}

// Published ports are below the range from which the kernel takes ports for connections. A port
// that is chosen here, not by the engine, stays the same when its container restarts, and is still
// free then.
const firstPort, lastPort = 20000, 32000

var errNoPort = errors.New("no free port between 20000 and 32000")

func freePort() (int, error) {
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, errNoPort
}
