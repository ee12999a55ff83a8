package main

import (
	"crypto/x509"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// bringRoots makes the program trust the certificates that it brings, on machines without any, such as an
// empty container. Reading them takes longer than most of help, so only verbs that connect do.
var bringRoots = sync.OnceFunc(func() { x509.SetFallbackRoots(bundledRoots()) })

func bundledRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			continue // the others do
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
		} else {
			pool.AddCertWithConstraint(certificate, root.Constraint)
		}
	}
	return pool
}
