"""An operation is disabled and enabled, in the list and on its own page; an administrator archives it and takes it out
again, and the audit log tells all of it as it happens."""

import studio
from studio import expect

with studio.browser() as browser:
    studio.deploy("numbers")
    page = studio.signed_in(browser, "operator")
    page.goto("/operations")
    page.get_by_role("searchbox").fill("numbers")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Disable numbers_DEV").click()
    # Back to the same view.
    expect(page.get_by_role("button", name="Enable numbers_DEV")).to_be_visible()
    assert "q=numbers" in page.url, page.url
    page.get_by_label("State").select_option("enabled")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("0 data operations")).to_be_visible()
    page.goto(studio.operation("numbers"))
    expect(page.get_by_role("button", name="Launch")).to_have_count(0)
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Launch")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("button", name="Enable")).to_be_visible()
    page.goto("/operations")
    expect(page.locator("tr", has_text="numbers_DEV")).to_contain_text("disabled")
    page.get_by_role("button", name="Enable numbers_DEV").click()
    expect(page.get_by_role("button", name="Disable numbers_DEV")).to_be_visible()

    admin = studio.signed_in(browser, "admin")
    admin.goto(studio.operation("numbers"))
    admin.get_by_role("button", name="Archive", exact=True).click()
    expect(admin.get_by_text("archived").first).to_be_visible()
    page.goto(studio.operation("numbers"))
    expect(page.get_by_role("button", name="Take out of the archive")).to_have_count(0)
    admin.get_by_role("button", name="Take out of the archive").click()
    expect(admin.get_by_role("button", name="Archive", exact=True)).to_be_visible()

    admin.get_by_role("link", name="Audit log of this operation").click()
    newest = admin.locator("table.audit tbody tr").first
    expect(newest).to_contain_text("took out of the archive DEV/gbq-to-gbq/numbers_DEV")
    page.reload()
    page.get_by_role("button", name="Disable").click()
    expect(newest).to_contain_text("user:operator")
    expect(newest).to_contain_text("disabled")
    expect(newest.locator("del")).to_have_text("true")
    expect(newest.locator("ins")).to_have_text("false")
    admin.get_by_label("Change").select_option("configuration_archive")
    admin.get_by_role("button", name="Show").click()
    expect(admin.locator("table.audit tbody tr")).to_have_count(1)
