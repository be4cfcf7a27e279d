"""A job arrives at a workflow while somebody looks; the workflow is reset; complete sets fire it, and runs know what they triggered."""

import studio
from studio import expect

with studio.browser() as browser:
    studio.deploy("JA", "JB", "JT", "W")
    page = studio.signed_in(browser, "operator")
    page.goto("/workflows")
    job = lambda name: page.locator("tr", has_text=f"gbq-to-gbq|{name}_DEV")
    expect(job("JA")).to_contain_text("awaited")
    expect(page.get_by_text("0 of 2")).to_be_visible()
    with studio.without_reload(page):
        studio.launch("JA", "--wait")
        expect(job("JA")).to_contain_text("arrived")
        expect(job("JB")).to_contain_text("awaited")
        expect(page.get_by_text("1 of 2")).to_be_visible()
    page.get_by_label("State").select_option("waiting")
    page.get_by_role("button", name="Show").click()
    expect(job("JA")).to_contain_text("arrived")

    # What would be forgotten is told first.
    page.locator("details.confirm summary").click()
    expect(page.locator("details.confirm li")).to_have_text("gbq-to-gbq|JA_DEV")
    studio.picture(page, "workflow-half")
    studio.accessible(page)
    page.locator("details.confirm button").click()
    expect(job("JA")).to_contain_text("awaited")

    with studio.without_reload(page):
        studio.launch("JA", "--wait")
        expect(job("JA")).to_contain_text("arrived")
        cause = studio.launch("JB", "--wait")
        # It has fired and begins anew.
        expect(job("JA")).to_contain_text("awaited")
        expect(page.locator("dt:has-text(\"Fired\") + dd").first).to_contain_text("1 time")
    studio.accessible(page)
    page.goto(studio.operation("JT"))
    expect(page.locator("#live tbody tr")).to_have_count(1)
    expect(page.locator("#live tbody tr")).to_contain_text("workflow")

    page.goto(f"/runs/{cause}")
    expect(page.get_by_role("heading", name="It triggered")).to_be_visible()
    page.get_by_role("link", name="JT_DEV").click()
    expect(page.get_by_role("heading", name="Triggered by")).to_be_visible()
    expect(page.locator("main")).to_contain_text("the workflow W")
    studio.picture(page, "run-triggered")
