package main

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// zip FILE NAME[=CONTENT]...: makes an archive.
func zipEntries(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: zip FILE NAME[=CONTENT]...")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, entry := range args[1:] {
		name, content, _ := strings.Cut(entry, "=")
		w, err := z.Create(name)
		ts.Check(err)
		_, err = w.Write([]byte(content))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}
