"""What the stories in the browser share: a browser, somebody signed in, what every page must keep to, pictures.

A story is a script beside this one: `with studio.browser() as browser: page = studio.signed_in(browser, "operator")`. Where the server is,
who its users are and what can be deployed comes from the environment (`main.rs`). Whatever a page does that it must not (a request to
elsewhere, a word on the console, an exception) fails the story when its browser is closed.
"""

import contextlib
import json
import os
import subprocess
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

URL = os.environ["STUDIO_URL"]
ACCOUNT = os.environ["STUDIO_ACCOUNT"]
PASSWORD = os.environ["STUDIO_PASSWORD"]
CONFIGURATIONS = Path(os.environ["STUDIO_CONFIGURATIONS"])
SCREENSHOTS = Path(os.environ["STUDIO_SCREENSHOTS"])
AXE = Path(os.environ["TAILERD_TEST_AXE"])

# Where a story may be led to besides, its issuer's pages, and a rule that lets the browser find a server under another name.
ELSEWHERE = os.environ.get("STUDIO_ELSEWHERE")
RESOLVE = os.environ.get("STUDIO_RESOLVE")

PATIENCE = 90_000  # milliseconds: reached only by a defect, also where much else is running
WIDE, PHONE = (1400, 900), (390, 844)
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run",
         *([f"--host-resolver-rules={RESOLVE}"] if RESOLVE else [])]

expect.set_options(timeout=PATIENCE)


class Watch:
    """What the pages of a browser did that they must not, and what they loaded."""

    def __init__(self):
        self.wrong = []
        self.loaded = []

    def follow(self, context):
        context.on("request", lambda request: self._request(request))
        context.on("requestfinished", lambda request: self.loaded.append(request))
        context.on("console", lambda message: self._console(message))
        context.on("weberror", lambda error: self.wrong.append(f"exception: {error.error}"))

    def _request(self, request):
        # What the issuer's own pages load is not ours to judge.
        there = ELSEWHERE and (
            request.url.startswith(f"{ELSEWHERE}/")
            or request.resource_type != "document" and request.frame.url.startswith(f"{ELSEWHERE}/"))
        if not request.url.startswith(f"{URL}/") and not there:
            self.wrong.append(f"a request to elsewhere: {request.url}")

    def _console(self, message):
        # The status of a page that a story asks for on purpose is the story's to judge.
        ours = message.location["url"].startswith(f"{URL}/")
        if ours and message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"console: {message.text} ({message.location})")

    def judge(self):
        if self.wrong:
            raise AssertionError("\n".join(self.wrong))


class Browser:
    """One Chromium; each context is somebody else's window."""

    def __init__(self, chromium):
        self.chromium = chromium
        self.watch = Watch()
        self.states = {}

    def context(self, size=WIDE, scheme="light", scripts=True, who=None):
        context = self.chromium.new_context(
            base_url=URL, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
            java_script_enabled=scripts, storage_state=self.states.get(who), reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        self.watch.follow(context)
        return context


@contextlib.contextmanager
def browser():
    with sync_playwright() as playwright:
        # `/usr/bin/chromium`: nothing is ever downloaded.
        chromium = playwright.chromium.launch(
            executable_path=os.environ["STUDIO_CHROMIUM"], args=FLAGS, timeout=PATIENCE)
        one = Browser(chromium)
        yield one
        one.watch.judge()
        chromium.close()


def signed_in(browser, who, **window):
    """A page of somebody who has signed in with a password; the second time their session goes on."""
    known = who in browser.states
    page = browser.context(who=who, **window).new_page()
    if not known:
        page.goto("/sign-in")
        page.get_by_label("Name").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        browser.states[who] = page.context.storage_state()
    return page


def tailerd(*arguments):
    """The command line, as an administrator of the same server; what it printed."""
    done = subprocess.run([os.environ["STUDIO_TAILERD"], *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        raise AssertionError(f"tailerd {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def deploy(*names):
    tailerd("deploy", *(str(CONFIGURATIONS / f"{name}.json") for name in names))


def redeploy(name, **changed):
    """The next version of a configuration, with other parameters; its first SQL file gets one more line."""
    path = CONFIGURATIONS / f"{name}.json"
    described = json.loads(path.read_text()) | changed
    path.write_text(json.dumps(described, indent=2))
    sql = CONFIGURATIONS / described["workflow"][0]["sql_file"]
    sql.write_text(f"-- As of {len(sql.read_text())}.\n{sql.read_text()}")
    deploy(name)


def launch(name, *more):
    """The id of a run that was launched by the API."""
    # With --wait, how it ended stands behind it.
    return tailerd("launch", "table-to-table", f"{name}_DEV", *more).split()[0]


def operation(name, kind="gbq-to-gbq"):
    """Where a data operation is shown."""
    return f"/operations/{ACCOUNT}/DEV/{kind}/{name}_DEV"


@contextlib.contextmanager
def without_reload(page):
    """What happens inside happens to one and the same document."""
    page.evaluate("() => { window.witness = true }")
    yield
    assert page.evaluate("() => window.witness === true"), "the page was loaded again"


def picture(page, name):
    """A picture of the whole page, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, timeout=PATIENCE)


def accessible(page):
    """axe-core finds nothing serious."""
    session = page.context.new_cdp_session(page)
    # Past the page's own policy, which rightly lets no foreign script in.
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    session.detach()
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    serious = [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found if one["impact"] in ("serious", "critical")]
    if serious:
        raise AssertionError(f"{page.url} {json.dumps(page.viewport_size)}:\n" + "\n".join(serious))


def transferred(browser):
    """Bytes that were received since the last question, headers included."""
    sizes = [request.sizes() for request in browser.watch.loaded]
    browser.watch.loaded.clear()
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
