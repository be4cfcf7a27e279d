"""A viewer reads everything and changes nothing: not by a button, not by a form that they make up themselves."""

import studio
from studio import expect

with studio.browser() as browser:
    studio.deploy("numbers", "broken")
    studio.launch("numbers", "--param", "n=3", "--wait")
    page = studio.signed_in(browser, "viewer")
    for path in ["/", "/operations", studio.operation("numbers"), "/runs", "/workflows"]:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for name in ["Launch", "Disable", "Archive", "Reset", "Cancel", "Relaunch", "Set marked runs to CHECKED"]:
            assert page.get_by_role("button", name=name).count() == 0, f"{path} offers {name}"
    page.goto(studio.operation("numbers"))
    page.locator("#live tbody a.row").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("SUCCESS")
    studio.accessible(page)

    csrf = page.locator("input[name=csrf]").first.get_attribute("value")
    # With everything that a true form has, from a page of this origin.
    send = """async ([path, csrf]) => (await fetch(path, { method: "POST", body: new URLSearchParams({ csrf }) })).status"""
    for change in ["launch", "disable", "archive", "unarchive"]:
        status = page.evaluate(send, [f"{studio.operation('numbers')}/{change}", csrf])
        assert status == 403, f"{change}: {status}"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("SUCCESS")
