"""A run is followed: what the reader has opened and focused stays, the log grows line by line, a task is cancelled, a storm is cheap."""

import time

import studio
from studio import expect

with studio.browser() as browser:
    studio.deploy("numbers", "unfilled", "JA")
    run = studio.launch("numbers", "--param", "n=200000")
    page = studio.signed_in(browser, "operator")
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("RUNNING")
    expect(page.locator("#task-count")).to_contain_text("RUNNING")
    expect(page.get_by_label("Follow")).to_be_checked()

    # What is opened stays open, and what has the focus keeps it, while the page follows.
    page.locator("#task-after summary").click()
    expect(page.locator("#task-after")).to_have_attribute("open", "")
    page.locator("#task-after").get_by_role("link", name="Its log").focus()
    page.evaluate("() => { window.kept = [document.activeElement, document.getElementById('task-after')] }")
    list_of_runs = browser.context(who="operator").new_page()
    list_of_runs.goto("/runs?id=unfilled")
    overview = browser.context(who="operator").new_page()
    overview.goto("/")
    with studio.without_reload(page):
        browser.watch.loaded.clear()
        began = time.monotonic()
        for _ in range(12):
            last = studio.launch("unfilled")
        expect(list_of_runs.locator(f"tr[data-key='{last}']")).to_contain_text("FAILED")
        took = time.monotonic() - began
        for one in (page, list_of_runs, overview):
            loads = sum(1 for request in browser.watch.loaded if request.url == one.url)
            print(f"{one.url}: loaded {loads} times in {took:.1f} s of 12 runs")
            assert loads <= took / 0.7 + 2, f"{one.url} was loaded {loads} times in {took:.1f} s"
        assert page.evaluate("() => kept[0] === document.activeElement && kept[1].open"), "focus and fold are kept"

    # A link of the graph opens its task; somebody else watches what becomes of it.
    watching = studio.signed_in(browser, "viewer")
    watching.goto(f"/runs/{run}")
    expect(watching.locator("#log")).not_to_contain_text("cancelled by")
    expect(watching.locator("#task-count")).not_to_have_attribute("open", "")
    page.locator("a[href='#task-count']").first.click()
    expect(page.locator("#task-count")).to_have_attribute("open", "")
    studio.picture(page, "run-running")
    studio.accessible(page)
    with studio.without_reload(watching):
        watching.evaluate("() => { window.first = document.querySelector('#log .line') }")
        page.get_by_role("button", name="Cancel this task: count").click()
        expect(watching.locator("#log")).to_contain_text("cancelled by user:operator")
        expect(watching.get_by_role("heading", level=1)).not_to_contain_text("RUNNING")
        # Nobody has to look for what went wrong.
        expect(watching.locator("#task-count pre.error")).to_be_visible()
        assert watching.evaluate("() => first.isConnected"), "lines are added, not drawn again"

    with watching.expect_download() as download:
        watching.get_by_role("link", name="Download as text").click()
    text = download.value.path().read_text()
    assert "cancelled by user:operator" in text and len(text.splitlines()) == watching.locator("#log .line").count(), text
    watching.locator("select[name=task]").select_option("count")
    watching.get_by_role("button", name="Show").click()
    expect(watching.locator("#log")).to_contain_text("[count]")
    studio.accessible(watching)

    # The list of runs keeps what is marked while it follows.
    page.goto("/runs")
    mark = page.get_by_role("checkbox", name="Mark the run of numbers_DEV")
    mark.check()
    with studio.without_reload(page):
        latest = studio.launch("JA", "--wait")
        expect(page.locator(f"tr[data-key='{latest}']")).to_be_visible()
        expect(mark).to_be_checked()
    page.get_by_role("button", name="Set marked runs to CHECKED").click()
    expect(page.locator(f"tr[data-key='{run}']")).to_contain_text("CHECKED")
