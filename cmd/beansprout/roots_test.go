package main

import (
	"slices"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func TestAllCertificatesThatTheProgramBringsAreTrusted(t *testing.T) {
	brought := len(slices.Collect(bundle.Roots()))
	//lint:ignore SA1019 the pool is not the system's
	if got := len(bundledRoots().Subjects()); got != brought || got < 100 {
		t.Errorf("%d certificates are trusted, want %d", got, brought)
	}
	bringRoots()
	bringRoots() // a second time would panic without sync.OnceFunc
}
