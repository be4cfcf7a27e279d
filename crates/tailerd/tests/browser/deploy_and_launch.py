"""A deployment shows up by itself; it is launched, waits behind another run, and goes green while somebody watches. What a form asks
for is checked before, what is wrong with it is said beside it, and a second version is compared with the first."""

import studio
from studio import expect

with studio.browser() as browser:
    page = studio.signed_in(browser, "operator")
    page.goto("/operations")
    expect(page.get_by_text("0 data operations")).to_be_visible()
    with studio.without_reload(page):
        studio.deploy("numbers")
        expect(page.get_by_role("link", name="numbers_DEV")).to_be_visible()
    page.get_by_role("link", name="numbers_DEV").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("numbers_DEV")

    # It would take years, and the operation runs once at a time.
    page.get_by_role("textbox", name="n", exact=True).fill("200000")
    page.get_by_text("More parameters").click()
    page.get_by_label("Parameters (JSON)").fill("{n")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON object")
    studio.accessible(page)
    studio.picture(page, "launch-refused")
    expect(page.get_by_label("Parameters (JSON)")).to_have_value("{n")
    page.get_by_label("Parameters (JSON)").fill("")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is wrong")
    expect(page.get_by_role("textbox", name="n", exact=True)).to_have_value("200000")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("RUNNING")
    first = page.url

    waiting = browser.context(who="operator").new_page()
    waiting.goto(studio.operation("numbers"))
    waiting.get_by_label("Execution date").fill("2024-02-29")
    waiting.get_by_role("textbox", name="n", exact=True).fill("3")
    waiting.get_by_role("button", name="Launch").click()
    expect(waiting.get_by_role("heading", level=1)).to_contain_text("QUEUED")
    expect(waiting.get_by_text("2024-02-29").first).to_be_visible()
    studio.picture(waiting, "run-waiting")
    for size, name in ((studio.WIDE, "wide"), (studio.PHONE, "phone")):
        busy = studio.signed_in(browser, "operator", size=size)
        busy.goto("/")
        expect(busy.locator("#live tbody a.row")).to_have_count(2)
        studio.picture(busy, f"overview-busy-{name}")
        studio.accessible(busy)
        busy.context.close()

    with studio.without_reload(waiting):
        page.get_by_role("button", name="Cancel", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("CANCELLED")
        assert page.url == first
        expect(waiting.get_by_role("heading", level=1)).to_contain_text("SUCCESS")
        expect(waiting.locator("svg .s-good").first).to_be_visible()
        assert waiting.locator("svg .s-busy, svg .s-bad").count() == 0
    studio.accessible(waiting)

    waiting.goto("/")
    expect(waiting.get_by_role("link", name="numbers_DEV").first).to_be_visible()

    # A task of the graph leads to its SQL.
    waiting.goto(studio.operation("numbers"))
    waiting.locator("svg.graph a").first.click()
    assert waiting.url.endswith("#part-count"), waiting.url
    waiting.locator("#part-count summary", has_text="numbers_count.sql").click()
    expect(waiting.locator("#part-count pre.code .k").first).to_be_visible()

    studio.redeploy("numbers", max_active_runs=3)
    waiting.goto(studio.operation("numbers"))
    expect(waiting.locator("table.versions")).to_contain_text("max_active_runs")
    waiting.get_by_role("link", name="diff of version 2").click()
    expect(waiting.locator("pre.diff .added").first).to_contain_text('"max_active_runs": 3')
    expect(waiting.locator("pre.diff .removed").first).to_contain_text('"max_active_runs": 1')
    waiting.locator("details.fold summary").first.click()
    studio.accessible(waiting)
    studio.picture(waiting, "versions-compared")
    waiting.get_by_role("link", name="version 1", exact=True).click()
    expect(waiting.get_by_text("This is version 1, not what runs.")).to_be_visible()
