package starter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"beansprout/pattern"
)

// Java is what Maven or Gradle make, and archives that are there already.
type Java struct {
	Builds []JavaBuild // those that make a war or an executable jar first
	Maven  string      // the command, "" without a pom.xml
	Gradle string
	Built  []string // wars and jars that are there
	Many   *File    // the pom.xml of several modules, where none or several of them can be deployed
}

// JavaBuild is a module that becomes an archive.
type JavaBuild struct {
	File    File
	Archive string // its path; "" where it isn't known before the build
	IsBoot  bool   // Spring Boot
}

// isArchive reports whether a war or jar at that path is one that may be deployed.
func isArchive(name string) bool {
	base, folder := path.Base(name), path.Base(path.Dir(name))
	for _, other := range []string{"-sources.jar", "-javadoc.jar", "-plain.jar", "-tests.jar"} {
		if strings.HasSuffix(base, other) {
			return false
		}
	}
	return !strings.HasPrefix(base, "original-") && slices.Contains([]string{".", "target", "libs"}, folder)
}

func (s *Survey) readJava(ctx context.Context) error {
	pom, err := s.read(ctx, "pom.xml")
	if err != nil {
		return err
	}
	if pom != nil {
		return s.readMaven(ctx, *pom)
	}
	gradle, err := s.readFirst(ctx, "build.gradle", "build.gradle.kts")
	if err != nil || gradle == nil {
		return err
	}
	settings, err := s.readFirst(ctx, "settings.gradle", "settings.gradle.kts")
	if err != nil {
		return err
	}
	s.Java.Gradle = "gradle --no-daemon assemble"
	if s.exists("gradlew") {
		s.Java.Gradle = "./gradlew --no-daemon assemble"
	}
	s.Java.Builds = []JavaBuild{gradleBuild(*gradle, settings, filepath.Base(s.Dir))}
	return nil
}

// readMaven reads a pom.xml and those of its modules.
func (s *Survey) readMaven(ctx context.Context, top File) error {
	s.Java.Maven = "mvn -B -DskipTests package"
	if s.exists("mvnw") {
		s.Java.Maven = "./mvnw -B -DskipTests package"
	}
	p := parsePom(top)
	if p.Packaging != "pom" {
		s.Java.Builds = []JavaBuild{p.build(top, ".", top)}
		return nil
	}
	for _, module := range p.Modules {
		f, err := s.read(ctx, path.Join(path.Clean(module), "pom.xml"))
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if b := parsePom(*f).build(*f, path.Clean(module), top); strings.HasSuffix(b.Archive, ".war") || b.IsBoot {
			s.Java.Builds = append(s.Java.Builds, b)
		}
	}
	if len(s.Java.Builds) != 1 {
		s.Java.Many, s.Java.Builds = &top, nil
	}
	return nil
}

// pom is what a pom.xml says of the archive that it makes.
type pom struct {
	Packaging  string   `xml:"packaging"`
	ArtifactID string   `xml:"artifactId"`
	Version    string   `xml:"version"`
	FinalName  string   `xml:"build>finalName"`
	Modules    []string `xml:"modules>module"`
	Parent     struct {
		Version string `xml:"version"`
	} `xml:"parent"`
}

// parsePom reads a pom.xml as far as it can be read.
func parsePom(f File) (p pom) {
	_ = xml.NewDecoder(bytes.NewReader(f.Text)).Decode(&p) // Maven tells what is wrong with it
	p.Packaging = cmp.Or(strings.TrimSpace(p.Packaging), "jar")
	p.Version = strings.TrimSpace(cmp.Or(p.Version, p.Parent.Version))
	p.ArtifactID = strings.TrimSpace(p.ArtifactID)
	p.FinalName = strings.TrimSpace(p.FinalName)
	return p
}

var property = pattern.New(`\$\{([^}]+)\}`)

func (p pom) build(f File, folder string, top File) JavaBuild {
	b := JavaBuild{File: f, IsBoot: bytes.Contains(f.Text, []byte("spring-boot-maven-plugin"))}
	name := cmp.Or(p.FinalName, "${project.artifactId}-${project.version}")
	for range 3 { // a property may have another one
		name = property.ReplaceAllStringFunc(name, func(word string) string {
			switch key := strings.TrimPrefix(word[2:len(word)-1], "project."); key {
			case "artifactId":
				return p.ArtifactID
			case "version":
				return p.Version
			default:
				if value := propertyOf(f, key); value != "" {
					return value
				}
				if value := propertyOf(top, key); value != "" {
					return value
				}
				return word
			}
		})
	}
	if p.ArtifactID != "" && !strings.Contains(name, "${") && !strings.HasSuffix(name, "-") {
		b.Archive = path.Join(folder, "target", name+"."+p.Packaging)
	}
	return b
}

// propertyOf returns a property of a pom.xml.
func propertyOf(f File, name string) string {
	m := regexp.MustCompile(`<` + regexp.QuoteMeta(name) + `>\s*([^<]*?)\s*</`).FindSubmatch(f.Text)
	if m == nil {
		return ""
	}
	return string(m[1])
}

var (
	gradleWar     = pattern.New(`(?m)^\s*(id[ (]*['"]war['"]|apply plugin: *['"]war['"]|war\s*$|` + "`war`" + `)`)
	gradleBoot    = pattern.New(`org\.springframework\.boot`)
	gradleVersion = pattern.New(`(?m)^\s*version\s*=?\s*['"]([^'"]+)['"]`)
	gradleName    = pattern.New(`rootProject\.name\s*=\s*['"]([^'"]+)['"]`)
)

// gradleBuild returns what a build.gradle makes. Without a name in the settings it is the directory's.
func gradleBuild(f File, settings *File, directory string) JavaBuild {
	name, kind := directory, "jar"
	if settings != nil {
		if m := gradleName.FindSubmatch(settings.Text); m != nil {
			name = string(m[1])
		}
	}
	if m := gradleVersion.FindSubmatch(f.Text); m != nil {
		name += "-" + string(m[1])
	}
	if gradleWar.Match(f.Text) {
		kind = "war"
	}
	return JavaBuild{File: f, Archive: path.Join("build/libs", name+"."+kind), IsBoot: gradleBoot.Match(f.Text)}
}
