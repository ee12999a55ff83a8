package engine

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestFreeSubnetDoesNotOverlap(t *testing.T) {
	tests := map[string]struct {
		taken []netip.Prefix
		start uint32
		want  string
	}{
		"nothing taken":           {nil, 0, "10.231.0.0/28"},
		"starts anywhere":         {nil, 4095, "10.231.255.240/28"},
		"next one":                {prefixes("10.231.0.0/28"), 0, "10.231.0.16/28"},
		"begins again":            {prefixes("10.231.255.240/28"), 4095, "10.231.0.0/28"},
		"a part is taken":         {prefixes("10.231.0.3/32"), 0, "10.231.0.16/28"},
		"a route over the pool":   {prefixes("10.0.0.0/8"), 7, "172.29.0.112/28"},
		"two routes over pools":   {prefixes("10.0.0.0/8", "172.16.0.0/12"), 1, "192.168.240.16/28"},
		"all but one of the pool": {prefixes("10.231.0.0/17", "10.231.128.0/18", "10.231.192.0/19", "10.231.224.0/20", "10.231.240.0/21", "10.231.248.0/22", "10.231.252.0/23", "10.231.254.0/24", "10.231.255.0/25", "10.231.255.128/26", "10.231.255.192/27", "10.231.255.240/28"), 9, "10.231.255.224/28"},
	}
	for name, test := range tests {
		got, err := freeSubnet(28, test.taken, func(uint32) uint32 { return test.start })
		if err != nil || got.String() != test.want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, test.want)
		}
	}
	if _, err := freeSubnet(28, prefixes("0.0.0.0/1", "128.0.0.0/1"), func(uint32) uint32 { return 0 }); !errors.Is(err, errNoSubnet) {
		t.Errorf("got %v, want %v", err, errNoSubnet)
	}
}

func TestHostRoutesOmitTheDefaultRoute(t *testing.T) {
	const table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"tun0\t0000080A\t00000000\t0001\t0\t0\t0\t0000F8FF\t0\t0\t0\n" +
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"eth0\tnonsense\t0\t0\t0\t0\t0\tFF\nshort line\n"
	if got, want := hostRoutes(strings.NewReader(table)), prefixes("10.8.0.0/13", "192.0.2.0/24"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzHostRoutes(f *testing.F) {
	f.Add("eth0\t000200C0\t0\t1\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")
	f.Fuzz(func(t *testing.T, table string) {
		for _, p := range hostRoutes(strings.NewReader(table)) {
			if !p.IsValid() || p.Bits() == 0 {
				t.Fatalf("%q has route %v", table, p)
			}
		}
	})
}

func TestFreePortIsBelowTheKernelsRange(t *testing.T) {
	port, err := freePort()
	if err != nil || port < firstPort || port >= lastPort {
		t.Errorf("got %d, %v", port, err)
	}
}
