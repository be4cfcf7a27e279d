"""A job arrives at a workflow while somebody looks; the workflow is reset; complete sets fire it."""

import studio
from studio import expect

with studio.browser() as browser:
    studio.deploy("JA", "JB", "JT", "W")
    page = studio.signed_in(browser, "operator")
    page.goto("/workflows")
    job = lambda name: page.locator("tr", has_text=f"gbq-to-gbq|{name}_DEV")
    expect(job("JA")).to_contain_text("awaited")
    with studio.without_reload(page):
        studio.launch("JA", "--wait")
        expect(job("JA")).to_contain_text("arrived")
        expect(job("JB")).to_contain_text("awaited")
    studio.picture(page, "workflow-half")

    page.get_by_role("button", name="Reset").click()
    expect(job("JA")).to_contain_text("awaited")

    with studio.without_reload(page):
        studio.launch("JA", "--wait")
        expect(job("JA")).to_contain_text("arrived")
        studio.launch("JB", "--wait")
        # It has fired and begins anew.
        expect(job("JA")).to_contain_text("awaited")
    studio.accessible(page)
    page.goto(studio.operation("JT"))
    expect(page.locator("#live tbody tr")).to_have_count(1)
    expect(page.locator("#live tbody tr")).to_contain_text("workflow")
