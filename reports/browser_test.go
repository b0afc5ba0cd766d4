package reports

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	devlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// pictures makes the browser test leave what it saw, for the README and for
// whoever changes the layout:
//
//	go test ./reports -run TestBrowser -pictures /tmp/pictures
//
// With -of, an absolute path, a stored report.html is pictured as well.
var (
	pictures = flag.String("pictures", "", "folder for screenshots and PDFs of every page")
	given    = flag.String("of", "", "absolute path of a report.html to picture besides the fixtures")
)

// complaints are what a page must not cause: anything on the console, an
// exception, a request for anything but the file itself.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) hear(ev any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		c.list = append(c.list, fmt.Sprintf("console %s: %v", ev.Type, ev.Args))
	case *runtime.EventExceptionThrown:
		c.list = append(c.list, "exception: "+ev.ExceptionDetails.Text)
	case *devlog.EventEntryAdded:
		c.list = append(c.list, fmt.Sprintf("log %s: %s", ev.Entry.Level, ev.Entry.Text))
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, "file://") {
			c.list = append(c.list, "request: "+ev.Request.URL)
		}
	}
}

// take returns the complaints so far and forgets them.
func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.list
	c.list = nil
	return out
}

// browser starts a headless Chromium for the test.
func browser(t *testing.T) (context.Context, *complaints) {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium is installed, and CI must look at the report")
		}
		t.Skip("no chromium is installed: the report is not looked at")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("headless", "new"))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	heard := &complaints{}
	ctx, cancel := chromedp.NewContext(alloc, chromedp.WithListener(heard.hear))
	t.Cleanup(cancel)
	// The first Do owns the browser, so the deadline belongs to those after it.
	if err := chromedp.Do(ctx, command(network.Enable, network.EnableParams{}), command(devlog.Enable, cdp.Empty{}), command(runtime.Enable, cdp.Empty{})); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	bounded, done := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(done)
	return bounded, heard
}

func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func media(kind, scheme string) chromedp.Action[chromedp.Void] {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: kind, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// inspect lists what is wrong with the layout of the page as it stands.
const inspect = `(() => {
  const wrong = [], shown = e => e.checkVisibility ? e.checkVisibility() : e.getClientRects().length > 0;
  const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + (typeof e.className === 'string' && e.className ? '.' + e.className.trim().replace(/ +/g, '.') : '') + ' "' + e.textContent.trim().slice(0, 40) + '"';
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) wrong.push('the page is ' + document.documentElement.scrollWidth + ' wide on a screen of ' + wide);
  for (const e of document.querySelectorAll('body *')) {
    if (!shown(e) || e.closest('svg') && e.tagName !== 'svg' || e.parentElement.closest('.scroll')) continue;
    const r = e.getBoundingClientRect();
    if (r.right > wide + 1 || r.left < -1) wrong.push('beyond the screen: ' + name(e));
  }
  if (wide >= 1000) for (const e of document.querySelectorAll('.scroll')) if (shown(e) && e.scrollWidth > e.clientWidth + 1) wrong.push('needs scrolling: ' + name(e));
  for (const s of document.querySelectorAll('.timeline .scroll > svg')) for (const x of s.querySelectorAll('text')) {
    const a = x.getBoundingClientRect(), b = s.getBoundingClientRect();
    if (a.right > b.right + 1 || a.left < b.left - 1 || a.bottom > b.bottom + 1) wrong.push('outside its chart: ' + name(x));
  }
  const lum = c => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const rgb = s => { const m = s.match(/[\d.]+/g); return m ? m.map(Number) : [0, 0, 0, 0]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const seen = new Set();
  for (const e of document.querySelectorAll('body *')) {
    if (!shown(e) || e.tagName === 'title' || e.tagName === 'desc' || e.matches('svg .inbar') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const st = getComputedStyle(e), ink = rgb(e instanceof SVGElement ? st.fill : st.color), ground = behind(e);
    const [a, b] = [lum(ink), lum(ground)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    const k = ink + '/' + ground;
    if (ratio < 4.5 && !seen.has(k)) { seen.add(k); wrong.push('contrast ' + ratio.toFixed(2) + ': ' + name(e)); }
  }
  for (const e of document.querySelectorAll('section')) if (shown(e) && e.getBoundingClientRect().height < 20) wrong.push('empty: ' + name(e));
  for (const e of document.querySelectorAll('svg[role=img]')) if (!e.querySelector('title') || !e.querySelector('desc')) wrong.push('a chart without words');
  return wrong.slice(0, 12);
})()`

const sections = `[...document.querySelectorAll('section')].filter(e => e.checkVisibility() && e.getBoundingClientRect().height > 20).map(e => e.id)`

// The sections that each page must show, in order.
var wantSections = map[string][]string{
	"passing":     {"figures", "timeline", "findings", "recovery", "data", "first-error", "faults", "links", "availability", "linearizable", "events", "environment", "replay"},
	"lost":        {"figures", "timeline", "findings", "recovery", "data", "first-error", "faults", "links", "availability", "linearizable", "events", "environment", "replay"},
	"unknown":     {"figures", "timeline", "findings", "recovery", "data", "first-error", "faults", "links", "availability", "linearizable", "events", "environment", "replay"},
	"stuck":       {"figures", "timeline", "findings", "recovery", "data", "first-error", "faults", "links", "availability", "linearizable", "events", "environment", "replay"},
	"hostile":     {"figures", "timeline", "findings", "recovery", "data", "first-error", "faults", "links", "availability", "linearizable", "events", "environment", "replay"},
	"interrupted": {"figures", "timeline", "first-error", "faults", "links", "events", "environment", "replay"},
	"empty":       {"figures", "timeline", "environment", "replay"},
}

func TestBrowser(t *testing.T) {
	ctx, heard := browser(t)
	dir := t.TempDir()
	for name, r := range fixtures() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := HTML(&b, r); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name+".html")
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			look(ctx, t, heard, path, name)
			got, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](sections))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantSections[name], got); diff != "" {
				t.Errorf("sections (-want +got):\n%s", diff)
			}
		})
	}
	if *given != "" {
		t.Run("given", func(t *testing.T) {
			path, err := filepath.Abs(*given)
			if err != nil {
				t.Fatal(err)
			}
			look(ctx, t, heard, path, "given")
		})
	}
}

// look opens the page on a laptop and on a phone, light and dark, and prints it.
func look(ctx context.Context, t *testing.T, heard *complaints, path, name string) {
	t.Helper()
	grounds := map[string]string{}
	for _, v := range []struct {
		scheme string
		width  int64
	}{{"dark", 400}, {"light", 400}, {"dark", 1280}, {"light", 1280}} {
		as := fmt.Sprintf("%s-%d", v.scheme, v.width)
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(v.width, 800), media("", v.scheme), chromedp.Navigate("file://"+path)); err != nil {
			t.Fatalf("%s: %v", as, err)
		}
		wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](inspect))
		if err != nil {
			t.Fatalf("%s: inspect: %v", as, err)
		}
		for _, w := range append(wrong, heard.take()...) {
			t.Errorf("%s: %s", as, w)
		}
		if grounds[v.scheme], err = chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`)); err != nil {
			t.Fatal(err)
		}
		if *pictures != "" {
			keep(t, name+"-"+as+".png", func() ([]byte, error) { return chromedp.Run(ctx, chromedp.FullScreenshot(100)) })
			keep(t, name+"-"+as+"-top.png", func() ([]byte, error) { return chromedp.Run(ctx, chromedp.CaptureScreenshot()) })
		}
	}
	if grounds["light"] == grounds["dark"] {
		t.Errorf("light and dark have the same ground, %s", grounds["light"])
	}
	if *pictures != "" {
		keep(t, name+".pdf", func() ([]byte, error) { return print(ctx) })
	}
}

func print(ctx context.Context) ([]byte, error) {
	return chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		res, err := cdp.Call(ctx, t, devpage.PrintToPDF, devpage.PrintToPDFParams{PaperWidth: 8.27, PaperHeight: 11.7})
		if err != nil {
			return nil, err
		}
		return res.Data, nil
	})
}

func keep(t *testing.T, name string, take func() ([]byte, error)) {
	t.Helper()
	b, err := take()
	if err == nil {
		err = os.MkdirAll(*pictures, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*pictures, name), b, 0o644)
	}
	if err != nil {
		t.Fatalf("keep %s: %v", name, err)
	}
}

// The browser test can fail: a page with each thing it looks for is found out.
func TestBrowserSeesWhatIsWrong(t *testing.T) {
	ctx, heard := browser(t)
	for name, c := range map[string]struct{ body, want string }{
		"console":   {`<script>console.error("x")</script>`, "console error"},
		"exception": {`<script>throw new Error("x")</script>`, "exception"},
		"request":   {`<img src="http://127.0.0.1:9/x.png" alt="x">`, "request: http://127.0.0.1:9/x.png"},
		"overflow":  {`<p style="width:3000px">wide</p>`, "the page is"},
		"contrast":  {`<p style="color:#eee">pale</p>`, "contrast"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.html")
			if err := os.WriteFile(path, []byte("<!doctype html><body style='background:#fff'>"+c.body), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), media("", "light"), chromedp.Navigate("file://"+path)); err != nil {
				t.Fatal(err)
			}
			wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](inspect))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(append(wrong, heard.take()...), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want something with %q", got, c.want)
			}
		})
	}
}
