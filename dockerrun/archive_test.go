package dockerrun

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"beansprout/test/must"
)

// zipOf makes a zip of entries "name", "name = content", "link -> target" and "name | ", a pipe.
func zipOf(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, entry := range entries {
		name, content, _ := strings.Cut(entry, " = ")
		mode := fs.FileMode(0o644)
		if link, target, ok := strings.Cut(entry, " -> "); ok {
			name, content, mode = link, target, fs.ModeSymlink|0o777
		}
		name, isPipe := strings.CutSuffix(name, " |")
		if isPipe {
			mode |= fs.ModeNamedPipe
		}
		h := &zip.FileHeader{Name: name}
		h.SetMode(mode)
		w, err := z.CreateHeader(h)
		if err == nil && content != "" {
			_, err = w.Write([]byte(content))
		}
		must.Succeed(t, err)
	}
	must.Succeed(t, z.Close())
	return b.Bytes()
}

func checkOf(content []byte, kind string) error {
	archive, err := OpenArchive(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	return CheckArchive(archive, kind)
}

func TestCheckArchiveRefusesHostileEntries(t *testing.T) {
	chain := []string{"file"}
	for i := range maxLinks + 1 {
		chain = append(chain, fmt.Sprintf("l%d -> l%d", i+1, i))
	}
	for what, test := range map[string]struct {
		entries []string
		want    string // "" is fine
	}{
		"files and folders":          {[]string{"./a", "b/", "b/c", "d/e//f"}, ""},
		"the root itself":            {[]string{"./", "a"}, ""},
		"a link to a neighbour":      {[]string{"a/b", "a/c -> b", "d -> a/c", "e -> ./a/../a"}, ""},
		"a link to nothing yet":      {[]string{"log -> var/log/app.log"}, ""},
		"a link to the root":         {[]string{"a/b -> .."}, ""},
		"up and back through a link": {[]string{"a/b/x", "c -> a/b", "d -> c/../b/x"}, ""},
		"case of files":              {[]string{"LICENSE = one", "license = two"}, ""},
		"the same twice":             {[]string{"a = x", "a = x", "b/", "b/"}, ""},

		"up through a link, by name":     {[]string{"a/b -> ..", "a/b/../../c = x"}, `entry "a/b/../../c" has .. in its name`},
		"up through a folder, by name":   {[]string{"a/", "a/../c = x"}, `entry "a/../c" has .. in its name`},
		"a link that is chained":         {[]string{"a/b -> ..", "c -> a/b/.."}, `entry "c" is a link that leaves`},
		"the chain's end comes first":    {[]string{"c -> a/b/../x", "a/b -> .."}, `entry "c" is a link that leaves`},
		"a longer chain":                 {[]string{"a/b/c -> ../..", "d -> a/b/c", "e -> d/../etc"}, `entry "e" is a link that leaves`},
		"through a folder of links":      {[]string{"a/up -> ..", "a/b/up -> ../up", "x -> a/b/up/.."}, `leaves`},
		"up through what is not there":   {[]string{"x -> gone/../.."}, `entry "x" is a link that leaves`},
		"a chain to the machine":         {[]string{"a -> b", "b -> /etc"}, `entry "a" is a link that leaves`},
		"a link out":                     {[]string{"b/c -> ../../a"}, `entry "b/c" is a link that leaves`},
		"itself":                         {[]string{"a -> a"}, `entry "a" is a link that leads to itself`},
		"round":                          {[]string{"a -> b/x", "b -> a"}, `leads to itself`},
		"more links than Linux follows":  {chain, `entry "l41" is a link that leads to itself`},
		"an entry below a link":          {[]string{"a -> b", "a/x"}, `entry "a/x" is below "a", which is no folder`},
		"an entry deep below a link":     {[]string{"a/x/y", "a -> .."}, `entry "a/x/y" is below "a", which is no folder`},
		"an entry below a file":          {[]string{"a", "a/x"}, `entry "a/x" is below "a", which is no folder`},
		"an entry below a disguised one": {[]string{"a -> b", "./a//x"}, `is below "a", which is no folder`},
		"a file and a link":              {[]string{"a = b", "a -> b"}, `entry "a" is there twice, with different types`},
		"a folder and a link":            {[]string{"a/", "a -> b"}, `with different types`},
		"other content":                  {[]string{"a = 1", "./a = 2"}, `entry "./a" is there twice, with different contents`},
		"two targets":                    {[]string{"a -> b", "a -> c"}, `with different contents`},
		"a way up":                       {[]string{"a/../../b"}, `entry "a/../../b" leaves`},
		"a path of the machine":          {[]string{"/etc/passwd"}, `entry "/etc/passwd" leaves`},
		"no name":                        {[]string{""}, `leaves`},
		"the root as a file":             {[]string{"."}, `is a folder only by its name`},
		"Windows":                        {[]string{`a\..\..\b`}, `has a \ in its name`},
		"a zero byte":                    {[]string{"a\x00b"}, `has a zero byte`},
		"a link with a zero byte":        {[]string{"a -> b\x00/../.."}, `can't be read`},
		"a link to nowhere":              {[]string{"a -> "}, `can't be read`},
		"a link without an end":          {[]string{"a -> " + strings.Repeat("x/", maxTargetBytes)}, `can't be read`},
		"a pipe":                         {[]string{"a |"}, `is neither a file nor a folder nor a link`},
	} {
		t.Run(what, func(t *testing.T) {
			err := checkOf(zipOf(t, test.entries...), "zip")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if err := checkOf(zipOf(t, "META-INF/LICENSE = one", "META-INF/LICENSE = two"), "jar"); err != nil {
		t.Errorf("a jar, which is not unpacked: %v", err)
	}
	if err := checkOf(zipOf(t, "a = one", "a -> two"), "jar"); err == nil {
		t.Error("a jar's file is a link, too")
	}
}

func TestOpenArchiveRefusesTooManyEntries(t *testing.T) {
	archive := &zip.Reader{}
	for i := range 3 {
		archive.File = append(archive.File, &zip.File{FileHeader: zip.FileHeader{Name: fmt.Sprint(i), UncompressedSize64: maxUnpackedBytes/2 - 1}})
	}
	if err := CheckArchive(archive, "zip"); err == nil || !strings.Contains(err.Error(), `entry "2" is too large: all entries unpack to more than 4 GB`) {
		t.Errorf("a bomb: %v", err)
	}
	archive.File[0].Flags = 1
	if err := CheckArchive(archive, "zip"); err == nil || !strings.Contains(err.Error(), "is encrypted") {
		t.Errorf("encrypted: %v", err)
	}
	if testing.Short() {
		return // what follows takes memory
	}
	content := crowded(800_000)
	if _, err := OpenArchive(bytes.NewReader(content), int64(len(content))); err == nil || !strings.Contains(err.Error(), "lists too many entries") {
		t.Errorf("a crowd: %v", err)
	}
	content = crowded(70_000) // more than a zip of old holds
	if archive, err := OpenArchive(bytes.NewReader(content), int64(len(content))); err != nil || len(archive.File) != 70_000 {
		t.Errorf("many files: %v", err)
	}
}

// crowded makes a zip with so many entries, none of which has a name.
func crowded(n int) []byte {
	entry := make([]byte, 46)
	copy(entry, "PK\x01\x02")
	list := bytes.Repeat(entry, n)
	le := binary.LittleEndian
	end64 := append([]byte("PK\x06\x06"), le.AppendUint64(nil, 44)...)
	end64 = append(end64, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, v := range []uint64{uint64(n), uint64(n), uint64(len(list)), 0} {
		end64 = le.AppendUint64(end64, v)
	}
	locator := append([]byte("PK\x06\x07\x00\x00\x00\x00"), le.AppendUint64(nil, uint64(len(list)))...)
	locator = append(locator, 1, 0, 0, 0)
	end := append([]byte("PK\x05\x06\x00\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 12)...)
	return append(append(append(append(list, end64...), locator...), end...), 0, 0)
}
