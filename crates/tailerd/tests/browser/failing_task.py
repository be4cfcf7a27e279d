"""A task's SQL fails: the run says so live, the line is marked, and somebody takes note of it."""

import studio
from studio import expect

with studio.browser() as browser:
    studio.deploy("broken")
    page = studio.signed_in(browser, "operator")
    page.goto("/")
    with studio.without_reload(page):
        run = studio.launch("broken")
        failed = page.locator("tr", has_text="broken_DEV").filter(has_text="FAILED")
        expect(failed.first).to_be_visible()
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("FAILED")
    marked = page.locator("pre .marked")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("no_such_column")
    expect(marked).to_contain_text("3")
    expect(page.get_by_role("button", name="Relaunch from the failed task")).to_be_visible()
    studio.accessible(page)
    studio.picture(page, "run-failed")

    page.get_by_role("button", name="Set to CHECKED").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("CHECKED")
    page.goto("/")
    expect(page.get_by_text("Nothing failed that nobody has checked")).to_be_visible()
