package beanstalk

import "testing"

func TestGravitonIsToldByTheNameOfTheType(t *testing.T) {
	for want, types := range map[string][]string{
		ARM64: {
			"t4g.micro", "m6g.large", "m6gd.metal", "m7g.medium", "m8g.48xlarge", "c6gn.xlarge", "c7gn.16xlarge", "c8gb.large", "r6g.large",
			"r7gd.xlarge", "r8gn.large", "x2gd.metal", "x8g.large", "im4gn.large", "is4gen.medium", "i4g.large", "i8g.large", "i8ge.large",
			"g5g.xlarge", "hpc7g.4xlarge", "a1.medium", "mac2.metal", "mac2-m2pro.metal", "mac-m4.metal", "p6e-gb200.36xlarge", "T4G.small",
		},
		AMD64: {
			"t2.micro", "t3.micro", "t3a.small", "m5.large", "m5dn.large", "m6i.large", "m6id.large", "m7a.medium", "m7i-flex.large", "m8i.large",
			"c5n.large", "c6in.large", "r5b.large", "r6idn.large", "x1e.xlarge", "x2idn.16xlarge", "x2iedn.xlarge", "x2iezn.2xlarge", "z1d.large",
			"i3en.large", "i4i.large", "i7ie.large", "d3en.xlarge", "h1.2xlarge", "g3s.xlarge", "g4dn.xlarge", "g4ad.xlarge", "g5.xlarge", "g6.xlarge",
			"g6e.xlarge", "g6f.large", "gr6.4xlarge", "gr6f.4xlarge", "p3dn.24xlarge", "p4d.24xlarge", "p4de.24xlarge", "p5en.48xlarge", "p6-b200.48xlarge",
			"inf2.xlarge", "trn1n.32xlarge", "trn2.48xlarge", "dl1.24xlarge", "dl2q.24xlarge", "vt1.3xlarge", "f1.2xlarge", "hpc6id.32xlarge", "hpc7a.12xlarge",
			"u-24tb1.metal", "u7i-12tb.224xlarge", "u7in-16tb.224xlarge", "cg1.4xlarge", "mac1.metal", "", ".", "garbage", "\x00g4g",
		},
	} {
		for _, name := range types {
			if got := Architecture(name); got != want {
				t.Errorf("Architecture(%q) = %s, want %s", name, got, want)
			}
		}
	}
}
