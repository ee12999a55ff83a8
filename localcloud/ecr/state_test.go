package ecr

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"
)

// backdate makes each file as old as if it had been pushed two hours ago.
func (b *bench) backdate() {
	b.Helper()
	old := time.Now().Add(-2 * time.Hour)
	for _, f := range b.files() {
		if err := os.Chtimes(f, old, old); err != nil {
			b.Fatal(err)
		}
	}
}

// files returns the names of the blobs, manifests and uploads.
func (b *bench) files() []string {
	b.Helper()
	blobs, _ := filepath.Glob(filepath.Join(b.dir, "blobs", "*")) // the pattern is valid
	uploads, _ := filepath.Glob(filepath.Join(b.dir, "uploads", "*"))
	return append(blobs, uploads...)
}

func TestSweepFreesUnusedBlobs(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	kept := b.image()
	shared, err := mutate.Append(kept, mutate.Addendum{Layer: b.layer()})
	if err != nil {
		t.Fatal(err)
	}
	b.push("shop:kept", kept)
	needed := len(b.files())
	list := b.index("shop:list")
	listed := len(b.files()) - needed
	b.push("shop:gone", shared)
	b.send("POST", "/v2/shop/blobs/uploads/", nil)
	_, err = c.BatchDeleteImage(t.Context(), &awsecr.BatchDeleteImageInput{RepositoryName: aws.String("shop"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("gone")}}})
	if err != nil {
		t.Fatal(err)
	}
	if before := len(b.files()); before != needed+listed+4 {
		t.Fatalf("%d files, want layer, config, manifest and upload besides %d", before, needed+listed)
	}
	b.svc.tidy()
	if got := len(b.files()); got != needed+listed+4 {
		t.Errorf("%d files left within the grace time, want all %d", got, needed+listed+4)
	}
	b.backdate()
	b.restart()
	if got := len(b.files()); got != needed+listed {
		t.Errorf("%d files left, want %d", got, needed+listed)
	}
	for _, ref := range []string{"shop:kept", "shop@" + list.children[0]} {
		if err := b.pulls(ref, b.login("us-east-1")); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestSweepKeepsTheBlobsOfARunningPush(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	img := b.image()
	b.push("shop:a", img)
	_, err := c.BatchDeleteImage(t.Context(), &awsecr.BatchDeleteImageInput{RepositoryName: aws.String("shop"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	b.backdate()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	promised := b.digest(layers[0])
	if resp := b.send("HEAD", "/v2/shop/blobs/"+promised, nil); resp.StatusCode != http.StatusOK {
		t.Fatalf("HEAD: %s", resp.Status)
	}
	b.svc.tidy()
	if resp := b.send("HEAD", "/v2/shop/blobs/"+promised, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("the layer is gone: %s", resp.Status)
	}
	if got := len(b.files()); got != 1 {
		t.Errorf("%d files, want the one that was asked for", got)
	}
}

func (b *bench) layer() v1.Layer {
	b.Helper()
	layers, err := b.image().Layers()
	if err != nil {
		b.Fatal(err)
	}
	return layers[0]
}

func TestPoliciesAreAppliedAtTheStart(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	text := lifecyclePolicy(ageRule(1, anyImage, 1))
	if _, err := c.PutLifecyclePolicy(t.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: aws.String("shop"), LifecyclePolicyText: &text}); err != nil {
		t.Fatal(err)
	}
	b.push("shop:a", nil)
	b.passes(25 * time.Hour)
	b.restart()
	r, err := b.svc.store.get("us-east-1", "shop")
	if err != nil || len(r.Images) > 0 {
		t.Errorf("the start has not applied the policy: %v, %v", r.Images, err)
	}
}

func TestManyPushesAtOnce(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	auth := b.login("us-east-1")
	var g errgroup.Group
	for i := range 12 {
		img, own, same := b.image(), b.ref(fmt.Sprintf("shop:t%d", i)), b.ref("shop:same")
		g.Go(func() error {
			if err := remote.Write(own, img, auth); err != nil {
				return err
			}
			return remote.Write(same, img, auth)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String("shop")})
	if err != nil || len(out.ImageIds) != 13 {
		t.Errorf("%d tags, %v; want 13", len(out.ImageIds), err)
	}
}

func TestStateIsHeldByOneProcess(t *testing.T) {
	b := newBench(t)
	if _, err := New(Config{Dir: b.dir, Account: account}); err == nil || !strings.Contains(err.Error(), b.dir) {
		t.Errorf("second New: %v", err)
	}
}

// childDir makes this test binary a server that can be killed.
const childDir = "BEANSPROUT_TEST_ECR_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, serve(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serve prints its address and runs until it is killed.
func serve(dir string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	svc, err := New(Config{Dir: dir, Account: account, Host: l.Addr().String})
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr())
	return http.Serve(l, front(svc, time.Now))
}

// startChild starts a server on the bench's directory and sends the bench's calls to it.
func (b *bench) startChild() *exec.Cmd {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+b.dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	host, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		b.Fatalf("child said %q, %v", line, err)
	}
	b.host, b.server.URL = host, "http://"+host
	return cmd
}

func TestKillLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	b := newBench(t)
	here, url := b.host, b.server.URL
	if err := b.svc.Close(); err != nil {
		t.Fatal(err)
	}
	child := b.startChild()
	b.create("shop")
	auth := b.login("us-east-1")
	pushed := make(chan string)
	for i := range 3 {
		go func() {
			for n := 0; ; n++ {
				ref := fmt.Sprintf("shop:t%d-%d", i, n)
				img, err := random.Image(100_000, 2)
				if err != nil || remote.Write(b.ref(ref), img, auth) != nil {
					pushed <- ""
					return
				}
				pushed <- ref
			}
		}()
	}
	var want []string
	for ended := 0; ended < 3; {
		switch ref := <-pushed; {
		case ref == "":
			ended++
		default:
			if want = append(want, ref); len(want) == 8 {
				_ = child.Process.Kill()
			}
		}
	}
	_ = child.Wait() // it was killed
	b.host, b.server.URL = here, url
	b.open()
	out, err := b.client("us-east-1").ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String("shop")})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range out.ImageIds {
		want = append(want, "shop:"+*id.ImageTag) // an image that was stored but not acknowledged must be complete, too
	}
	for _, ref := range want {
		if err := b.pulls(ref, auth); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
}
