"""A deployment shows up by itself; it is launched, waits behind another run, and goes green while somebody watches."""

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
    page.get_by_label("Parameters (JSON)").fill('{"n": 200000}')
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("RUNNING")
    first = page.url

    waiting = browser.context(who="operator").new_page()
    waiting.goto(studio.operation("numbers"))
    waiting.get_by_label("Execution date").fill("2024-02-29")
    waiting.get_by_label("Parameters (JSON)").fill('{"n": 3}')
    waiting.get_by_role("button", name="Launch").click()
    expect(waiting.get_by_role("heading", level=1)).to_contain_text("QUEUED")
    expect(waiting.get_by_text("2024-02-29").first).to_be_visible()
    studio.picture(waiting, "run-waiting")

    with studio.without_reload(waiting):
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("CANCELLED")
        assert page.url == first
        expect(waiting.get_by_role("heading", level=1)).to_contain_text("SUCCESS")
        expect(waiting.locator("svg .s-good").first).to_be_visible()
        assert waiting.locator("svg .s-busy, svg .s-bad").count() == 0
    studio.accessible(waiting)

    waiting.goto("/")
    expect(waiting.get_by_role("link", name="numbers_DEV").first).to_be_visible()
